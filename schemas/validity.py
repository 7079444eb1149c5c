"""What a record must hold to be counted: a finite positive price, a sensible time, an identity.

The rules are data, because two engines apply them: `spark_jobs.transforms.validity` to columns, and
`impossible` here to one record. A test holds both equal.
"""

from collections.abc import Mapping
from math import isfinite

from schemas.codec import Record
from schemas.record_types import (
    EXTERNAL_BAR,
    FEAR_GREED,
    GAP,
    GLOBAL,
    PRICE,
    TRADE,
    RecordType,
)

# The largest record of ours is an article of some kilobytes.
MAX_RECORD_BYTES = 262_144
# Ahead of the collector's clock by more than this, an event would drag the watermark with it.
FUTURE_TOLERANCE_MS = 3_600_000
# Milliseconds of 2009-01-03, the first block: nothing in these markets is older.
EARLIEST_MS = 1_230_940_800_000

# Of the types that are not named here every value may be: their text is judged by its reader.
POSITIVE: Mapping[str, tuple[str, ...]] = {
    TRADE.name: ("price", "quantity"),
    EXTERNAL_BAR.name: ("open", "high", "low", "close"),
}
NOT_NEGATIVE: Mapping[str, tuple[str, ...]] = {
    PRICE.name: ("price_usd", "market_cap_usd", "volume_24h_usd", "circulating_supply"),
    EXTERNAL_BAR.name: ("volume",),
    GLOBAL.name: ("market_cap_usd", "volume_24h_usd"),
    FEAR_GREED.name: ("index",),
}
EVENT_TIME: Mapping[str, str] = {TRADE.name: "traded_at_ms"}
# Pairs of ids of which the first must not exceed the second.
ORDERED: Mapping[str, tuple[str, str]] = {
    TRADE.name: ("first_fill_id", "last_fill_id"),
    GAP.name: ("from_id", "to_id"),
}


def event_time_ms(kind: RecordType, record: Record) -> int:
    """When it happened, milliseconds UTC."""
    found: int = record[EVENT_TIME.get(kind.name, "observed_at_ms")]
    return found


def impossible(kind: RecordType, record: Record) -> tuple[str, str] | None:
    """Reason and words why a decoded record cannot be true, None where it can."""
    moment_ms = event_time_ms(kind, record)
    if moment_ms > record["collected_at_ms"] + FUTURE_TOLERANCE_MS:
        return "future_time", f"{moment_ms} is more than an hour after it was collected"
    problem = _wrong_number(kind, record) or _wrong_order(kind, record)
    if problem is None and moment_ms < EARLIEST_MS:
        problem = f"{moment_ms} is before the first block"
    return None if problem is None else ("impossible_value", problem)


def _wrong_number(kind: RecordType, record: Record) -> str | None:
    positive = POSITIVE.get(kind.name, ())
    for name in (*positive, *NOT_NEGATIVE.get(kind.name, ())):
        number = record[name]
        if number is None:
            continue
        if not isfinite(number):
            return f"{name} is {number}"
        if number < 0 or (number == 0 and name in positive):
            return f"{name} is {number}, {'not above' if name in positive else 'below'} 0"
    return None


def _wrong_order(kind: RecordType, record: Record) -> str | None:
    first, last = ORDERED.get(kind.name, (None, None))
    if first is None or last is None or record[first] <= record[last]:
        return None
    return f"{first} {record[first]} is above {last} {record[last]}"
