"""Lengths of bars and history points, and the range of a request. Milliseconds UTC throughout."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from api.problems import InvalidRequest
from market.intervals import INTERVAL_MS

CandleInterval = Literal["1s", "1m", "5m", "15m", "1h", "4h", "1d"]
AnalyticsInterval = Literal["1m", "5m", "15m", "1h", "4h", "1d"]
HistoryInterval = Literal["5m", "1h", "1d"]

DEFAULT_BARS = 300
DAY_MS = 86_400_000
# InfluxDB's nanoseconds end in 2262; no market is older than the epoch.
EARLIEST_MS = 0
LATEST_MS = 4_102_444_800_000  # 2100-01-01


@dataclass(frozen=True, slots=True)
class TimeRange:
    """[from_ms, to_ms)."""

    from_ms: int
    to_ms: int


def moment(at_ms: int) -> datetime:
    """Milliseconds UTC as a datetime."""
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def optional_moment(at_ms: int | None) -> datetime | None:
    """`moment`, None for None."""
    return None if at_ms is None else moment(at_ms)


def millis(at: datetime) -> int:
    """A datetime with an offset as milliseconds UTC."""
    return round(at.timestamp() * 1000)


def requested_days(
    from_: datetime | None, to: datetime | None, *, until_ms: int, days: int, most_days: int
) -> TimeRange:
    """The range asked for, for rows that lie on no border; `to` is `until_ms` where left out and
    `from` that many days before it.

    Raises InvalidRequest, which names the limit, for a range that is reversed, outside of
    1970..2100 or longer than `most_days`.
    """
    to_ms = until_ms if to is None else millis(to)
    from_ms = to_ms - days * DAY_MS if from_ is None else millis(from_)
    _check(from_ms, to_ms)
    if to_ms - from_ms > most_days * DAY_MS:
        raise InvalidRequest(f"At most {most_days} days fit one answer.", limit=most_days)
    return TimeRange(from_ms=from_ms, to_ms=to_ms)


def requested_range(
    from_: datetime | None, to: datetime | None, *, interval: str, now_ms: int, max_bars: int
) -> TimeRange:
    """The range asked for, from a bar's border on; `to` is now and `from` 300 bars before it where
    left out.

    Raises InvalidRequest, which names the limit, for a range that is reversed, outside of
    1970..2100 or longer than `max_bars`.
    """
    step_ms = INTERVAL_MS[interval]
    to_ms = now_ms if to is None else millis(to)
    from_ms = to_ms - DEFAULT_BARS * step_ms if from_ is None else millis(from_)
    _check(from_ms, to_ms)
    bars = -(-(to_ms - from_ms) // step_ms)
    if bars > max_bars:
        raise InvalidRequest(
            f"{bars} bars of {interval} asked for; at most {max_bars} fit one answer. "
            "Shorten the range or take a longer interval.",
            limit=max_bars,
        )
    return TimeRange(from_ms=from_ms - from_ms % step_ms, to_ms=to_ms)


def _check(from_ms: int, to_ms: int) -> None:
    if from_ms >= to_ms:
        raise InvalidRequest("`from` must be before `to`.")
    if from_ms < EARLIEST_MS or to_ms > LATEST_MS:
        raise InvalidRequest("Times must be in 1970..2100.", limit="1970-01-01/2100-01-01")
