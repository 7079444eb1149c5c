"""What agents and jobs say of themselves, to points and to rows that quality is judged by."""

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql import types as T  # noqa: N812

from market.store.measurements import GAPS, QUALITY, SOURCES
from spark_jobs.transforms.quality import Quality

ALL_SERIES = "*"
# Columns of a row that quality is judged by; those that a kind does not have are null.
FACTS = {
    "kind": "string",
    "time_ms": "long",
    "source": "string",
    "coin_id": "string",
    "symbol": "string",
    "quote": "string",
    "observed_at_ms": "long",
    "price": "double",
    "low": "double",
    "high": "double",
    "first_trade_id": "long",
    "last_trade_id": "long",
    "coverage": "double",
    "from_id": "long",
    "to_id": "long",
    "state": "string",
    "breaker": "string",
    "reason": "string",
    "silent_symbols": "string",
}
ORDER = ("time_ms",)
JUDGED = T.StructType(
    [
        *(T.StructField(tag, T.StringType()) for tag in QUALITY.tags),
        *(
            T.StructField(name, T.DoubleType() if kind == "float" else T.StringType())
            for name, kind in QUALITY.fields.items()
        ),
        T.StructField("time_ms", T.LongType()),
    ]
)
"""Columns of what the core gives."""


def open_quality(state: bytes | None, *, settle_ms: int, speed: float, is_replay: bool) -> Quality:
    """The core, from its saved state where there is one."""
    core = Quality(settle_ms=settle_ms, speed=speed, is_replay=is_replay)
    if state is not None:
        core.restore(state)
    return core


def gap_rows(gaps: DataFrame) -> DataFrame:
    """A point a gap, at the last trade before it; its ids make the nanoseconds."""
    place = F.pmod(F.xxhash64("from_id", "to_id"), F.lit(1_000_000))
    expected = F.col("to_id") - F.col("from_id") + 1 - F.col("repaired_trades")
    is_whole = F.col("state") == "repaired"
    return gaps.select(
        *GAPS.tags,
        *(name for name in GAPS.fields if name != "missing_trades"),
        F.when(is_whole, 0).otherwise(F.greatest(expected, F.lit(0))).alias("missing_trades"),
        (F.col("from_ms") * 1_000_000 + place).alias("stamp_ns"),
    )


def source_rows(beats: DataFrame) -> DataFrame:
    """A point a heartbeat."""
    plain = [name for name in SOURCES.fields if name not in ("reason", "silent_symbols")]
    return beats.select(
        *SOURCES.tags,
        *plain,
        F.coalesce("reason", F.lit("")).alias("reason"),
        F.concat_ws(",", "silent_symbols").alias("silent_symbols"),
        F.col("observed_at_ms").alias("time_ms"),
    )


def judged_by(
    *, gaps: DataFrame, beats: DataFrame, bars: DataFrame, prices: DataFrame
) -> DataFrame:
    """Rows for the core of all series, with their `key`."""
    facts = [
        _facts(
            bars.where(F.col("interval") == "1m"),
            kind="bar",
            time_ms=F.col("open_time_ms") + 60_000,
            price=F.col("close"),
        ),
        _facts(
            prices.drop("symbol"),
            kind="price",
            time_ms=F.col("collected_at_ms"),
            price=F.col("price_usd"),
        ),
        _facts(gaps, kind="gap", time_ms=F.col("observed_at_ms")),
        _facts(
            beats.withColumn("silent_symbols", F.concat_ws(",", "silent_symbols")),
            kind="health",
            time_ms=F.col("observed_at_ms"),
        ),
    ]
    rows = reduce(DataFrame.unionByName, facts)
    return rows.select(F.lit(ALL_SERIES).alias("key"), *FACTS)


def _facts(rows: DataFrame, *, kind: str, **named: Column) -> DataFrame:
    columns = {"kind": F.lit(kind), **named}
    texts = {"symbol", "quote", "reason"}  # "" where a kind has none, so that they can be compared

    def column(name: str, type_name: str) -> Column:
        held = columns.get(name, F.col(name) if name in rows.columns else F.lit(None))
        told = F.coalesce(held, F.lit("")) if name in texts else held
        return told.cast(type_name).alias(name)

    return rows.select(*(column(name, type_name) for name, type_name in FACTS.items()))
