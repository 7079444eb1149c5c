"""The only place that writes Kafka with Spark and the only one that names `to_avro`."""

import json

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.avro.functions import to_avro
from pyspark.sql.streaming.readwriter import DataStreamWriter

from schemas.record_types import DEAD_LETTER
from spark_jobs.settings import SparkSettings

DETAIL = {
    "bad_magic": "the bytes do not start with the Confluent header",
    "unknown_schema": "the writer's schema id is not in schemas/record_types.py",
    "oversized": "larger than any record of ours",
    "truncated": "the Avro body cannot be read with the schema of its id",
    "future_time": "its event time is ahead of the collector's clock beyond tolerance",
    "impossible_value": "a price, quantity or time in it cannot be true",
}


def dead_letter_output(refused: DataFrame, settings: SparkSettings) -> DataStreamWriter:
    """Unstarted writer of refused Kafka rows; keyed by coordinates, so a repeat is recognised."""
    letters = F.create_map(*[F.lit(text) for pair in DETAIL.items() for text in pair])
    stamp_ms = F.unix_millis("timestamp")
    letter_id = F.concat_ws(":", "topic", "partition", "offset")
    record = F.struct(
        F.lit("spark").alias("source"),
        stamp_ms.alias("observed_at_ms"),
        stamp_ms.alias("collected_at_ms"),
        F.col("topic"),
        F.col("partition"),
        F.col("offset"),
        F.col("rejection").alias("reason"),
        letters[F.col("rejection")].alias("detail"),
        F.coalesce(F.col("value"), F.lit(b"")).alias("payload"),
        F.col("key"),
        letter_id.alias("letter_id"),
    )
    header = F.lit(bytes([0]) + DEAD_LETTER.latest_id.to_bytes(4, "big"))
    framed = refused.select(
        letter_id.cast("binary").alias("key"),
        F.concat(header, to_avro(record, json.dumps(DEAD_LETTER.latest))).alias("value"),
    )
    return (
        framed.writeStream.format("kafka")
        .option("kafka.bootstrap.servers", settings.kafka_bootstrap)
        .option("kafka.acks", "all")
        .option("kafka.max.request.size", "4194304")
        .option("topic", DEAD_LETTER.topic)
    )
