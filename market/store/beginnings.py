"""Where a market's bars begin in the store: of trades, and as the exchange published them."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from market.intervals import INTERVAL_NAMES
from market.main_market import Market
from market.store import flux
from market.store.annotated import time_ms
from market.store.client import FluxClient, instant
from market.store.merge import DAY_MS, GRAINS_MS, MINUTE_MS
from market.store.rows import Layer

# Where a market's history begins moves only by retention or a backfill ...
MAX_AGE_S = 30.0
# ... except at its very start, when the first trades are what everybody waits for.
UNKNOWN_MAX_AGE_S = 1.0

SeriesKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Beginnings:
    """First minutes of one market in the store, and of trades of any market.

    `published_ms` is where the exchange's own bars begin, by their length.
    """

    published_ms: Mapping[int, int]
    trades_ms: int | None
    stream_began_ms: int | None

    def history_from_ms(self, interval_ms: int) -> int | None:
        """Where bars of at most `interval_ms` begin that the exchange published."""
        begins = (at for grain_ms, at in self.published_ms.items() if grain_ms <= interval_ms)
        return min(begins, default=None)

    @property
    def minutes_ms(self) -> int | None:
        """Where minutes of either kind begin."""
        external_ms = self.published_ms.get(MINUTE_MS)
        return min((at for at in (external_ms, self.trades_ms) if at is not None), default=None)


class BeginningsReader:
    """Reads all markets' beginnings at once and keeps them for a while."""

    def __init__(
        self,
        client: FluxClient,
        *,
        buckets: Mapping[Layer, str],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._buckets = buckets
        self._monotonic = monotonic
        self._traded: dict[SeriesKey, int] = {}
        self._published: dict[SeriesKey, int] = {}
        self._read_at_s: float | None = None

    async def of(self, market: Market, now_ms: int) -> Beginnings:
        """Where the market begins."""
        minutes = INTERVAL_NAMES[MINUTE_MS]
        if self._is_old((market.source, market.symbol, minutes)):
            self._traded, self._published = await asyncio.gather(
                self._firsts("speed", now_ms), self._firsts("external", now_ms)
            )
            self._read_at_s = self._monotonic()
        published = {
            grain_ms: self._published.get((market.source, market.symbol, INTERVAL_NAMES[grain_ms]))
            for grain_ms in GRAINS_MS
        }
        # Of trades only minutes: a day that was composed of them opens before the stream began.
        begins = {key[:2]: at for key, at in self._traded.items() if key[2] == minutes}
        return Beginnings(
            published_ms={grain_ms: at for grain_ms, at in published.items() if at is not None},
            trades_ms=begins.get((market.source, market.symbol)),
            stream_began_ms=min(begins.values(), default=None),
        )

    def _is_old(self, key: SeriesKey) -> bool:
        if self._read_at_s is None:
            return True
        limit_s = MAX_AGE_S if key in self._traded else UNKNOWN_MAX_AGE_S
        return self._monotonic() - self._read_at_s > limit_s

    async def _firsts(self, layer: Layer, now_ms: int) -> dict[SeriesKey, int]:
        tables = await self._client.tables(
            flux.FIRST_CANDLES,
            bucket=self._buckets[layer],
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
