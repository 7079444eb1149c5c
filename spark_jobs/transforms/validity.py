"""The rules of `schemas.validity` as Spark columns."""

from functools import reduce
from operator import or_

from pyspark.sql import Column
from pyspark.sql import functions as F  # noqa: N812

from schemas.record_types import RecordType
from schemas.validity import (
    EARLIEST_MS,
    EVENT_TIME,
    FUTURE_TOLERANCE_MS,
    NOT_NEGATIVE,
    ORDERED,
    POSITIVE,
)


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
