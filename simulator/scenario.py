"""What a scenario is: a market over time that any moment and any trade id can be asked of.

Contract of every scenario:
- Deterministic: a function of (scenario, seed, start). The same question gives the same bytes in
  every process, in any order of asking, so a restart continues where the last run stood.
- Trade ids of a market start at 1 with the first trade at or after `start_ms` and rise by 1; so
  do the fill ids over them. Trades of a market are in id order and never earlier than their
  predecessor.
- A scenario knows its whole future; whoever asks passes the moment up to which it may be told.
- Memory is bounded: a scenario keeps whole minutes only in bounded caches.

All times are milliseconds UTC. Prices and quantities are decimal strings, as exchanges send them.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from simulator.planted import PlantedAnomaly

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000

INTERVALS_MS: Mapping[str, int] = {
    "1m": MINUTE_MS,
    "3m": 3 * MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1h": HOUR_MS,
    "2h": 2 * HOUR_MS,
    "4h": 4 * HOUR_MS,
    "6h": 6 * HOUR_MS,
    "8h": 8 * HOUR_MS,
    "12h": 12 * HOUR_MS,
    "1d": DAY_MS,
}


class WrongScenario(Exception):  # noqa: N818 - reads as what the settings name
    """The settings do not make a scenario; the message names each thing to change."""


class Trade(NamedTuple):
    """One aggregate trade; `buyer_is_maker` means that the aggressor sold."""

    symbol: str
    trade_id: int
    first_fill_id: int
    last_fill_id: int
    price: str
    quantity: str
    traded_at_ms: int
    buyer_is_maker: bool


class TapeLine(NamedTuple):
    """One frame of the combined stream: when it goes out, its stream's name, its text."""

    at_ms: int
    stream: str
    text: bytes


class Kline(NamedTuple):
    """One candle as an exchange publishes it; `trades` counts fills, `taker_*` the buyers'."""

    open_time_ms: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    quote_volume: str
    trades: int
    taker_base_volume: str
    taker_quote_volume: str


