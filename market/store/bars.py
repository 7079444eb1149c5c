"""Reads the bars of one market, each range from the layer and in the grain that costs least.

Long bars of trades are read as the `bars` job stored them, and composed of minutes where it has
not: the bar that is still open, bars from before the job, and the one in which our stream began,
because the exchange's history may since tell its beginning. Minutes are composed in windows by the
storage engine and read one by one only where they are asked for, and where ids say that trades are
missing. So a year of days costs no more than an hour of minutes.
"""

import asyncio
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from market.intervals import INTERVAL_NAMES
from market.main_market import Market
from market.store import flux, shapes
from market.store.beginnings import Beginnings
from market.store.client import FluxClient, instant
from market.store.compose import floor_ms
from market.store.gaps import missing_between, suspicious, uncovered
from market.store.merge import DAY_MS, GRAINS_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Pieces
from market.store.rows import Bar, Layer

# Minutes looked at one by one where trades are missing: at most a week in 20 stretches, the
# newest first. What is older than that keeps the coverage it was stored with.
MAX_INSPECTED_MS = 7 * DAY_MS
MAX_STRETCHES = 20
# Up to here minutes one by one take InfluxDB less time than the six aggregates of a window.
FEW_MINUTES_MS = HOUR_MS

Stretch = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Span:
    """Bars of `interval_ms` that open in [from_ms, to_ms), both on a bar's border."""

    interval_ms: int
    from_ms: int
    to_ms: int
    now_ms: int


class BarsReader:
    """Ranges of stored bars. `seconds_bucket` holds bars of one second, and nothing else."""

    def __init__(
        self, client: FluxClient, *, buckets: Mapping[Layer, str], seconds_bucket: str
    ) -> None:
        self._client = client
        self._buckets = buckets
        self._seconds_bucket = seconds_bucket

    async def pieces(self, market: Market, span: Span, beginnings: Beginnings) -> Pieces:
        """All that is needed of a span, in the grains that `merge` takes."""
        published, trades = await asyncio.gather(
            self._published(market, span, beginnings),
            self._trades(market, span, beginnings.trades_ms),
        )
        return Pieces(
            published=published,
            trades=trades,
            minutes_from_ms=beginnings.minutes_ms,
            first_trades_ms=beginnings.trades_ms,
        )

    async def _published(self, market: Market, span: Span, beginnings: Beginnings) -> list[Bar]:
        """The exchange's closed bars up to the one in which the stream began, the longest that fit.

        Shorter ones are read only where there is no longer one.
        """
        found: list[Bar] = []
        missing = [(span.from_ms, span.to_ms)]
        for grain_ms in sorted(GRAINS_MS, reverse=True):
            begins_ms = beginnings.published_ms.get(grain_ms)
            if grain_ms > span.interval_ms or begins_ms is None:
                continue
            ends_ms = span.to_ms
            if beginnings.trades_ms is not None:
                ends_ms = floor_ms(beginnings.trades_ms, grain_ms) + grain_ms
            stretches = _clipped(missing, begins_ms, ends_ms)
            bars = await self._stretches(market, "external", grain_ms, stretches)
            found += (bar for bar in bars if bar.close_time_ms <= span.now_ms)
            missing = uncovered(found, from_ms=span.from_ms, until_ms=span.to_ms)
        return _ascending(found)

    async def _trades(self, market: Market, span: Span, first_ms: int | None) -> list[Bar]:
        """Bars of trades: the stream's first minute, what followed it in its bar, then the rest."""
        if first_ms is None:
            return []
        if span.interval_ms <= MINUTE_MS:
            # Seconds from the start of their minute: which of them is the first shows there.
            from_ms = max(floor_ms(span.from_ms, MINUTE_MS), first_ms)
            return await self._stored(market, "speed", span.interval_ms, from_ms, span.to_ms)
        border_ms = floor_ms(first_ms, span.interval_ms) + span.interval_ms
        begun_ms = first_ms if span.from_ms <= first_ms < span.to_ms else border_ms
        opening, rest, bars = await asyncio.gather(
            self._stored(
                market, "speed", MINUTE_MS, begun_ms, min(first_ms + MINUTE_MS, border_ms)
            ),
            self._composable(market, span.interval_ms, (begun_ms + MINUTE_MS, border_ms)),
            self._whole_bars(market, span, max(span.from_ms, border_ms)),
        )
        return await self._inspected(market, [*opening, *rest, *bars])

    async def _whole_bars(self, market: Market, span: Span, from_ms: int) -> list[Bar]:
        """Bars after the one in which the stream began: stored, or composed where they are not."""
        stored = await self._stored(market, "speed", span.interval_ms, from_ms, span.to_ms)
        holes = _unstored(stored, from_ms, span.to_ms)[-MAX_STRETCHES:]
        composed = await asyncio.gather(
            *(self._composable(market, span.interval_ms, hole) for hole in holes)
        )
        return _ascending([*stored, *(bar for bars in composed for bar in bars)])

    async def _stretches(
        self, market: Market, layer: Layer, grain_ms: int, stretches: Iterable[Stretch]
    ) -> list[Bar]:
        found = await asyncio.gather(
            *(self._stored(market, layer, grain_ms, *stretch) for stretch in stretches)
        )
        return [bar for bars in found for bar in bars]

    async def _stored(
        self, market: Market, layer: Layer, grain_ms: int, from_ms: int, to_ms: int
    ) -> list[Bar]:
        if from_ms >= to_ms:
            return []
        tables = await self._client.tables(
            flux.BARS,
            bucket=self._seconds_bucket if grain_ms == SECOND_MS else self._buckets[layer],
            layer=layer,
            source=market.source,
            symbol=market.symbol,
            interval=INTERVAL_NAMES[grain_ms],
            start=instant(from_ms),
            stop=instant(to_ms),
        )
        return await asyncio.to_thread(
            lambda: shapes.bars(shapes.columns_of(tables), interval_ms=grain_ms, layer=layer)
        )

    async def _composable(self, market: Market, interval_ms: int, stretch: Stretch) -> list[Bar]:
        """The minutes of a stretch, composed by the storage engine where they are many."""
        from_ms, to_ms = stretch
        if to_ms - from_ms <= FEW_MINUTES_MS:
            return await self._stored(market, "speed", MINUTE_MS, from_ms, to_ms)
        tables = await self._client.tables(
            flux.COMPOSED_BARS,
            bucket=self._buckets["speed"],
            layer="speed",
            source=market.source,
            symbol=market.symbol,
            interval=INTERVAL_NAMES[MINUTE_MS],
            start=instant(from_ms),
            stop=instant(to_ms),
            every=timedelta(milliseconds=interval_ms),
        )
        return shapes.composed_bars(shapes.columns_of(tables), interval_ms=interval_ms)

    async def _inspected(self, market: Market, bars: list[Bar]) -> list[Bar]:
        """The bars, those with missing trades replaced by their minutes."""
        stretches = _inspectable(suspicious(bars))
        minutes = await self._stretches(market, "speed", MINUTE_MS, stretches)
        if not minutes:
            return bars
        opened = sorted(bar.open_time_ms for bar in minutes)
        kept = [bar for bar in bars if not _holds_any(bar, opened)]
        return _ascending([*kept, *minutes])


