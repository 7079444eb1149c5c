"""Job `dead_letters`: what other jobs refuse, published once with its reason and coordinates."""

from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.streaming.readwriter import DataStreamWriter

from schemas.record_types import AGENT_RECORD_TYPES
from spark_jobs.driver import run_job
from spark_jobs.kafka_sink import dead_letter_output
from spark_jobs.kafka_source import judge, read_topics
from spark_jobs.query import Query
from spark_jobs.settings import SparkSettings


def _refused(spark: SparkSession, settings: SparkSettings) -> DataStreamWriter:
    raw = read_topics(spark, settings, *(kind.topic for kind in AGENT_RECORD_TYPES))
    refused = judge(raw, AGENT_RECORD_TYPES).where(F.col("rejection").isNotNull())
    return dead_letter_output(refused, settings)


QUERIES = (Query(name="dead_letters", version=2, output=_refused, trigger_ms=15_000),)


def main() -> None:
    """Run this job alone."""
    run_job(QUERIES)


if __name__ == "__main__":
    main()
