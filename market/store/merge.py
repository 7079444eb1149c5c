"""One series out of layers: the exchange's bars for the past, bars of trades from then on. Pure.

Minutes come from the exchange before a market's first minute of trades in the store, and from
trades after it. Longer bars are composed of minutes where minutes reach, and are the exchange's
own 1h and 1d bars before. An exchange's bar of volume 0 says that nobody traded: it yields no bar.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from market.store.compose import ceil_ms, compose, floor_ms
from market.store.rows import Bar

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000
# Two sums of the same quantities differ by rounding.
VOLUME_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Pieces:
    """What the store holds for a range of a market, each ascending.

    `minutes` are the exchange's minutes, zero volumes included; `trades` are bars of trades:
    minutes, or longer ones that lie within one bar of the answer. `minutes_from_ms` is where
    minutes of either kind begin in the whole store, None without any. `first_trades_ms` opens
    the first minute of trades in the store.
    """

    minutes: Sequence[Bar]
    trades: Sequence[Bar]
    hours: Sequence[Bar] = ()
    days: Sequence[Bar] = ()
    minutes_from_ms: int | None = None
    first_trades_ms: int | None = None


def used_minutes(pieces: Pieces) -> list[Bar]:
    """The exchange's minutes that count, zero volumes included."""
    first_ms = pieces.first_trades_ms
    if first_ms is None:
        return list(pieces.minutes)
    used = [bar for bar in pieces.minutes if bar.open_time_ms < first_ms]
    contested = [bar for bar in pieces.minutes if bar.open_time_ms == first_ms]
    opening = [bar for bar in pieces.trades if bar.open_time_ms == first_ms]
    if contested and opening and _is_fuller(contested[0], opening[0]):
        used.append(contested[0])
    return used


def _is_fuller(external: Bar, traded: Bar) -> bool:
    """Where the stream began within its first minute, the exchange's bar holds more of it."""
    return external.volume > traded.volume * (1 + VOLUME_TOLERANCE)


def merged(pieces: Pieces, interval_ms: int) -> list[Bar]:
    """The bars of an interval, ascending, without those in which nobody traded."""
    external = used_minutes(pieces)
    replaced = {bar.open_time_ms for bar in external}
    minutes = [*external, *(bar for bar in pieces.trades if bar.open_time_ms not in replaced)]
    if interval_ms == MINUTE_MS:
        return _traded(minutes)
    hours = pieces.hours if interval_ms >= HOUR_MS else ()
    days = pieces.days if interval_ms >= DAY_MS else ()
    native_hours = _before_minutes(hours, HOUR_MS, pieces.minutes_from_ms)
    native_days = _before_minutes(days, DAY_MS, pieces.minutes_from_ms)
    parts = _underlaid(native_days, _underlaid(native_hours, minutes, HOUR_MS), DAY_MS)
    bars = compose(_traded(parts), interval_ms)
    reach = _Reach(native_hours.keys(), native_days.keys(), pieces.minutes_from_ms)
    marked = [bar if reach.is_whole(bar) else replace(bar, is_partial=True) for bar in bars]
    # What the exchange's history cuts in two is not a bar. What the start of our own stream cuts
    # in two is shown, never as final, because it may be all there is for hours.
    return [bar for bar in marked if not bar.is_partial or bar.layer == "speed"]


def _traded(bars: Iterable[Bar]) -> list[Bar]:
    return [bar for bar in bars if bar.volume > 0]


def _before_minutes(
    native: Iterable[Bar], interval_ms: int, minutes_from_ms: int | None
) -> dict[int, Bar]:
    """The exchange's longer bars that minutes do not cover, by open time."""
    border_ms = None if minutes_from_ms is None else ceil_ms(minutes_from_ms, interval_ms)
    return {
        bar.open_time_ms: bar for bar in native if border_ms is None or bar.open_time_ms < border_ms
    }


def _underlaid(native: dict[int, Bar], finer: Iterable[Bar], interval_ms: int) -> list[Bar]:
    """Native bars, and finer ones where there is no native bar."""
    kept = (bar for bar in finer if floor_ms(bar.open_time_ms, interval_ms) not in native)
    return sorted([*native.values(), *kept], key=lambda bar: bar.open_time_ms)


@dataclass(frozen=True, slots=True)
class _Reach:
    """Tells whether the store reaches back to the start of a bar."""

    hours: Collection[int]
    days: Collection[int]
    minutes_from_ms: int | None

    def is_whole(self, bar: Bar) -> bool:
        start_ms = bar.open_time_ms
        if self.minutes_from_ms is not None and start_ms >= self.minutes_from_ms:
            return True
        if floor_ms(start_ms, DAY_MS) in self.days:
            return True
        end_ms = bar.close_time_ms
        if self.minutes_from_ms is not None:
            end_ms = min(end_ms, ceil_ms(self.minutes_from_ms, HOUR_MS))
        needed = range(floor_ms(start_ms, HOUR_MS), end_ms, HOUR_MS)
        return all(hour in self.hours for hour in needed)