@dataclass(frozen=True, slots=True)
class Instrument:
    """A market's metadata. Decimals are of the price step and of the quantity step."""

    symbol: str
    coin_id: str
    base: str
    quote: str
    price_decimals: int
    quantity_decimals: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A coin at a moment; what the scenario does not know is None. Money is USD."""

    coin_id: str
    observed_at_ms: int
    price_usd: float | None
    high_24h_usd: float | None
    low_24h_usd: float | None
    volume_24h_usd: float | None
    price_24h_ago_usd: float | None
    changes_pct: Mapping[str, float | None]
    """Percent since 1h, 24h, 7d, 14d, 30d, 200d, 1y ago."""
    circulating_supply: float | None = None
    total_supply: float | None = None
    max_supply: float | None = None
    ath_usd: float | None = None
    ath_at_ms: int | None = None
    atl_usd: float | None = None
    atl_at_ms: int | None = None


FEEDS = ("coindesk", "cointelegraph")
"""Feeds that every scenario has; their texts are our own."""


@dataclass(frozen=True, slots=True)
class Article:
    """One article of a feed; an edited one bears `edited_title` from `edited_at_ms` on."""

    guid: str
    url: str
    title: str
    summary: str
    author: str
    categories: tuple[str, ...]
    published_at_ms: int
    edited_at_ms: int | None = None
    edited_title: str | None = None

    def title_at(self, at_ms: int) -> str:
        """The headline as it reads at a moment."""
        if self.edited_title is None or self.edited_at_ms is None or at_ms < self.edited_at_ms:
            return self.title
        return self.edited_title

    def changed_at_ms(self, at_ms: int) -> int:
        """When it last changed, up to a moment."""
        is_edited = self.edited_at_ms is not None and self.edited_at_ms <= at_ms
        return self.edited_at_ms if is_edited and self.edited_at_ms else self.published_at_ms


@dataclass(frozen=True, slots=True)
class Mood:
    """The Fear & Greed index of one day: 0 (extreme fear) to 100 (extreme greed)."""

    day_ms: int
    """00:00 UTC of the day; made of what happened before it."""
    index: int


CHANGE_SPANS_MS: Mapping[str, int] = {
    "1h": HOUR_MS,
    "24h": DAY_MS,
    "7d": 7 * DAY_MS,
    "14d": 14 * DAY_MS,
    "30d": 30 * DAY_MS,
    "200d": 200 * DAY_MS,
    "1y": 365 * DAY_MS,
}


def first_fill_id(trade_id: int) -> int:
    """Id of a trade's first fill: in closed form, so that any trade can be made by itself.

    One trade in three takes a second fill and one in eleven four more.
    """
    return trade_id + trade_id // 3 + 4 * (trade_id // 11)


def last_fill_id(trade_id: int) -> int:
    """Id of a trade's last fill; the next trade's first fill follows it."""
    return first_fill_id(trade_id + 1) - 1


def change_pct(now: float | None, before: float | None) -> float | None:
    """Percent from `before` to `now`, None where either is unknown."""
    if now is None or before is None or before <= 0:
        return None
    return (now / before - 1) * 100


class Scenario(ABC):
    """A market over time. A scenario gives the abstract parts; moments and ids follow from them."""

    name: str
    start_ms: int
    end_ms: int | None
    """Where its trades end; None where they never do."""
    instruments: Mapping[str, Instrument]
    """By symbol, upper case, in the order of `exchangeInfo`."""
    has_bodies: bool = False
    """Whether `body` answers for the vendors' polled routes."""

    @abstractmethod
    def minute_trades(self, symbol: str, minute: int) -> Sequence[Trade]:
        """All trades of one minute (number since the epoch), none before the start's minute."""

    @abstractmethod
    def minute_of_trade(self, symbol: str, trade_id: int, through_ms: int) -> int | None:
        """The minute that holds an id >= 1; None where it is traded on a later day or never."""

    @abstractmethod
    def klines(
        self, symbol: str, interval_ms: int, first_open_ms: int, limit: int, now_ms: int
    ) -> Sequence[Kline]:
        """At most `limit` candles from `first_open_ms` on, with what was traded up to `now_ms`."""

    @abstractmethod
    def snapshots(self, at_ms: int) -> Sequence[Snapshot]:
        """Every coin at the last whole minute before or at `at_ms`."""

    def tape(self, minute: int) -> Sequence[TapeLine] | None:
        """Ready frames of a minute in order; None where they are to be made of the trades."""
        del minute
        return None

    def body(self, route: str, at_ms: int) -> bytes | None:
        """The recorded body of a route such as `coingecko/global` at a moment."""
        del route, at_ms
        return None

    def id_ranges(self, symbol: str, from_ms: int, to_ms: int) -> list[tuple[int, int]]:
        """Ids of the trades in [from, to] as inclusive ranges; one, where ids have no hole."""
        last = self.last_trades(symbol, 1, to_ms)
        before = self.last_trades(symbol, 1, from_ms - 1)
        first_id = before[0].trade_id + 1 if before else 1
        return [(first_id, last[0].trade_id)] if last and last[0].trade_id >= first_id else []

    def articles(self, feed: str, at_ms: int, limit: int) -> Sequence[Article]:
        """The newest articles of a feed at a moment, newest first; none where there is no news."""
        del feed, at_ms, limit
        return ()

    def moods(self, at_ms: int, limit: int | None) -> Sequence[Mood]:
        """Fear & Greed at a moment, newest day first, all of them without a limit."""
        del at_ms, limit
        return ()

    def planted(self, from_ms: int, to_ms: int) -> Sequence[PlantedAnomaly]:
        """The truth about anomalies that begin in [from_ms, to_ms); none where nobody knows it."""
        del from_ms, to_ms
        return ()

    def trades(self, symbol: str, after_ms: int, through_ms: int) -> Iterator[Trade]:
        """Trades of one market in (after_ms, through_ms], by id."""
        through_ms = through_ms if self.end_ms is None else min(through_ms, self.end_ms)
        first = max(after_ms + 1, self.start_ms) // MINUTE_MS
        for minute in range(first, through_ms // MINUTE_MS + 1):
            for trade in self.minute_trades(symbol, minute):
                if after_ms < trade.traded_at_ms <= through_ms:
                    yield trade

    def all_trades(self, after_ms: int, through_ms: int) -> Iterator[Trade]:
        """Trades of all markets in (after_ms, through_ms], by time, then symbol, then id."""
        through_ms = through_ms if self.end_ms is None else min(through_ms, self.end_ms)
        first = max(after_ms + 1, self.start_ms) // MINUTE_MS
        for minute in range(first, through_ms // MINUTE_MS + 1):
            for trade in self.merged_minute(minute):
                if after_ms < trade.traded_at_ms <= through_ms:
                    yield trade

    def merged_minute(self, minute: int) -> list[Trade]:
        """One minute's trades of all markets, by time, then symbol, then id."""
        merged = [
            trade for symbol in self.instruments for trade in self.minute_trades(symbol, minute)
        ]
        merged.sort(key=lambda trade: (trade.traded_at_ms, trade.symbol, trade.trade_id))
        return merged

    def trades_from_id(self, symbol: str, from_id: int, limit: int, through_ms: int) -> list[Trade]:
        """At most `limit` trades with ids >= from_id that had happened at `through_ms`."""
        from_id = max(from_id, 1)
        minute = self.minute_of_trade(symbol, from_id, through_ms)
        page: list[Trade] = []
        if minute is None:
            return page
        for trade in self.trades(symbol, minute * MINUTE_MS - 1, through_ms):
            if trade.trade_id >= from_id:
                page.append(trade)
                if len(page) == limit:
                    break
        return page

    def last_trades(self, symbol: str, limit: int, through_ms: int) -> list[Trade]:
        """The newest `limit` trades up to `through_ms`, oldest first."""
        newest: list[Trade] = []
        last = through_ms if self.end_ms is None else min(through_ms, self.end_ms)
        minute = last // MINUTE_MS
        while len(newest) < limit and minute >= self.start_ms // MINUTE_MS:
            told = [t for t in self.minute_trades(symbol, minute) if t.traded_at_ms <= through_ms]
            newest = [*told, *newest]
            minute -= 1
        return newest[-limit:]
