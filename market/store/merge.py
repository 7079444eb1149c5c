"""One series out of layers: the exchange's bars for the past, bars of trades from then on. Pure.

A market's first minute of trades in the store is the border. Before it the exchange's own bars
count, the longest there are. In it, whoever holds more: our stream may have begun within it. An
exchange's bar of volume 0 says that nobody traded: it yields no bar.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from market.store.compose import compose
from market.store.gaps import uncovered
from market.store.rows import Bar

SECOND_MS = 1_000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000
# Lengths in which the exchange publishes bars.
GRAINS_MS = (MINUTE_MS, HOUR_MS, DAY_MS)
# Two sums of the same quantities differ by rounding.
VOLUME_TOLERANCE = 1e-9
# A market's very first trade: before it there is nothing to miss.
FIRST_TRADE_IDS = (0, 1)


@dataclass(frozen=True, slots=True)
class Pieces:
    """What the store holds for a range of a market, each ascending.

    `published` are the exchange's bars, zero volumes included, none within another. `trades` are
    bars of trades that lie within one bar of the answer. `minutes_from_ms` is where minutes of
    either kind begin in the whole store, None without any. `first_trades_ms` opens the first
    minute of trades in the store.
    """

    published: Sequence[Bar]
    trades: Sequence[Bar]
    minutes_from_ms: int | None = None
    first_trades_ms: int | None = None


def chosen(pieces: Pieces) -> Pieces:
    """The pieces that count: of the first minute of trades those of the layer that holds more.

    That minute is marked as partial where nothing tells whether our stream saw all of it.
    """
    first_ms = pieces.first_trades_ms
    if first_ms is None:
        return pieces
    earlier = [bar for bar in pieces.published if bar.close_time_ms <= first_ms]
    holder = next((bar for bar in pieces.published if bar.close_time_ms > first_ms), None)
    begun = first_ms + MINUTE_MS
    opening = next((bar for bar in pieces.trades[:1] if first_ms <= bar.open_time_ms < begun), None)
    if opening is not None and holds_all(opening, holder):
        return replace(pieces, published=earlier)
    if holder is not None:
        later = [bar for bar in pieces.trades if bar.open_time_ms >= holder.close_time_ms]
        return replace(pieces, published=[*earlier, holder], trades=later)
    if opening is not None:
        return replace(pieces, trades=[replace(opening, is_partial=True), *pieces.trades[1:]])
    return pieces


def begins_market(bar: Bar) -> bool:
    """Whether the bar holds the market's very first trade: nothing is missing before it."""
    return bar.first_trade_id in FIRST_TRADE_IDS


def holds_all(opening: Bar, published: Bar | None) -> bool:
    """Whether our stream, which may have begun within its first minute, saw all of it."""
    if begins_market(opening):
        return True
    if published is None or published.close_time_ms - published.open_time_ms > MINUTE_MS:
        return False
    return published.volume <= opening.volume * (1 + VOLUME_TOLERANCE)


def merged(pieces: Pieces, interval_ms: int) -> list[Bar]:
    """The bars of an interval out of chosen pieces, ascending, without those of no trade."""
    parts = _traded([*pieces.published, *pieces.trades])
    if interval_ms <= MINUTE_MS:
        return parts
    bars = [
        bar if _is_reached(bar, pieces) else replace(bar, is_partial=True)
        for bar in compose(parts, interval_ms)
    ]
    # What the exchange's history cuts in two is not a bar. What the start of our own stream cuts
    # in two is shown, and marked, because it may be all there is for hours.
    return [bar for bar in bars if not bar.is_partial or bar.layer == "speed"]


def _traded(bars: Iterable[Bar]) -> list[Bar]:
    return [bar for bar in bars if bar.volume > 0]


def _is_reached(bar: Bar, pieces: Pieces) -> bool:
    """Whether the store reaches back to the start of a bar, or to the market's."""
    from_ms = pieces.minutes_from_ms
    if begins_market(bar) or (from_ms is not None and from_ms <= bar.open_time_ms):
        return True
    until_ms = bar.close_time_ms if from_ms is None else min(bar.close_time_ms, from_ms)
    return not uncovered(pieces.published, from_ms=bar.open_time_ms, until_ms=until_ms)
