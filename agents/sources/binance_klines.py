"""Binance klines: the history that fills charts from the first minute. Runs once a start.

A first start takes the newest 1,000 bars of each interval; a later one goes on after the last bar
that the topic holds, page by page.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from math import isfinite
from typing import Any

import orjson

from agents.checks import refuse
from agents.memory import LastPosition, Positions
from agents.settings import AgentSettings
from agents.source import Outcome, PollSource, Request, Response
from market.coins import market_of
from market.errors import RecordRejected, Retryable
from market.main_market import Market
from schemas.codec import Record
from schemas.record_types import EXTERNAL_BAR

INTERVALS_MS = {"1m": 60_000, "1h": 3_600_000, "1d": 86_400_000}
PAGE_BARS = 1_000  # Binance's largest page


class BinanceKlines(PollSource):
    """One record a closed bar. A minute without trades is a bar of volume 0 and is kept.

    A row of `GET /api/v3/klines?symbol=BTCUSDT&interval=1m&limit=1000`, oldest first::

        [1499040000000,                      open, ms, inclusive
         "0.01634790", "0.80000000",         open, high: quote currency
         "0.01575800", "0.01577100",         low, close: quote currency
         "148976.11427815",                  volume: base currency
         1499644799999,                      close, ms, inclusive: we add 1
         "2434.19055334",                    volume: quote currency
         308,                                fills
         "1756.87402397", "28.46694368",     aggressive buyers' volume: base, quote
         "0"]                                unused

    The last row is the bar that is still open; it is dropped.
    """

    name = "binance_klines"
    source = "binance"
    record_type = EXTERNAL_BAR
    memory = LastPosition(source, ("symbol", "interval"), "open_time_ms")
    rest_setting = "binance_rest_url"
    poll_interval_s = None

    def __init__(self, settings: AgentSettings) -> None:
        super().__init__(settings)
        self._markets = {
            symbol: market_of(self.source, symbol) for symbol in settings.binance_symbols
        }

    def expected_keys(self) -> Iterable[tuple[str, ...]]:
        """Each market and interval."""
        return product(self._markets, INTERVALS_MS)

    def requests(self, held: Positions) -> Iterator[Request]:
        """One page for each market and interval, shortest interval last asked so it is freshest."""
        for interval in reversed(INTERVALS_MS):
            for symbol in self._markets:
                last_open_ms = held.get((symbol, interval))
                yield self._page(
                    symbol,
                    interval,
                    None if last_open_ms is None else last_open_ms + INTERVALS_MS[interval],
                )

    def next_page(self, response: Response) -> Request | None:
        """After a full page from a start, the page behind it."""
        params = response.request.params
        rows = orjson.loads(response.body)
        if "startTime" not in params or len(rows) < PAGE_BARS:
            return None
        try:
            next_ms = int(rows[-1][0]) + 1
        except (TypeError, ValueError, LookupError, OverflowError):
            return None  # the row is refused, and the next start asks from the last good one on
        if next_ms <= int(params["startTime"]):
            return None
        return self._page(params["symbol"], params["interval"], next_ms)

    def _page(self, symbol: str, interval: str, from_ms: int | None) -> Request:
        params = {"symbol": symbol, "interval": interval, "limit": str(PAGE_BARS)}
        if from_ms is not None:
            params["startTime"] = str(from_ms)
        return Request(url=f"{self.base_url}/api/v3/klines", params=params)

    def parse(self, response: Response, collected_at_ms: int) -> Iterator[Outcome]:
        """Bars that had closed when they were collected."""
        try:
            rows = orjson.loads(response.body)
        except orjson.JSONDecodeError as error:
            raise Retryable(f"Binance's answer is not JSON: {response.body[:80]!r}") from error
        if not isinstance(rows, list):
            raise Retryable(f"Binance's answer is no list of bars: {response.body[:80]!r}")
        market = self._markets[response.request.params["symbol"]]
        interval = response.request.params["interval"]
        for row in rows:
            try:
                bar = _bar(row, market, interval, collected_at_ms)
            except RecordRejected as rejected:
                yield rejected
                continue
            if bar["close_time_ms"] <= collected_at_ms:
                yield bar


def _bar(row: Sequence[Any], market: Market, interval: str, collected_at_ms: int) -> Record:
    where = f"{market.symbol} {interval}"
    try:
        open_time_ms, close_time_ms, trades = int(row[0]), int(row[6]) + 1, int(row[8])
        first, high, low, last, volume, quote_volume, buy_volume = (
            float(row[column]) for column in (1, 2, 3, 4, 5, 7, 9)
        )
    except (TypeError, ValueError, IndexError, KeyError, OverflowError):
        raise refuse(f"{where}: the row is not a kline", row) from None
    if close_time_ms - open_time_ms != INTERVALS_MS[interval] or open_time_ms < 0:
        raise refuse(f"{where}: the bar runs from {open_time_ms} to {close_time_ms}", row)
    if not all(map(isfinite, (first, high, low, last, volume, quote_volume, buy_volume))):
        raise refuse(f"{where} at {open_time_ms}: a number is not finite", row)
    if not 0 < low <= min(first, last) <= max(first, last) <= high:
        raise refuse(f"{where} at {open_time_ms}: prices outside low and high, or not above 0", row)
    if min(volume, quote_volume, buy_volume, trades) < 0:
        raise refuse(f"{where} at {open_time_ms}: a volume below 0", row)
    return {
        "source": BinanceKlines.source,
        "symbol": market.symbol,
        "coin_id": market.coin_id,
        "quote": market.quote,
        "interval": interval,
        "open_time_ms": open_time_ms,
        "close_time_ms": close_time_ms,
        "open": first,
        "high": high,
        "low": low,
        "close": last,
        "volume": volume,
        "quote_volume": quote_volume,
        "trades": trades,
        "buy_volume": buy_volume,
        "observed_at_ms": close_time_ms,
        "collected_at_ms": collected_at_ms,
    }
