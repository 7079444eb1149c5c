"""Drains a backlog of `crypto-trades` again and again in one JVM: for `./cryptoviz bench drain`.

Not a job. Each drain has a fresh checkpoint and reads the whole topic, in the order of STAGES, each
stage doing what the one before it does and one thing more, so that the differences say where the
time goes. `minutes` are one-minute candles with every column into InfluxDB; `shipped` is the query
`candles` as the driver runs it, seconds beside minutes. Prints one JSON line a drain.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.streaming.readwriter import DataStreamWriter

from market.settings import read_settings
from schemas.record_types import TRADE
from spark_jobs import candles
from spark_jobs.kafka_source import accepted, bare_records, read_records, read_topics
from spark_jobs.settings import SparkSettings

REPEATS = 3
Stage = Callable[[SparkSession, SparkSettings], DataStreamWriter]


def _read(spark: SparkSession, settings: SparkSettings) -> DataStreamWriter:
    """Kafka's bytes, looked at and thrown away."""
    return _into_nothing(read_topics(spark, settings, TRADE.topic).select("value"))


def _decoded(spark: SparkSession, settings: SparkSettings) -> DataStreamWriter:
    """Every column of every trade, judged."""
    return _into_nothing(accepted(read_records(spark, settings, TRADE)))


def _bare(spark: SparkSession, settings: SparkSettings) -> DataStreamWriter:
    """The least that may be called candles: five columns, nothing judged, into a file."""
    trades = bare_records(spark, settings, TRADE)
    minute = F.timestamp_seconds(F.floor(F.col("traded_at_ms") / 60_000) * 60)
    bars = (
        trades.select("symbol", "trade_id", "price", "quantity", minute.alias("minute"))
        .withWatermark("minute", "30 seconds")
        .groupBy("symbol", "minute")
        .agg(
            F.min_by("price", "trade_id").alias("open"),
            F.max("price").alias("high"),
            F.min("price").alias("low"),
            F.max_by("price", "trade_id").alias("close"),
            F.sum("quantity").alias("volume"),
        )
    )
    folder = tempfile.mkdtemp(dir=settings.checkpoints)

    def write(batch: DataFrame, epoch: int) -> None:
        batch.write.parquet(f"{folder}/{epoch}")

    return bars.writeStream.outputMode("update").foreachBatch(write)


def _minutes(spark: SparkSession, settings: SparkSettings) -> DataStreamWriter:
    return candles.candle_output(spark, settings, intervals=["1m"])


def _shipped(spark: SparkSession, settings: SparkSettings) -> DataStreamWriter:
    (query,) = candles.QUERIES
    return query.output(spark, settings)


STAGES: dict[str, Stage] = {
    "read": _read,
    "decoded": _decoded,
    "bare": _bare,
    "minutes": _minutes,
    "shipped": _shipped,
}


def _into_nothing(rows: DataFrame) -> DataStreamWriter:
    return rows.writeStream.format("noop").outputMode("append")


def _drain(spark: SparkSession, settings: SparkSettings, stage: Stage) -> dict[str, float]:
    """One drain: its seconds and rows, and the sums of Spark's own phases in seconds."""
    checkpoint = tempfile.mkdtemp(dir=settings.checkpoints)
    writer = stage(spark, settings).option("checkpointLocation", checkpoint)
    jvm = psutil.Process(os.getppid())
    began, used_s = time.perf_counter(), _cpu_s(jvm)
    query = writer.trigger(availableNow=True).start()
    query.awaitTermination()
    seconds = time.perf_counter() - began
    phases: dict[str, float] = {}
    for progress in query.recentProgress:
        for name, spent_ms in progress["durationMs"].items():
            phases[name] = phases.get(name, 0.0) + spent_ms / 1000
    rows = sum(progress["numInputRows"] for progress in query.recentProgress)
    return {"seconds": seconds, "cpu_s": _cpu_s(jvm) - used_s, "rows": rows, **phases}


def _cpu_s(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)


def main() -> None:
    """Drain by the stages named as arguments, or by all of them."""
    settings = read_settings(SparkSettings)
    Path(settings.checkpoints).mkdir(parents=True, exist_ok=True)
    spark = SparkSession.builder.getOrCreate()
    for repeat in range(1, REPEATS + 1):
        for name in sys.argv[1:] or STAGES:
            found = {"stage": name, "repeat": repeat, **_drain(spark, settings, STAGES[name])}
            sys.stdout.write(json.dumps(found) + "\n")
            sys.stdout.flush()
    spark.stop()


if __name__ == "__main__":
    main()