def _ascending(bars: Iterable[Bar]) -> list[Bar]:
    return sorted(bars, key=lambda bar: bar.open_time_ms)


def _clipped(stretches: Iterable[Stretch], from_ms: int, to_ms: int) -> list[Stretch]:
    """What of the stretches lies in [from_ms, to_ms), the newest of it."""
    clipped = ((max(start, from_ms), min(end, to_ms)) for start, end in stretches)
    return [(start, end) for start, end in clipped if start < end][-MAX_STRETCHES:]


def _unstored(stored: Sequence[Bar], from_ms: int, to_ms: int) -> list[Stretch]:
    """Where bars may be missing: before the first, after the last, and where ids jump."""
    if not stored:
        return [(from_ms, to_ms)]
    jumps = [
        (earlier.close_time_ms, later.open_time_ms)
        for earlier, later in pairwise(stored)
        if missing_between(earlier, later) > 0
    ]
    ends = (from_ms, stored[0].open_time_ms), (stored[-1].close_time_ms, to_ms)
    return [(start, end) for start, end in (ends[0], *jumps, ends[1]) if start < end]


def _inspectable(bars: Sequence[Bar]) -> list[Stretch]:
    """Neighbouring bars as one stretch, newest first, within the limits of an inspection."""
    stretches: list[Stretch] = []
    inspected_ms = 0
    for bar in reversed(bars):
        inspected_ms += bar.close_time_ms - bar.open_time_ms
        if inspected_ms > MAX_INSPECTED_MS:
            break
        if stretches and stretches[-1][0] == bar.close_time_ms:
            stretches[-1] = (bar.open_time_ms, stretches[-1][1])
        elif len(stretches) < MAX_STRETCHES:
            stretches.append((bar.open_time_ms, bar.close_time_ms))
        else:
            break
    return stretches


def _holds_any(bar: Bar, opened_ms: Sequence[int]) -> bool:
    """True when one of the ascending times lies in the bar."""
    at = bisect_left(opened_ms, bar.open_time_ms)
    return at < len(opened_ms) and opened_ms[at] < bar.close_time_ms
