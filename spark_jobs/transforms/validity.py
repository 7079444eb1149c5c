"""What a record must hold to be counted: a finite positive price, a sensible time, an identity."""

from functools import reduce
from operator import or_

from pyspark.sql import Column
from pyspark.sql import functions as F  # noqa: N812

from schemas.record_types import EXTERNAL_BAR, PRICE, TRADE, RecordType

# Ahead of the collector's clock by more than this, an event would drag the watermark with it.
FUTURE_TOLERANCE_MS = 3_600_000
# Milliseconds of 2009-01-03, the first block: nothing in these markets is older.
EARLIEST_MS = 1_230_940_800_000

POSITIVE = {
    PRICE.name: (),
    TRADE.name: ("price", "quantity"),
    EXTERNAL_BAR.name: ("open", "high", "low", "close"),
}
NOT_NEGATIVE = {
    PRICE.name: ("price_usd", "market_cap_usd", "volume_24h_usd", "circulating_supply"),
    TRADE.name: (),
    EXTERNAL_BAR.name: ("volume",),
}
EVENT_TIME = {PRICE.name: "observed_at_ms", TRADE.name: "traded_at_ms"}


def impossible(kind: RecordType) -> Column:
    """Reason why the struct `record` cannot be true, null where it can."""
    wrong = [_not_finite(name) | (F.col(f"record.{name}") <= 0) for name in POSITIVE[kind.name]]
    wrong += [_not_finite(name) | (F.col(f"record.{name}") < 0) for name in NOT_NEGATIVE[kind.name]]
    if kind is TRADE:
        wrong.append(F.col("record.last_fill_id") < F.col("record.first_fill_id"))
    moment = F.col(f"record.{EVENT_TIME.get(kind.name, 'observed_at_ms')}")
    ahead = moment > F.col("record.collected_at_ms") + F.lit(FUTURE_TOLERANCE_MS)
    wrong.append(moment < F.lit(EARLIEST_MS))
    anything_wrong = F.coalesce(reduce(or_, wrong), F.lit(False))
    return F.when(ahead, "future_time").when(anything_wrong, "impossible_value")


def _not_finite(name: str) -> Column:
    column = F.col(f"record.{name}")
    return F.isnan(column) | (F.abs(column) == F.lit(float("inf")))
