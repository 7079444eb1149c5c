"""Reads the bars of one market, each range from the layer and in the grain that costs least.

Minutes are read one by one only where they are asked for or needed: around the first minute of
trades, and where windows over trades say that ids are missing. Everything else arrives as windows
that the storage engine has aggregated, so a year of days costs no more than an hour of minutes.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from market.coins import Market
from market.store import flux, shapes
from market.store.annotated import time_ms
from market.store.client import FluxClient, instant
from market.store.compose import ceil_ms
from market.store.gaps import suspicious
from market.store.merge import DAY_MS, HOUR_MS, MINUTE_MS, Pieces
from market.store.rows import Bar, Layer

# Where a market's history begins moves only by retention or a backfill ...
BEGINNINGS_MAX_AGE_S = 30.0
# ... except at its very start, when the first trades are what everybody waits for.
UNKNOWN_MAX_AGE_S = 1.0
# Minutes looked at one by one where trades are missing: at most a week in 20 stretches, the
# newest first. What is older than that keeps a coverage of null.
MAX_INSPECTED_MS = 7 * DAY_MS
MAX_INSPECTED_STRETCHES = 20
INTERVAL_NAMES = {MINUTE_MS: "1m", HOUR_MS: "1h", DAY_MS: "1d"}

SeriesKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Span:
    """Bars of `interval_ms` that open in [from_ms, to_ms), both on a bar's border."""

    interval_ms: int
    from_ms: int
    to_ms: int
    now_ms: int


@dataclass(frozen=True, slots=True)
class Beginnings:
    """First minutes of one market in the store, and of trades of any market.

    `published_ms` is where the exchange's own bars begin, by their length.
    """

    published_ms: Mapping[int, int]
    trades_ms: int | None
    stream_began_ms: int | None

    @property
    def external_ms(self) -> int | None:
        """Where the exchange's minutes begin."""
        return self.published_ms.get(MINUTE_MS)

    def history_from_ms(self, interval_ms: int) -> int | None:
        """Where bars of at most `interval_ms` begin that the exchange published."""
        begins = (at for grain_ms, at in self.published_ms.items() if grain_ms <= interval_ms)
        return min(begins, default=None)

    @property
    def minutes_ms(self) -> int | None:
        """Where minutes of either kind begin."""
        known = [at for at in (self.external_ms, self.trades_ms) if at is not None]
        return min(known, default=None)


