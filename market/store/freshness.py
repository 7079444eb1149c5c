"""When a number counts as fresh, and which number is a coin's price. Pure; the only place of both.

Ages are in the platform's time. In a demo the scenario may run many times faster than the
processes that carry it, so every threshold allows 10 s x speed more there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from market.main_market import Market, main_market
from market.store.rows import LastCandle, Snapshot

# A trade gives the price of its coin for this long; after it the market may be silent or dead.
TRADE_FRESH_MS = 60_000
# Keyless polling may be as slow as a poll a minute, and the source itself lags a minute or two.
SNAPSHOT_FRESH_MS = 300_000
# The watermark runs 30 s behind the trades, and it is written once a micro-batch.
CANDLES_FRESH_MS = 120_000
# Feeds bring nothing for hours in a quiet night; half a day without an article is no quiet night.
NEWS_FRESH_MS = 12 * 3_600_000
# A value stands for its day from 00:00 UTC, and the next one may come three hours late.
INDEX_FRESH_MS = 27 * 3_600_000
DEMO_ALLOWANCE_MS = 10_000

# Sources of snapshots, the preferred first; others follow in the order of their names.
SNAPSHOT_SOURCES = ("coingecko",)


@dataclass(frozen=True, slots=True)
class Freshness:
    """Judges ages at one moment of the platform's clock."""

    now_ms: int
    speed: float
    is_replay: bool

    @property
    def allowance_ms(self) -> int:
        """What every threshold allows on top, milliseconds."""
        return int(DEMO_ALLOWANCE_MS * self.speed) if self.is_replay else 0

    def _is_fresh(self, at_ms: int | None, limit_ms: int, *, until_ms: int | None = None) -> bool:
        if at_ms is None:
            return False
        judged_at_ms = self.now_ms if until_ms is None else min(until_ms, self.now_ms)
        return judged_at_ms - at_ms < limit_ms + self.allowance_ms

    def is_trade_fresh(self, traded_at_ms: int | None) -> bool:
        """True for a trade under 60 s old."""
        return self._is_fresh(traded_at_ms, TRADE_FRESH_MS)

    def is_snapshot_fresh(self, observed_at_ms: int | None, *, until_ms: int | None = None) -> bool:
        """True for a snapshot under 300 s old, seen from `until_ms` where a range ends there."""
        return self._is_fresh(observed_at_ms, SNAPSHOT_FRESH_MS, until_ms=until_ms)

    def are_candles_fresh(self, known_through_ms: int | None, *, until_ms: int) -> bool:
        """True when trades are accounted for until 120 s before the end of the range."""
        return self._is_fresh(known_through_ms, CANDLES_FRESH_MS, until_ms=until_ms)

    def are_news_fresh(self, published_at_ms: int | None, *, until_ms: int | None = None) -> bool:
        """True for an article under 12 hours old."""
        return self._is_fresh(published_at_ms, NEWS_FRESH_MS, until_ms=until_ms)

    def is_index_fresh(self, day_ms: int | None) -> bool:
        """True for the value of a day that began under 27 hours ago."""
        return self._is_fresh(day_ms, INDEX_FRESH_MS)

    def are_analytics_fresh(
        self,
        known_through_ms: int | None,
        *,
        interval_ms: int,
        traded_at_ms: int | None,
        final_through_ms: int | None,
        until_ms: int,
    ) -> bool:
        """True when the row of the last final bar is there, seen from the end of the range.

        A market in which nobody trades gets no rows, so its last trade counts where it is older.
        """
        known = [at for at in (known_through_ms, final_through_ms) if at is not None]
        if known_through_ms is None or not self.are_candles_fresh(max(known), until_ms=until_ms):
            return False
        traded_ms = until_ms if traded_at_ms is None else min(until_ms, traded_at_ms)
        return self.are_candles_fresh(known_through_ms + interval_ms, until_ms=traded_ms)


@dataclass(frozen=True, slots=True)
class CoinPrice:
    """A coin's price with where it comes from. `market` is the symbol on an exchange."""

    price_usd: float
    source: str
    market: str | None
    observed_at_ms: int
    is_stale: bool


class Sourced(Protocol):
    """Anything that one source said."""

    @property
    def source(self) -> str:
        """Who said it."""


S = TypeVar("S", bound=Sourced)


def preferred_source(said: Iterable[S]) -> S | None:
    """What the preferred source said, None where nobody said anything."""
    order = {source: rank for rank, source in enumerate(SNAPSHOT_SOURCES)}
    ranked = sorted(said, key=lambda one: (order.get(one.source, len(order)), one.source))
    return ranked[0] if ranked else None


def market_of_candle(candle: LastCandle) -> Market:
    """The market that a bar belongs to."""
    return Market(
        source=candle.source, symbol=candle.symbol, coin_id=candle.coin_id, quote=candle.quote
    )


def main_candle(candles: Sequence[LastCandle]) -> LastCandle | None:
    """The last bar of a coin's main market; None where no market is quoted in dollars."""
    by_market = {market_of_candle(candle): candle for candle in candles}
    main = main_market(by_market)
    return None if main is None else by_market[main]


def price_of_coin(
    snapshot: Snapshot | None, candles: Sequence[LastCandle], freshness: Freshness
) -> CoinPrice | None:
    """The last trade of the main market if under 60 s old, else the snapshot's price.

    A coin without a snapshot keeps its last trade, marked stale.
    """
    traded = _traded_price(main_candle(candles), freshness)
    if traded is not None and not traded.is_stale:
        return traded
    if snapshot is not None and snapshot.price_usd is not None:
        return CoinPrice(
            price_usd=snapshot.price_usd,
            source=snapshot.source,
            market=None,
            observed_at_ms=snapshot.observed_at_ms,
            is_stale=not freshness.is_snapshot_fresh(snapshot.observed_at_ms),
        )
    return traded


def _traded_price(candle: LastCandle | None, freshness: Freshness) -> CoinPrice | None:
    if candle is None or candle.last_traded_at_ms is None:
        return None
    return CoinPrice(
        price_usd=candle.price,
        source=candle.source,
        market=candle.symbol,
        observed_at_ms=candle.last_traded_at_ms,
        is_stale=not freshness.is_trade_fresh(candle.last_traded_at_ms),
    )
