"""Job `bars`: final minutes to 5m, 15m, 1h, 4h, 1d, indicators and the cross-section of markets.

Lines go to InfluxDB (bars and analytics of trades to the speed bucket, analytics of the exchange's
history to the main one), final bars of 1m to 1d to `crypto-candles`.
"""

from collections.abc import Callable
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.streaming.readwriter import DataStreamWriter

from market.store.measurements import ANALYTICS, CANDLES, CROSS_SECTION
from schemas.record_types import CANDLE, EXTERNAL_BAR, TRADE
from spark_jobs.driver import run_job
from spark_jobs.influx_sink import open_writer, write_by_bucket
from spark_jobs.kafka_sink import RecordProducer
from spark_jobs.kafka_source import accepted, read_records
from spark_jobs.line_protocol import line_of
from spark_jobs.query import Query
from spark_jobs.settings import SparkSettings
from spark_jobs.stateful import stream_stateful
from spark_jobs.transforms.candles import candle_rows, with_event_time
from spark_jobs.transforms.external_bars import external_rows
from spark_jobs.transforms.market_analytics import GIVEN, ORDER, keyed_rows, open_core


def _bars(spark: SparkSession, settings: SparkSettings) -> DataStreamWriter:
    trades = with_event_time(
        accepted(read_records(spark, settings, TRADE)),
        watermark_delay_s=settings.watermark_delay_s(),
    )
    published = accepted(read_records(spark, settings, EXTERNAL_BAR))
    given = bar_analytics(trades, external_rows(published))
    return (
        sinkable(given, settings)
        .writeStream.outputMode("append")
        .foreachBatch(batch_writer(settings))
    )


def bar_analytics(trades: DataFrame, history: DataFrame) -> DataFrame:
    """Trades with their event time, and rows of the exchange's bars, to what the cores give."""
    minutes = candle_rows(trades, intervals=["1m"], layer="speed", newest=["collected_at_ms"])
    told = history.withColumn("collected_at_ms", F.lit(None).cast("long"))
    return stream_stateful(keyed_rows(minutes, told), open_core, order=ORDER, gives=GIVEN)


def sinkable(given: DataFrame, settings: SparkSettings) -> DataFrame:
    """`bucket`, its `line`, and the `candle` for Kafka; the last two null where there is none.

    Minutes are written by job `candles`.
    """
    kind = F.col("kind")
    line = (
        F.when((kind == "candle") & (F.col("interval") != "1m"), line_of(CANDLES))
        .when(kind == "market", line_of(ANALYTICS))
        .when(kind == "cross_section", line_of(CROSS_SECTION))
    )
    candle = F.when((kind == "candle") & _is_told(), F.struct(*_candle_fields()))
    bucket = F.when(F.col("layer") == "external", settings.influx_bucket).otherwise(
        settings.influx_speed_bucket
    )
    return given.select(bucket.alias("bucket"), line.alias("line"), candle.alias("candle"))


def _candle_fields() -> list[Column]:
    named = {"open_time_ms": "time_ms", "observed_at_ms": "last_traded_at_ms"}
    names = [field["name"] for field in CANDLE.latest["fields"]]
    return [F.col(named.get(name, name)).alias(name) for name in names]


def _is_told() -> Column:
    """An exchange that does not tell all of a bar makes one that is no record of ours."""
    counted = ("quote_volume", "trades", "buy_volume", "sell_volume")
    known = F.lit(True)
    for name in counted:
        known = known & F.col(name).isNotNull()
    return known


def batch_writer(settings: SparkSettings) -> Callable[[DataFrame, int], None]:
    """The function for `foreachBatch`; it has one action, so Spark runs the plan once."""
    writer = open_writer(settings)
    producer = RecordProducer(settings)

    def write(batch: DataFrame, _epoch: int) -> None:
        rows = batch.toArrow()
        write_by_bucket(writer, rows, settings=settings)
        candles = _told(rows["candle"])
        if candles:
            producer.send(CANDLE, candles)

    return write


def _told(column: pa.ChunkedArray) -> list[Any]:
    held: list[Any] = column.drop_null().to_pylist()
    return held


# Minutes become final once a minute; a batch more often only costs its trigger.
QUERIES = (Query(name="bars", version=1, output=_bars, trigger_ms=10_000),)


def main() -> None:
    """Run this job alone."""
    run_job(QUERIES)


if __name__ == "__main__":
    main()
