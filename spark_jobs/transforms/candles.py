"""Trades to candles. Windowed; used on streams and on history alike.

Open and close go by (traded_at_ms, trade_id, offset). `trades` counts fills. `coverage` is held
trade ids over the ids between the first and the last of the bar. Amounts are in the base currency
(`volume`, `buy_volume`, `sell_volume`) and the quote currency (`quote_volume`, `vwap`).
"""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from market.intervals import INTERVAL_MS
from market.store.measurements import CANDLES

EVENT_TIME = "traded_at"
DAY_MS = 86_400_000
ID_BITS = 36


def with_event_time(trades: DataFrame, *, watermark_delay_s: int) -> DataFrame:
    """Adds `traded_at`, the column the watermark follows."""
    return trades.withColumn(EVENT_TIME, F.timestamp_millis("traded_at_ms")).withWatermark(
        EVENT_TIME, f"{watermark_delay_s} seconds"
    )


def candle_rows(
    trades: DataFrame, *, intervals: Sequence[str], layer: str, newest: Sequence[str] = ()
) -> DataFrame:
    """Bars of some intervals of INTERVAL_MS; `time_ms` is the open time, a day is a day of UTC.

    `newest` names further columns of the trades of which the bar keeps the largest.
    """
    order = _order()
    amount = F.col("price") * F.col("quantity")
    placed = _in_windows(trades, intervals)
    bars = placed.groupBy("window", "coin_id", "quote", "source", "symbol").agg(
        F.min_by("price", order).alias("open"),
        F.max("price").alias("high"),
        F.min("price").alias("low"),
        F.max_by("price", order).alias("close"),
        F.sum("quantity").alias("volume"),
        F.sum(amount).alias("quote_volume"),
        F.sum(F.col("last_fill_id") - F.col("first_fill_id") + F.lit(1)).alias("trades"),
        F.sum(F.when(F.col("aggressor") == "buy", F.col("quantity")).otherwise(0.0)).alias(
            "buy_volume"
        ),
        F.min("trade_id").alias("first_trade_id"),
        F.max("trade_id").alias("last_trade_id"),
        F.count("trade_id").alias("held"),
        F.max("traded_at_ms").alias("last_traded_at_ms"),
        *(F.max(name).alias(name) for name in newest),
    )
    expected = F.col("last_trade_id") - F.col("first_trade_id") + F.lit(1)
    return (
        bars.withColumn("vwap", F.col("quote_volume") / F.col("volume"))
        .withColumn("sell_volume", F.col("volume") - F.col("buy_volume"))
        .withColumn("coverage", F.col("held") / expected)
        .withColumn("interval", _interval(intervals))
        .withColumn("layer", F.lit(layer))
        # One aggregation cannot know where the stream began; the reader does.
        .withColumn("is_partial", F.lit(None).cast("boolean"))
        .withColumn("time_ms", F.unix_millis("window.start"))
        .select(*CANDLES.tags, *CANDLES.fields, *newest, "time_ms")
    )


def _in_windows(trades: DataFrame, intervals: Sequence[str]) -> DataFrame:
    """Each trade once for each interval, with its `window` (start, end).

    Spark's own `window` makes windows of one length, and a query a length would read and decode
    every trade again. A stream's state is dropped by the column that bears the watermark's mark, so
    the mark of the event time goes over to ours; Spark takes the end of a struct of two times, as
    it does with its own.
    """
    windows = [_window(interval) for interval in intervals]
    window = windows[0] if len(windows) == 1 else F.explode(F.array(*windows))
    mark = trades.schema[EVENT_TIME].metadata
    return trades.withColumn("window", window).withMetadata("window", mark)


def _window(interval: str) -> Column:
    length_ms = F.lit(INTERVAL_MS[interval])
    start_ms = F.col("traded_at_ms") - F.pmod("traded_at_ms", length_ms)
    return F.struct(
        F.timestamp_millis(start_ms).alias("start"),
        F.timestamp_millis(start_ms + length_ms).alias("end"),
    )


def _interval(intervals: Sequence[str]) -> Column:
    """The interval's name, told by the length of its window."""
    length_ms = F.unix_millis("window.end") - F.unix_millis("window.start")
    names = [F.lit(part) for one in intervals for part in (INTERVAL_MS[one], one)]
    return F.create_map(*names)[length_ms] if len(intervals) > 1 else F.lit(intervals[0])


def _order() -> Column:
    """(traded_at_ms, trade_id) within a bar as one number; the offset where there are no ids.

    A struct would say the same, but Spark then sorts every batch instead of hashing it, because a
    struct does not fit the hash table's fixed rows. A bar lies within one day, which takes 27 bits;
    36 are left for ids, ten times Binance's largest. Two records with one id are the same trade.
    """
    tie = F.pmod(F.coalesce("trade_id", "offset"), F.lit(1 << ID_BITS))
    return F.shiftleft(F.pmod("traded_at_ms", F.lit(DAY_MS)), ID_BITS).bitwiseOR(tie)
