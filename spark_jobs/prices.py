"""Job `prices`: snapshots of `crypto-prices` to `crypto_market`. Stateless."""

from pyspark.sql import SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter

from market.store.measurements import MARKET
from schemas.record_types import PRICE
from spark_jobs.driver import run_job
from spark_jobs.influx_sink import influx_output
from spark_jobs.kafka_source import accepted, read_records
from spark_jobs.query import Query
from spark_jobs.settings import SparkSettings
from spark_jobs.transforms.prices import market_rows


def _snapshots(spark: SparkSession, settings: SparkSettings) -> DataStreamWriter:
    prices = accepted(read_records(spark, settings, PRICE))
    return influx_output(
        market_rows(prices), MARKET, bucket=settings.influx_bucket, settings=settings
    )


QUERIES = (Query(name="prices", version=1, output=_snapshots),)


def main() -> None:
    """Run this job alone."""
    run_job(QUERIES)


if __name__ == "__main__":
    main()
