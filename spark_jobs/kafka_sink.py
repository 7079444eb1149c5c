"""The only place that writes Kafka with Spark and the only one that names `to_avro`."""

import json
from collections.abc import Iterable
from typing import Any

from confluent_kafka import KafkaError, Message, Producer
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.avro.functions import to_avro
from pyspark.sql.streaming.readwriter import DataStreamWriter

from market.errors import StoreUnavailable
from schemas.codec import Record, encode, key_of
from schemas.record_types import DEAD_LETTER, RecordType
from spark_jobs.settings import SparkSettings

# A broker that does not take a batch in this time fails the query, which then repeats the batch.
FLUSH_S = 30.0
ROOM_S = 1.0

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


class RecordProducer:
    """Writes few records of a micro-batch from the driver; opened with the first."""

    def __init__(self, settings: SparkSettings) -> None:
        self._bootstrap = settings.kafka_bootstrap
        self._producer: Producer | None = None

    def send(self, kind: RecordType, records: Iterable[Record]) -> None:
        """All are in Kafka when this returns. Raises StoreUnavailable where they are not."""
        failed: list[str] = []

        def delivered(error: KafkaError | None, _message: Message) -> None:
            if error is not None:
                failed.append(str(error))

        producer = self._open()
        for record in records:
            message = {"key": key_of(kind, record), "on_delivery": delivered}
            while not _is_queued(producer, kind.topic, encode(kind, record), message):
                producer.poll(ROOM_S)
        left = producer.flush(FLUSH_S)
        if left or failed:
            self._producer = None
            raise StoreUnavailable(f"Kafka did not take {left + len(failed)} records: {failed[:1]}")

    def _open(self) -> Producer:
        if self._producer is None:
            self._producer = Producer(
                {"bootstrap.servers": self._bootstrap, "acks": "all", "enable.idempotence": True}
            )
        return self._producer


def _is_queued(producer: Producer, topic: str, payload: bytes, message: dict[str, Any]) -> bool:
    try:
        producer.produce(topic, payload, **message)
    except BufferError:
        return False
    return True
