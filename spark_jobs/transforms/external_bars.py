"""Bars that an exchange published itself to rows of `crypto_candles`. Row-wise.

They carry no trade ids, so their coverage is null. A minute without a trade comes as a bar of
volume 0 and is kept: it tells that nobody traded.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from market.store.measurements import CANDLES


def external_rows(bars: DataFrame) -> DataFrame:
    """One point a bar; `time_ms` is the open time."""
    vwap = F.when(F.col("volume") > 0, F.col("quote_volume") / F.col("volume"))
    missing = F.lit(None)
    return (
        bars.withColumn("layer", F.lit("external"))
        .withColumn("vwap", vwap)
        .withColumn("sell_volume", F.col("volume") - F.col("buy_volume"))
        .withColumn("first_trade_id", missing.cast("long"))
        .withColumn("last_trade_id", missing.cast("long"))
        .withColumn("coverage", missing.cast("double"))
        .withColumn("last_traded_at_ms", missing.cast("long"))
        .withColumn("is_partial", missing.cast("boolean"))
        .select(*CANDLES.tags, *CANDLES.fields, F.col("open_time_ms").alias("time_ms"))
    )
