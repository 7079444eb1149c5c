"""Rows of the archive: the bytes of a record as they were in Kafka, and where they stood."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from schemas.validity import EARLIEST_MS

# 2100-01-01. A day is a folder: times that nobody can mean must not make one each.
LATEST_MS = 4_102_444_800_000


def archive_rows(raw: DataFrame) -> DataFrame:
    """Kafka rows with their `schema_id` and `observed_at_ms` to the columns of the table.

    `day` is the UTC date of `observed_at_ms`; null where the bytes are no record or its time is
    before the first block or after this century.
    """
    has_day = F.col("observed_at_ms").between(EARLIEST_MS, LATEST_MS - 1)
    return raw.select(
        "topic",
        "partition",
        "offset",
        F.col("timestamp").alias("kafka_timestamp"),
        "key",
        "value",
        "schema_id",
        F.when(has_day, F.timestamp_millis("observed_at_ms").cast("date")).alias("day"),
    )
