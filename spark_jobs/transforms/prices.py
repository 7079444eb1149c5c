"""What sources say of coins and of the whole market, as rows of the store. Row-wise."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from market.store.measurements import GLOBAL, MARKET


def market_rows(prices: DataFrame) -> DataFrame:
    """One point a snapshot: its tags, its fields and `time_ms`, the source's own moment."""
    return prices.select(*MARKET.tags, *MARKET.fields, F.col("observed_at_ms").alias("time_ms"))


def global_rows(whole_market: DataFrame) -> DataFrame:
    """One point an answer: totals over all coins, at the source's own moment."""
    return whole_market.select(
        *GLOBAL.tags, *GLOBAL.fields, F.col("observed_at_ms").alias("time_ms")
    )
