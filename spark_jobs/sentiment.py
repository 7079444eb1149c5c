"""Job `sentiment`: articles to moods and stories, hours of them, and the Fear and Greed index.

One query for both topics, because each query costs a trigger and a checkpoint of its own. All goes
to the main bucket: news are few and are kept.
"""

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.streaming.readwriter import DataStreamWriter

from market.store.measurements import FEAR_GREED, NEWS, SENTIMENT
from schemas.record_types import ARTICLE
from schemas.record_types import FEAR_GREED as FEAR_GREED_RECORD
from spark_jobs.driver import run_job
from spark_jobs.influx_sink import batch_writer
from spark_jobs.kafka_source import accepted, read_records
from spark_jobs.line_protocol import line_of, to_lines
from spark_jobs.query import Query
from spark_jobs.settings import SparkSettings
from spark_jobs.stateful import stream_stateful
from spark_jobs.transforms.sentiment.rows import GIVEN, ORDER, fear_greed_rows, scored_articles
from spark_jobs.transforms.sentiment.stories import open_core


def _sentiment(spark: SparkSession, settings: SparkSettings) -> DataStreamWriter:
    articles = accepted(read_records(spark, settings, ARTICLE))
    days = accepted(read_records(spark, settings, FEAR_GREED_RECORD))
    lines = news_lines(told_articles(articles)).unionByName(
        to_lines(fear_greed_rows(days), FEAR_GREED)
    )
    bucket = F.lit(settings.influx_bucket).alias("bucket")
    return (
        lines.select(bucket, "line")
        .writeStream.outputMode("append")
        .foreachBatch(batch_writer(settings))
    )


def told_articles(articles: DataFrame) -> DataFrame:
    """Decoded articles to what the core of stories gives."""
    return stream_stateful(scored_articles(articles), open_core, order=ORDER, gives=GIVEN)


def news_lines(given: DataFrame) -> DataFrame:
    """Rows of the core to lines of their measurements."""
    is_news = F.col("row") == "news"
    line = F.when(is_news, line_of(NEWS)).otherwise(line_of(SENTIMENT))
    return given.select(line.alias("line"))


# Feeds are asked once in minutes; an article may wait for the cores that prices need.
QUERIES = (Query(name="sentiment", version=1, output=_sentiment, trigger_ms=5_000),)


def main() -> None:
    """Run this job alone."""
    run_job(QUERIES)


if __name__ == "__main__":
    main()
