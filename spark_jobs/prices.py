"""Job `prices`: what sources say ready made, row by row: snapshots, the whole market, their bars.

One stateless query for all of it, because each query costs a trigger and a checkpoint of its own.
"""

from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.streaming.readwriter import DataStreamWriter

from market.store.measurements import CANDLES, GLOBAL, MARKET
from schemas.record_types import EXTERNAL_BAR, PRICE
from schemas.record_types import GLOBAL as GLOBAL_RECORD
from spark_jobs.driver import run_job
from spark_jobs.influx_sink import influx_output
from spark_jobs.kafka_source import accepted, read_records
from spark_jobs.line_protocol import to_lines
from spark_jobs.query import Query
from spark_jobs.settings import SparkSettings
from spark_jobs.transforms.external_bars import external_rows
from spark_jobs.transforms.prices import global_rows, market_rows

# The first start brings 150,000 bars. In one batch they held both cores for 20 s, and live prices
# stood still meanwhile.
HISTORY_AT_MOST = 10_000


def _as_told(spark: SparkSession, settings: SparkSettings) -> DataStreamWriter:
    prices = accepted(read_records(spark, settings, PRICE))
    whole_market = accepted(read_records(spark, settings, GLOBAL_RECORD))
    bars = accepted(read_records(spark, settings, EXTERNAL_BAR, at_most=HISTORY_AT_MOST))
    lines = (
        to_lines(market_rows(prices), MARKET)
        .unionByName(to_lines(global_rows(whole_market), GLOBAL))
        .unionByName(to_lines(external_rows(bars), CANDLES))
    )
    bucket = F.lit(settings.influx_bucket).alias("bucket")
    return influx_output(lines.select(bucket, "line"), settings=settings)


QUERIES = (Query(name="prices", version=2, output=_as_told),)


def main() -> None:
    """Run this job alone."""
    run_job(QUERIES)


if __name__ == "__main__":
    main()
