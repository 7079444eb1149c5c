"""Job `candles`: one-minute bars from `crypto-trades`, and bars that exchanges published.

The watermark of `candles_1m` says which bars are final; the driver publishes it in `batch_ledger`.
"""

from pyspark.sql import SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter

from market.store.measurements import CANDLES
from schemas.record_types import EXTERNAL_BAR, TRADE
from spark_jobs.driver import run_job
from spark_jobs.influx_sink import influx_output
from spark_jobs.kafka_source import accepted, read_records
from spark_jobs.query import Query
from spark_jobs.settings import SparkSettings
from spark_jobs.transforms.candles import candle_rows, with_event_time
from spark_jobs.transforms.external_bars import external_rows

# The first start brings 150,000 bars. In one batch they held both cores for 20 s, and live prices
# stood still meanwhile.
HISTORY_AT_MOST = 10_000


def _minutes(spark: SparkSession, settings: SparkSettings) -> DataStreamWriter:
    trades = with_event_time(
        accepted(read_records(spark, settings, TRADE)),
        watermark_delay_s=settings.watermark_delay_s(),
    )
    rows = candle_rows(trades, interval="1m", window="1 minute", layer="speed")
    return influx_output(rows, CANDLES, bucket=settings.influx_speed_bucket, settings=settings)


def _external(spark: SparkSession, settings: SparkSettings) -> DataStreamWriter:
    bars = read_records(spark, settings, EXTERNAL_BAR, at_most=HISTORY_AT_MOST)
    rows = external_rows(accepted(bars))
    return influx_output(rows, CANDLES, bucket=settings.influx_bucket, settings=settings)


QUERIES = (
    Query(name="candles_1m", version=1, output=_minutes, final_through="1m"),
    Query(name="candles_external", version=1, output=_external, trigger_ms=1_000),
)


def main() -> None:
    """Run this job alone."""
    run_job(QUERIES)


if __name__ == "__main__":
    main()
