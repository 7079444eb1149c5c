"""What agents and jobs say of themselves, to points and to rows that quality is judged by.

One core takes the records of all kinds: each is read, decoded and handed to Python once. Gaps and
heartbeats become lines of InfluxDB at once, qualities when their minute has settled; sampled trades
and dead letters are handed on, as one text a step, for what only the driver knows: which
micro-batch made a trade readable.
"""

from collections.abc import Iterable
from typing import Any

import orjson
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql import types as T  # noqa: N812

from market.store.lines import line_of
from market.store.measurements import GAPS, QUALITY, SOURCES
from market.store.stamps import stamp_ns
from schemas.record_types import (
    CANDLE,
    DEAD_LETTER,
    GAP,
    PRICE,
    SOURCE_HEALTH,
    TRADE,
    RecordType,
)
from spark_jobs.transforms.bar_pieces import Row
from spark_jobs.transforms.quality import Quality

ALL_SERIES = "*"
MINUTE_MS = 60_000
ASKED: tuple[tuple[RecordType, tuple[str, ...]], ...] = (
    (GAP, (*GAPS.tags, *(name for name in GAPS.fields if name != "missing_trades"), "from_ms")),
    (SOURCE_HEALTH, (*SOURCES.tags, *SOURCES.fields, "observed_at_ms")),
    (
        CANDLE,
        (
            *("source", "symbol", "coin_id", "quote", "open_time_ms", "observed_at_ms", "close"),
            *("low", "high", "first_trade_id", "last_trade_id", "coverage"),
        ),
    ),
    (PRICE, ("source", "coin_id", "observed_at_ms", "collected_at_ms", "price_usd")),
    (TRADE, ("traded_at_ms", "collected_at_ms")),
    (DEAD_LETTER, ("topic", "reason")),
)
"""The kinds of records that are read, and what is asked of each."""
KINDS = tuple(kind for kind, _ in ASKED)

# Columns of a row that quality is judged by; those that a kind does not have are null, or "".
FACTS = (
    *("kind", "time_ms", "source", "coin_id", "symbol", "quote", "observed_at_ms"),
    *("price", "low", "high", "first_trade_id", "last_trade_id", "coverage"),
    *("from_id", "to_id", "state", "breaker", "reason", "silent_symbols"),
)
TEXTS = ("symbol", "quote", "reason")
PLACE = ("topic", "partition", "offset")
ORDER = PLACE
GIVEN = T.StructType(
    [T.StructField(name, T.StringType()) for name in ("line", "samples", "letters")]
)
"""Columns of what the core gives, one of them in a row; the last two are lists in JSON."""


def keyed_rows(records: DataFrame) -> DataFrame:
    """Accepted records of the kinds of ASKED, a struct a kind, to rows with their `key`."""
    told = [
        F.when(
            F.col(kind.name).isNotNull(),
            F.struct(*(F.col(kind.name)[name].alias(name) for name in names)),
        ).alias(kind.name)
        for kind, names in ASKED
    ]
    is_asked = F.coalesce(F.col(CANDLE.name)["interval"] == "1m", F.lit(True))
    logged = F.unix_millis("timestamp").alias("logged_ms")
    return records.where(is_asked).select(F.lit(ALL_SERIES).alias("key"), *told, *PLACE, logged)


class Pulse:
    """The core of all records; its state is that of the qualities."""

    def __init__(self, quality: Quality) -> None:
        self._quality = quality

    def step(self, rows: Iterable[Row]) -> list[Row]:
        """Rows of `keyed_rows` to rows of GIVEN."""
        lines: list[str | None] = []
        facts: list[Row] = []
        samples: list[Row] = []
        letters: list[Row] = []
        for row in rows:
            logged = {"logged_ms": row["logged_ms"]}
            if (gap := row[GAP.name]) is not None:
                lines.append(gap_line(gap))
                facts.append(_fact("gap", gap, time_ms=gap["observed_at_ms"]))
            elif (beat := row[SOURCE_HEALTH.name]) is not None:
                told = {**beat, "silent_symbols": ",".join(beat["silent_symbols"])}
                told |= {"reason": beat["reason"] or "", "time_ms": beat["observed_at_ms"]}
                lines.append(line_of(SOURCES, told))
                facts.append(_fact("health", told))
            elif (bar := row[CANDLE.name]) is not None:
                close_ms = bar["open_time_ms"] + MINUTE_MS
                facts.append(_fact("bar", bar, time_ms=close_ms, price=bar["close"]))
            elif (price := row[PRICE.name]) is not None:
                named = {"time_ms": price["collected_at_ms"], "price": price["price_usd"]}
                facts.append(_fact("price", price, **named))
            elif (trade := row[TRADE.name]) is not None:
                samples.append({**trade, **logged, **{name: row[name] for name in PLACE}})
            elif (letter := row[DEAD_LETTER.name]) is not None:
                letters.append({**letter, **logged})
        lines += [line_of(QUALITY, one) for one in self._quality.step(facts)]
        given: list[Row] = [{"line": line} for line in lines if line is not None]
        given += [{"samples": orjson.dumps(samples).decode()}] if samples else []
        given += [{"letters": orjson.dumps(letters).decode()}] if letters else []
        return given

    def save(self) -> bytes:
        """The whole state."""
        return self._quality.save()


def open_core(state: bytes | None, *, settle_ms: int, speed: float, is_replay: bool) -> Pulse:
    """The core, from its saved state where there is one."""
    quality = Quality(settle_ms=settle_ms, speed=speed, is_replay=is_replay)
    if state is not None:
        quality.restore(state)
    return Pulse(quality)


def gap_line(gap: Row) -> str | None:
    """A point a gap, at the last trade before it; its ids make the nanoseconds."""
    expected = gap["to_id"] - gap["from_id"] + 1 - gap["repaired_trades"]
    told = {
        **gap,
        "missing_trades": 0 if gap["state"] == "repaired" else max(expected, 0),
        "stamp_ns": stamp_ns(gap["from_ms"], f"{gap['from_id']}-{gap['to_id']}"),
    }
    return line_of(GAPS, told)


def _fact(kind: str, record: Row, **named: Any) -> Row:  # noqa: ANN401 - cells of many types
    told = {**record, **named, "kind": kind}
    return {name: (told.get(name) or "" if name in TEXTS else told.get(name)) for name in FACTS}
