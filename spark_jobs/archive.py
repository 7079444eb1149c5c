"""Job `archive`: every record of the agents as it was in Kafka, to the master dataset.

Of `crypto-source-health` too: Kafka keeps only the newest heartbeat of a source (compaction), so
nothing else tells how a source was last week. Its offsets have holes therefore.
"""

from pyspark.sql import SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter

from schemas.record_types import AGENT_RECORD_TYPES
from spark_jobs.delta_sink import DeltaSink, next_offsets
from spark_jobs.driver import run_job
from spark_jobs.kafka_offsets import starting_offsets
from spark_jobs.kafka_source import observed_at_ms, read_topics, schema_id
from spark_jobs.query import Query
from spark_jobs.settings import SparkSettings
from spark_jobs.transforms.archive import archive_rows

TOPICS = tuple(kind.topic for kind in AGENT_RECORD_TYPES)
# A minute at 5 k trades/s; sorted in memory they are some 60 MB of the driver's heap.
AT_MOST = 300_000


def _records(spark: SparkSession, settings: SparkSettings) -> DataStreamWriter:
    checkpoint = QUERIES[0].checkpoint(settings)
    table = settings.archive.absolute()
    starting = "earliest"
    if not any((checkpoint / "offsets").glob("[0-9]*")) and (held := next_offsets(spark, table)):
        starting = starting_offsets(settings.kafka_bootstrap, TOPICS, held)
    raw = read_topics(spark, settings, *TOPICS, at_most=AT_MOST, starting=starting)
    rows = archive_rows(
        raw.withColumn("observed_at_ms", observed_at_ms(AGENT_RECORD_TYPES)).withColumn(
            "schema_id", schema_id()
        )
    )
    return rows.writeStream.foreachBatch(
        DeltaSink(table=table, checkpoint=checkpoint, clock=settings.clock())
    )


QUERIES = (
    Query(
        name="archive",
        version=1,
        output=_records,
        trigger_ms=60_000,
        begins_anew="it goes on after the last record of its table",
    ),
)


def main() -> None:
    """Run this job alone."""
    run_job(QUERIES)


if __name__ == "__main__":
    main()
