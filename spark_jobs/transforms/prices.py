"""Price snapshots to rows of `crypto_market`. Row-wise."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from market.store.measurements import MARKET


def market_rows(prices: DataFrame) -> DataFrame:
    """One point a snapshot: its tags, its fields and `time_ms`, the source's own moment."""
    return prices.select(*MARKET.tags, *MARKET.fields, F.col("observed_at_ms").alias("time_ms"))
