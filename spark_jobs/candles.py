"""Job `candles`: bars of one second and one minute from `crypto-trades`, provisional at once.

The watermark of each query says which of its bars are final; the driver publishes it in
`batch_ledger`.
"""

from pyspark.sql import SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter

from market.store.measurements import CANDLES
from schemas.record_types import TRADE
from spark_jobs.driver import run_job
from spark_jobs.influx_sink import influx_output
from spark_jobs.kafka_source import accepted, read_records
from spark_jobs.line_protocol import to_lines
from spark_jobs.query import Query
from spark_jobs.settings import SparkSettings
from spark_jobs.transforms.candles import candle_rows, with_event_time


def _seconds(spark: SparkSession, settings: SparkSettings) -> DataStreamWriter:
    return _bars(spark, settings, interval="1s", bucket=settings.influx_seconds_bucket)


def _minutes(spark: SparkSession, settings: SparkSettings) -> DataStreamWriter:
    return _bars(spark, settings, interval="1m", bucket=settings.influx_speed_bucket)


def _bars(
    spark: SparkSession, settings: SparkSettings, *, interval: str, bucket: str
) -> DataStreamWriter:
    trades = with_event_time(
        accepted(read_records(spark, settings, TRADE)),
        watermark_delay_s=settings.watermark_delay_s(),
    )
    rows = candle_rows(trades, interval=interval, layer="speed")
    return influx_output(to_lines(rows, CANDLES), bucket=bucket, settings=settings)


QUERIES = (
    Query(name="candles_1m", version=1, output=_minutes, final_through="1m"),
    Query(name="candles_1s", version=1, output=_seconds, final_through="1s"),
)


def main() -> None:
    """Run this job alone."""
    run_job(QUERIES)


if __name__ == "__main__":
    main()
