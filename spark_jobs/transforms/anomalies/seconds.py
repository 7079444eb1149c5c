"""Trades, snapshots and heartbeats to the rows that the detectors step through. Windowed.

Trades are reduced to one row a market and second. A snapshot or heartbeat is a row of its own, in
the second in which we received it: that is when it was known, whatever moment it tells of.

All pass one aggregation with one watermark. Trades move it; the others move it too, so that time
goes on when trades do not, but OTHERS_WAIT_S behind what they say, so that they never close a
second before its trades have come.
"""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql import types as T  # noqa: N812

from market.store.measurements import ANOMALIES, FieldType
from spark_jobs.transforms.anomalies.week import BINS_A_DOUBLING

SECOND_MS = 1_000
OTHERS_WAIT_S = 60
# Keys of the cores that see everything; a coin's id has no such first letter.
RANKING, SOURCES = "_ranking", "_sources"
ORDER = ("second_ms", "what", "source", "symbol", "coin_id", "observed_at_ms")
CLOCK = "clock"
ID_BITS = 40

TRADED = ("price", "quantity", "aggressor", "trade_id", "traded_at_ms")
TOLD = ("price_usd", "market_cap_usd", "observed_at_ms")
BEATEN = ("state", "last_success_at_ms", "silent_symbols")
EVENT = ("what", "source", "symbol", "coin_id", "quote", "collected_at_ms", "coordinate", "offset")
EVENT_COLUMNS = (*EVENT, *TRADED, *TOLD, *BEATEN)
"""Of an event: what there is of it, null for the rest. `what`: trades, snapshot, heartbeat."""

_TYPES: Mapping[FieldType, T.DataType] = {
    "float": T.DoubleType(),
    "int": T.LongType(),
    "string": T.StringType(),
    "bool": T.BooleanType(),
}
_LISTS: Mapping[str, T.DataType] = {
    "sources": T.ArrayType(T.StringType()),
    "trade_ids": T.ArrayType(T.LongType()),
    "coordinates": T.ArrayType(T.StringType()),
}
GIVEN = T.StructType(
    [
        *(T.StructField(name, T.StringType()) for name in ANOMALIES.tags),
        *(
            T.StructField(name, _LISTS.get(name, _TYPES[kind]))
            for name, kind in ANOMALIES.fields.items()
        ),
        T.StructField("stamp_ns", T.LongType()),
    ]
)
"""Columns of what the cores give: a revision of an episode."""


def with_clock(events: DataFrame, *, watermark_delay_s: int, others_wait_s: int) -> DataFrame:
    """Adds `clock`, the column that the watermark follows."""
    others = F.col("collected_at_ms") - F.lit(others_wait_s * SECOND_MS)
    moment_ms = F.coalesce("traded_at_ms", others)
    return events.withColumn(CLOCK, F.timestamp_millis(moment_ms)).withWatermark(
        CLOCK, f"{watermark_delay_s} seconds"
    )


def keyed_seconds(events: DataFrame) -> DataFrame:
    """Events with their `clock` to rows with the `key` of a core."""
    amount = F.col("price") * F.col("quantity")
    side = F.col("aggressor")
    order = _order()
    largest = ("amount", "order", "price", "quantity", "trade_id", "aggressor", "traded_at_ms")
    is_trade = F.col("what") == "trades"
    # What is no trade stands alone.
    own = F.when(~is_trade, F.col("coordinate"))
    rows = (
        _in_seconds(events)
        .withColumns({"amount": amount, "order": order, "own": own})
        .groupBy("window", "what", "source", "symbol", "coin_id", "quote", "own")
        .agg(
            F.min_by("price", "order").alias("open"),
            F.max_by("price", "order").alias("close"),
            F.min("traded_at_ms").alias("first_traded_at_ms"),
            F.max("traded_at_ms").alias("last_traded_at_ms"),
            F.sum("amount").alias("quote_volume"),
            F.sum(F.when(side == "buy", F.col("amount")).otherwise(0.0)).alias("bought"),
            F.sum(F.when(side == "sell", F.col("amount")).otherwise(0.0)).alias("sold"),
            F.count("price").alias("trades"),
            F.min("trade_id").alias("first_trade_id"),
            F.max("trade_id").alias("last_trade_id"),
            F.max(F.when(is_trade, F.struct(*largest, "coordinate"))).alias("largest"),
            F.collect_list(F.floor(F.log2("amount") * BINS_A_DOUBLING)).alias("size_bins"),
            F.max_by("coordinate", "order").alias("coordinate"),
            F.max("collected_at_ms").alias("collected_at_ms"),
            *(F.max(name).alias(name) for name in (*TOLD, *BEATEN)),
        )
    )
    keys = (
        F.when(is_trade, F.array("coin_id"))
        .when(F.col("what") == "snapshot", F.array(F.col("coin_id"), F.lit(RANKING)))
        .otherwise(F.array(F.lit(SOURCES)))
    )
    held = [name for name in rows.columns if name not in ("window", "own")]
    return rows.select(
        F.explode(keys).alias("key"), F.unix_millis("window.start").alias("second_ms"), *held
    )


def _in_seconds(events: DataFrame) -> DataFrame:
    """Each event with its `window` (start, end), which takes over the mark of the watermark.

    Not Spark's own `window` of `clock`, because that of a snapshot is behind the second it is for.
    """
    at_ms = F.coalesce("traded_at_ms", "collected_at_ms")
    start_ms = at_ms - F.pmod(at_ms, F.lit(SECOND_MS))
    window = F.struct(
        F.timestamp_millis(start_ms).alias("start"),
        F.timestamp_millis(start_ms + SECOND_MS).alias("end"),
    )
    mark = events.schema[CLOCK].metadata
    return events.withColumn("window", window).withMetadata("window", mark)


def _order() -> Column:
    """(moment, trade_id) within a second as one number; the offset where there are no ids."""
    at_ms = F.coalesce("traded_at_ms", "collected_at_ms")
    tie = F.pmod(F.coalesce("trade_id", "offset"), F.lit(1 << ID_BITS))
    return F.shiftleft(F.pmod(at_ms, F.lit(SECOND_MS)), ID_BITS).bitwiseOR(tie)
