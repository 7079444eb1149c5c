"""All markets of a bar at once: breadth, volume shares, weighted return. A stateful core. Pure.

Rows in: one-minute bars of trades of all markets, ascending in time, in any order within a minute.
Rows out: columns of `measurements.CROSS_SECTION`, with `time_ms`. A row is given when a bar of its
last minute has come and again, for the same point, when more of that minute comes later; so the
last row of a point is the same however the rows are cut into steps. The bar in which the stream
began is not given: volumes over a part of it would pass for those of the whole.

A coin counts once, by its main market: the dollar before USDT before USDC among those that traded
within the bar. Volumes in USDT and USDC are taken for dollars.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import fsum
from typing import Any

import orjson

from market.intervals import INTERVAL_MS
from market.main_market import MAIN_QUOTES, Market, main_market
from market.store.compose import floor_ms
from spark_jobs.transforms.bar_pieces import Row
from spark_jobs.transforms.market_bars import INTERVALS, MINUTE_MS
from spark_jobs.transforms.saved_state import unknown_version

VERSION = 1
BITCOIN, ETHEREUM = "bitcoin", "ethereum"


@dataclass(slots=True)
class _Traded:
    """One market within an open bar."""

    coin_id: str
    quote: str
    open: float
    close: float
    quote_volume: float


@dataclass(slots=True)
class _OpenSection:
    """One interval's open bar; keys are `source|symbol`."""

    open_time_ms: int
    is_partial: bool
    newest_ms: int = 0
    is_given: bool = True
    markets: dict[str, _Traded] = field(default_factory=dict)


class CrossSection:
    """State and step of the whole market."""

    def __init__(self) -> None:
        self._open: dict[str, _OpenSection] = {}

    def step(self, rows: Iterable[Row]) -> list[Row]:
        """Rows of all markets in event order to the sections they complete."""
        out: list[Row] = []
        for row in rows:
            if row["quote"] in MAIN_QUOTES:
                for interval in INTERVALS:
                    out += self._add(interval, row)
        for interval, section in self._open.items():
            if section.newest_ms + MINUTE_MS == section.open_time_ms + INTERVAL_MS[interval]:
                out += _given(interval, section)
        return out

    def _add(self, interval: str, row: Row) -> list[Row]:
        out: list[Row] = []
        opened_ms = row["time_ms"]
        bucket_ms = floor_ms(opened_ms, INTERVAL_MS[interval])
        section = self._open.get(interval)
        if section is None or bucket_ms > section.open_time_ms:
            out = [] if section is None else _given(interval, section)
            section = _OpenSection(bucket_ms, is_partial=section is None)
            self._open[interval] = section
        elif bucket_ms < section.open_time_ms:
            return []  # counted before
        section.newest_ms = opened_ms
        section.is_given = False
        key = f"{row['source']}|{row['symbol']}"
        traded = section.markets.get(key)
        if traded is None:
            traded = _Traded(row["coin_id"], row["quote"], row["open"], row["close"], 0.0)
            section.markets[key] = traded
        traded.close = row["close"]
        traded.quote_volume += row["quote_volume"]
        return out

    def save(self) -> bytes:
        """The whole state."""
        return orjson.dumps({"version": VERSION, "open": self._open})

    @classmethod
    def restored(cls, state: bytes) -> "CrossSection":
        """The core that was saved. Raises Fatal where another version of the code saved it."""
        saved: dict[str, Any] = orjson.loads(state)
        if saved["version"] != VERSION:
            raise unknown_version(saved["version"], VERSION)
        found = cls()
        for interval, section in saved["open"].items():
            markets = {key: _Traded(**traded) for key, traded in section.pop("markets").items()}
            found._open[interval] = _OpenSection(**section, markets=markets)
        return found


def _given(interval: str, section: _OpenSection) -> list[Row]:
    if section.is_given or section.is_partial:
        return []
    section.is_given = True
    return [_row(interval, section)]


def _row(interval: str, section: _OpenSection) -> Row:
    coins = _main_markets(section.markets)
    volume = fsum(traded.quote_volume for traded in coins.values())
    gained = fsum(
        traded.quote_volume * (traded.close / traded.open - 1) for traded in coins.values()
    )
    advancing = sum(traded.close > traded.open for traded in coins.values())

    def share_pct(coin_id: str) -> float | None:
        known = coin_id in coins and volume > 0
        return 100 * coins[coin_id].quote_volume / volume if known else None

    return {
        "kind": "cross_section",
        "interval": interval,
        "layer": "speed",
        "time_ms": section.open_time_ms,
        "coins": len(coins),
        "advancing": advancing,
        "declining": sum(traded.close < traded.open for traded in coins.values()),
        "breadth_pct": 100 * advancing / len(coins),
        "quote_volume_usd": volume,
        "btc_volume_share_pct": share_pct(BITCOIN),
        "eth_volume_share_pct": share_pct(ETHEREUM),
        "weighted_return_pct": 100 * gained / volume if volume > 0 else None,
    }


def _main_markets(markets: dict[str, _Traded]) -> dict[str, _Traded]:
    by_coin: dict[str, list[Market]] = {}
    for key, traded in markets.items():
        source, _, symbol = key.partition("|")
        market = Market(source, symbol, traded.coin_id, traded.quote)
        by_coin.setdefault(traded.coin_id, []).append(market)
    mains = {coin_id: main_market(held) for coin_id, held in by_coin.items()}
    return {
        coin_id: markets[f"{main.source}|{main.symbol}"]
        for coin_id, main in mains.items()
        if main is not None
    }
