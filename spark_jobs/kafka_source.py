"""The only place that reads Kafka with Spark and the only one that names `from_avro`.

Columns of a decoded stream: those of the newest schema, `rejection` (null, or a reason from
`schemas.record_types.REASONS`), and Kafka's `topic, partition, offset, key, value, timestamp`.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.avro.functions import from_avro

from schemas.codec import HEADER, MAGIC
from schemas.record_types import RecordType
from schemas.validity import MAX_RECORD_BYTES
from spark_jobs.settings import SparkSettings
from spark_jobs.transforms.validity import impossible

HEADER_BYTES = HEADER.size
KAFKA_COLUMNS = ("topic", "partition", "offset", "key", "value", "timestamp")


def read_topics(
    spark: SparkSession,
    settings: SparkSettings,
    *topics: str,
    at_most: int | None = None,
    starting: str = "earliest",
) -> DataFrame:
    """Kafka's own columns of the topics, from the query's checkpoint or, without one, `starting`.

    `starting` is as Spark's `startingOffsets`. `at_most` records a micro-batch, where a query must
    leave the cores to others in between.
    """
    return (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", settings.kafka_bootstrap)
        .option("subscribe", ",".join(topics))
        .option("startingOffsets", starting)
        .option("failOnDataLoss", "true")
        .option("maxOffsetsPerTrigger", at_most or settings.spark_max_offsets_per_trigger)
        # A quiet topic: micro-batch p50 569 ms at Kafka's default wait, 71 ms at 10 ms.
        .option("kafka.fetch.max.wait.ms", "10")
        .option("kafka.max.poll.records", "20000")
        .load()
        .select(*KAFKA_COLUMNS)
    )


def read_records(
    spark: SparkSession, settings: SparkSettings, kind: RecordType, *, at_most: int | None = None
) -> DataFrame:
    """Decoded and judged records of one type; refused ones still in, with their `rejection`."""
    return decode(read_topics(spark, settings, kind.topic, at_most=at_most), kind)


def accepted(records: DataFrame) -> DataFrame:
    """Only what may be counted on; the `dead_letters` job publishes the rest."""
    return records.where(F.col("rejection").isNull())


def decode(raw: DataFrame, kind: RecordType) -> DataFrame:
    """Kafka rows of one topic to the columns named above."""
    return decode_apart(raw, kind).select("record.*", "rejection", *KAFKA_COLUMNS)


def decode_apart(raw: DataFrame, kind: RecordType) -> DataFrame:
    """The same with the record as one column: a dead letter has Kafka's names for its own."""
    framed = raw.withColumn("record", _record(kind)).withColumn(
        "rejection", _rejection(kind, "record")
    )
    return framed.select("record", "rejection", *KAFKA_COLUMNS)


def bare_records(spark: SparkSession, settings: SparkSettings, kind: RecordType) -> DataFrame:
    """Records of the newest version, nothing judged: what a measurement compares with."""
    body = F.substring("value", HEADER_BYTES + 1, MAX_RECORD_BYTES)
    raw = read_topics(spark, settings, kind.topic)
    return raw.select(from_avro(body, _compact(kind.latest)).alias("record")).select("record.*")


def judge(raw: DataFrame, kinds: Sequence[RecordType]) -> DataFrame:
    """Kafka rows of many topics to their `rejection` and Kafka's columns; no field of a record."""
    return decode_each(raw, kinds).select("rejection", *KAFKA_COLUMNS)


def decode_each(raw: DataFrame, kinds: Sequence[RecordType]) -> DataFrame:
    """Kafka rows of many topics to a struct a kind, `rejection` and Kafka's columns.

    The struct bears the kind's name, and is null in rows of other topics. One reading for all.
    """
    for kind in kinds:
        raw = raw.withColumn(kind.name, F.when(F.col("topic") == kind.topic, _record(kind)))
    rejections = [
        F.when(F.col("topic") == kind.topic, _rejection(kind, kind.name)) for kind in kinds
    ]
    names = [kind.name for kind in kinds]
    return raw.withColumn("rejection", F.coalesce(*rejections)).select(
        *names, "rejection", *KAFKA_COLUMNS
    )


def observed_at_ms(kinds: Sequence[RecordType]) -> Column:
    """That field alone, whatever its type; null where the bytes are no record of their topic.

    Nothing is judged: the number is what the writer wrote.
    """
    fields = {kind.topic: _record(kind, only="observed_at_ms")["observed_at_ms"] for kind in kinds}
    return F.coalesce(*[F.when(F.col("topic") == topic, one) for topic, one in fields.items()])


def schema_id() -> Column:
    """Writer's schema id out of the Confluent header, null where there is no header."""
    number = F.conv(F.hex(F.substring("value", 2, 4)), 16, 10).try_cast("int")
    return F.when(~_bad_header(), number)


def _bad_header() -> Column:
    return (
        F.col("value").isNull()
        | (F.octet_length("value") <= HEADER_BYTES)
        | (F.substring("value", 1, 1) != F.lit(bytes([MAGIC])))
    )


def _header(schema: int) -> Column:
    """The five bytes before the records of one writer schema."""
    return F.lit(bytes([MAGIC]) + schema.to_bytes(4, "big"))


def _record(kind: RecordType, *, only: str | None = None) -> Column:
    body = F.substring("value", HEADER_BYTES + 1, MAX_RECORD_BYTES)
    reader = {"mode": "PERMISSIVE", "avroSchema": _compact(kind.latest, only=only)}
    # Bytes are compared as they are: a number made of them for each record took longer than Avro.
    held = F.substring("value", 1, HEADER_BYTES)
    versions = [
        F.when(held == _header(version), from_avro(body, _compact(writer), reader))
        for version, writer in kind.schemas.items()
    ]
    return _evaluated_once(F.coalesce(*versions))


def _evaluated_once(record: Column) -> Column:
    """The column, kept from being copied into each place that reads it.

    Spark pushes the filter on `rejection` below the projection and writes the decoding into every
    comparison of it: 74 times a price. An expression that it takes for nondeterministic it
    leaves where it is; the condition is always true and costs nothing.
    """
    return F.when(F.spark_partition_id() >= 0, record)


def _compact(schema: Mapping[str, Any], *, only: str | None = None) -> str:
    """The schema without its docs: Spark prints it into every plan of every micro-batch."""
    fields = [
        {name: part for name, part in one.items() if name != "doc"}
        for one in schema["fields"]
        if only in (None, one["name"])
    ]
    bare = {"type": "record", "name": schema["name"], "namespace": schema["namespace"]}
    return json.dumps(bare | {"fields": fields}, separators=(",", ":"))


def _rejection(kind: RecordType, record: str) -> Column:
    known = F.substring("value", 1, HEADER_BYTES).isin(*map(_header, kind.versions))
    return (
        F.when(_bad_header(), "bad_magic")
        .when(~known, "unknown_schema")
        .when(F.octet_length("value") > MAX_RECORD_BYTES, "oversized")
        # PERMISSIVE gives a row of nulls for what it cannot read; source is never null.
        .when(F.col(f"{record}.source").isNull(), "truncated")
        .otherwise(impossible(kind, record))
    )
