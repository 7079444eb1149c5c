"""Job `candles`: bars of one second and one minute from `crypto-trades`, provisional at once.

One aggregation for both. Its watermark says which bars are final; the driver publishes it in
`batch_ledger`.
"""

from collections.abc import Sequence

from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.streaming.readwriter import DataStreamWriter

from market.store.measurements import CANDLES
from schemas.record_types import TRADE
from spark_jobs.driver import run_job
from spark_jobs.influx_sink import influx_output
from spark_jobs.kafka_source import accepted, read_records
from spark_jobs.line_protocol import line_of
from spark_jobs.query import Query
from spark_jobs.settings import SparkSettings
from spark_jobs.transforms.candles import candle_rows, with_event_time

INTERVALS = ("1s", "1m")


def candle_output(
    spark: SparkSession, settings: SparkSettings, intervals: Sequence[str] = INTERVALS
) -> DataStreamWriter:
    """Unstarted writer of the bars of these intervals, each to its bucket."""
    trades = with_event_time(
        accepted(read_records(spark, settings, TRADE)),
        watermark_delay_s=settings.watermark_delay_s(),
    )
    rows = candle_rows(trades, intervals=intervals, layer="speed")
    bucket = F.when(F.col("interval") == "1s", settings.influx_seconds_bucket).otherwise(
        settings.influx_speed_bucket
    )
    lines = rows.select(bucket.alias("bucket"), line_of(CANDLES).alias("line"))
    return influx_output(lines, settings=settings)


QUERIES = (Query(name="candles", version=1, output=candle_output, final_through=INTERVALS),)


def main() -> None:
    """Run this job alone."""
    run_job(QUERIES)


if __name__ == "__main__":
    main()
