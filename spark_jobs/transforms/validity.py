"""What a record must hold to be counted: a finite positive price, a sensible time, an identity."""

from functools import reduce
from operator import or_

from pyspark.sql import Column
from pyspark.sql import functions as F  # noqa: N812

from schemas.record_types import (
    EXTERNAL_BAR,
    FEAR_GREED,
    GAP,
    GLOBAL,
    PRICE,
    TRADE,
    RecordType,
)

# Ahead of the collector's clock by more than this, an event would drag the watermark with it.
FUTURE_TOLERANCE_MS = 3_600_000
# Milliseconds of 2009-01-03, the first block: nothing in these markets is older.
EARLIEST_MS = 1_230_940_800_000

# Of the types that are not named here every value may be: their text is judged by its reader.
POSITIVE = {
    TRADE.name: ("price", "quantity"),
    EXTERNAL_BAR.name: ("open", "high", "low", "close"),
}
NOT_NEGATIVE = {
    PRICE.name: ("price_usd", "market_cap_usd", "volume_24h_usd", "circulating_supply"),
    EXTERNAL_BAR.name: ("volume",),
    GLOBAL.name: ("market_cap_usd", "volume_24h_usd"),
    FEAR_GREED.name: ("index",),
}
EVENT_TIME = {TRADE.name: "traded_at_ms"}
# Pairs of ids of which the first must not exceed the second.
ORDERED = {
    TRADE.name: ("first_fill_id", "last_fill_id"),
    GAP.name: ("from_id", "to_id"),
}


def impossible(kind: RecordType, record: str = "record") -> Column:
    """Reason why the struct column `record` cannot be true, null where it can."""
    positive = POSITIVE.get(kind.name, ())
    not_negative = NOT_NEGATIVE.get(kind.name, ())
    wrong = [_not_finite(f"{record}.{name}") for name in (*positive, *not_negative)]
    wrong += [F.col(f"{record}.{name}") <= 0 for name in positive]
    wrong += [F.col(f"{record}.{name}") < 0 for name in not_negative]
    if kind.name in ORDERED:
        first, last = ORDERED[kind.name]
        wrong.append(F.col(f"{record}.{last}") < F.col(f"{record}.{first}"))
    moment = F.col(f"{record}.{EVENT_TIME.get(kind.name, 'observed_at_ms')}")
    ahead = moment > F.col(f"{record}.collected_at_ms") + F.lit(FUTURE_TOLERANCE_MS)
    wrong.append(moment < F.lit(EARLIEST_MS))
    anything_wrong = F.coalesce(reduce(or_, wrong), F.lit(False))
    return F.when(ahead, "future_time").when(anything_wrong, "impossible_value")


def _not_finite(name: str) -> Column:
    column = F.col(name).cast("double")
    return F.isnan(column) | (F.abs(column) == F.lit(float("inf")))