class BarsReader:
    """Ranges of stored bars."""

    def __init__(
        self,
        client: FluxClient,
        *,
        bucket: str,
        speed_bucket: str,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._speed_bucket = speed_bucket
        self._monotonic = monotonic
        self._firsts: dict[Layer, dict[SeriesKey, int]] = {}
        self._firsts_at_s = 0.0

    async def beginnings(self, market: Market, now_ms: int) -> Beginnings:
        """Where the market's minutes begin."""
        key = (market.source, market.symbol, "1m")
        known = key in self._firsts.get("speed", {})
        age_s = self._monotonic() - self._firsts_at_s
        if not self._firsts or age_s > (BEGINNINGS_MAX_AGE_S if known else UNKNOWN_MAX_AGE_S):
            speed, external = await asyncio.gather(
                self._read_firsts("speed", now_ms), self._read_firsts("external", now_ms)
            )
            self._firsts = {"speed": speed, "external": external}
            self._firsts_at_s = self._monotonic()
        return Beginnings(
            published_ms={
                grain_ms: first_ms
                for grain_ms, name in INTERVAL_NAMES.items()
                if (first_ms := self._firsts["external"].get((market.source, market.symbol, name)))
                is not None
            },
            trades_ms=self._firsts["speed"].get(key),
            stream_began_ms=min(self._firsts["speed"].values(), default=None),
        )

    async def _read_firsts(self, layer: Layer, now_ms: int) -> dict[SeriesKey, int]:
        tables = await self._client.tables(
            flux.FIRST_CANDLES,
            bucket=self._bucket_of(layer),
            layer=layer,
            start=instant(0),
            stop=instant(now_ms + DAY_MS),
        )
        return {
            (table.tags["source"], table.tags["symbol"], table.tags["interval"]): time_ms(
                table.times[0]
            )
            for table in tables
        }

    def _bucket_of(self, layer: Layer) -> str:
        return self._speed_bucket if layer == "speed" else self._bucket

    async def pieces(self, market: Market, span: Span, beginnings: Beginnings) -> Pieces:
        """All that the store holds of a span, in the grains that `merge` takes."""
        minutes_ms = beginnings.minutes_ms
        minutes, hours, days, trades = await asyncio.gather(
            self._external(market, MINUTE_MS, span, _end_of_external_minutes(span, beginnings)),
            self._external(market, HOUR_MS, span, _end_of_native(span, HOUR_MS, minutes_ms)),
            self._external(market, DAY_MS, span, _end_of_native(span, DAY_MS, minutes_ms)),
            self._trades(market, span, beginnings.trades_ms),
        )
        return Pieces(
            minutes=minutes,
            trades=trades,
            hours=hours,
            days=days,
            minutes_from_ms=minutes_ms,
            first_trades_ms=beginnings.trades_ms,
        )

    async def _external(self, market: Market, grain_ms: int, span: Span, end_ms: int) -> list[Bar]:
        """The exchange's closed bars in [span.from_ms, end_ms)."""
        found = await self._stored(market, "external", grain_ms, span.from_ms, end_ms)
        return [bar for bar in found if bar.close_time_ms <= span.now_ms]

    async def _stored(
        self, market: Market, layer: Layer, grain_ms: int, from_ms: int, to_ms: int
    ) -> list[Bar]:
        if from_ms >= to_ms:
            return []
        tables = await self._client.tables(
            flux.BARS,
            bucket=self._bucket_of(layer),
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

    async def _trades(self, market: Market, span: Span, first_ms: int | None) -> list[Bar]:
        """Bars of trades: minutes up to the end of the first bar, windows after it."""
        if first_ms is None:
            return []
        from_ms = max(span.from_ms, first_ms)
        if span.interval_ms == MINUTE_MS:
            return await self._stored(market, "speed", MINUTE_MS, from_ms, span.to_ms)
        border_ms = ceil_ms(first_ms + MINUTE_MS, span.interval_ms)
        opening, windows = await asyncio.gather(
            self._stored(market, "speed", MINUTE_MS, from_ms, min(border_ms, span.to_ms)),
            self._windows(market, span, max(span.from_ms, border_ms)),
        )
        return [*opening, *await self._inspected(market, windows)]

    async def _windows(self, market: Market, span: Span, from_ms: int) -> list[Bar]:
        if from_ms >= span.to_ms:
            return []
        tables = await self._client.tables(
            flux.COMPOSED_BARS,
            bucket=self._speed_bucket,
            layer="speed",
            source=market.source,
            symbol=market.symbol,
            interval=INTERVAL_NAMES[MINUTE_MS],
            start=instant(from_ms),
            stop=instant(span.to_ms),
            every=timedelta(milliseconds=span.interval_ms),
        )
        return shapes.composed_bars(shapes.columns_of(tables), interval_ms=span.interval_ms)

    async def _inspected(self, market: Market, windows: list[Bar]) -> list[Bar]:
        """The windows, those with missing trades replaced by their minutes."""
        stretches = _stretches(suspicious(windows))
        if not stretches:
            return windows
        minutes = await asyncio.gather(
            *(
                self._stored(market, "speed", MINUTE_MS, from_ms, to_ms)
                for from_ms, to_ms in stretches
            )
        )
        kept = [
            bar
            for bar in windows
            if not any(from_ms <= bar.open_time_ms < to_ms for from_ms, to_ms in stretches)
        ]
        found = [bar for stretch in minutes for bar in stretch]
        return sorted([*kept, *found], key=lambda bar: bar.open_time_ms)


def _end_of_external_minutes(span: Span, beginnings: Beginnings) -> int:
    """The exchange's minutes count up to the first minute of trades, that one included."""
    if beginnings.external_ms is None:
        return span.from_ms
    if beginnings.trades_ms is None:
        return span.to_ms
    return min(span.to_ms, beginnings.trades_ms + MINUTE_MS)


def _end_of_native(span: Span, grain_ms: int, minutes_ms: int | None) -> int:
    """The exchange's longer bars count where minutes do not reach; none for shorter intervals."""
    if span.interval_ms < grain_ms:
        return span.from_ms
    return span.to_ms if minutes_ms is None else min(span.to_ms, ceil_ms(minutes_ms, grain_ms))


def _stretches(bars: Sequence[Bar]) -> list[tuple[int, int]]:
    """Neighbouring bars as one [from, to), newest first, within the limits of an inspection."""
    stretches: list[tuple[int, int]] = []
    inspected_ms = 0
    for bar in reversed(bars):
        inspected_ms += bar.close_time_ms - bar.open_time_ms
        if inspected_ms > MAX_INSPECTED_MS:
            break
        if stretches and stretches[-1][0] == bar.close_time_ms:
            stretches[-1] = (bar.open_time_ms, stretches[-1][1])
        elif len(stretches) < MAX_INSPECTED_STRETCHES:
            stretches.append((bar.open_time_ms, bar.close_time_ms))
        else:
            break
    return stretches
