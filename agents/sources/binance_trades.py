"""Binance aggregate trades: live from the combined stream, holes over REST `aggTrades`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

import orjson

from agents.checks import refuse, shown
from agents.memory import LastPosition
from agents.settings import AgentSettings
from agents.source import Outcome, Request, Response, StreamSource
from market.coins import market_of
from market.errors import Fatal, RecordRejected, Retryable
from schemas.codec import Record
from schemas.record_types import TRADE

# Binance's limits for one connection and for one page of aggTrades.
STREAMS_PER_CONNECTION = 1_024
PAGE_TRADES = 1_000
# What a record's field can hold; a larger id would be the market's last one and in no record.
LARGEST_ID = 2**63 - 1


class BinanceTrades(StreamSource):
    """One record an aggregate trade: one taker order at one price.

    A frame of the combined stream (price in quote currency, quantity in base, times in ms)::

        {"stream": "btcusdt@aggTrade",
         "data": {"e": "aggTrade", "E": 1633998523963,        event sent, ms
                  "s": "BTCUSDT", "a": 15683430,              aggregate id, rises by 1 in a market
                  "p": "57352.80000000", "q": "0.00400000",   price, quantity
                  "f": 19862790, "l": 19862790,               first and last fill
                  "T": 1633998523963,                         traded, ms
                  "m": false, "M": true}}                     m: the buyer was the maker

    A row of `GET /api/v3/aggTrades?symbol=BTCUSDT&fromId=15683430&limit=1000` has `a, p, q, f, l,
    T, m, M` alike and no symbol: that stands in the request.
    """

    name = "binance_trades"
    source = "binance"
    record_type = TRADE
    memory = LastPosition(source, ("symbol",), "trade_id")
    rest_setting = "binance_rest_url"
    stream_setting = "binance_stream_url"
    page_rows = PAGE_TRADES
    farewell = b'"serverShutdown"'

    def __init__(self, settings: AgentSettings) -> None:
        super().__init__(settings)
        self._markets: dict[str, tuple[str, str]] = {}
        self.follow(settings.binance_symbols)

    def follow(self, symbols: Sequence[str]) -> None:
        """Follow these markets. Raises Fatal for too many or an unknown one."""
        if len(symbols) > STREAMS_PER_CONNECTION:
            raise Fatal(
                f"{len(symbols)} markets are to be followed; one connection carries at most "
                f"{STREAMS_PER_CONNECTION}: shorten CRYPTOVIZ_BINANCE_SYMBOLS or the markets file"
            )
        self._markets = {
            symbol: (market.coin_id, market.quote)
            for symbol in symbols
            for market in (market_of(self.source, symbol),)
        }

    def coin_of(self, symbol: str) -> str:
        """By market/coins.csv, also for a market that is followed no more."""
        return market_of(self.source, symbol).coin_id

    @property
    def symbols(self) -> Sequence[str]:
        """Markets by setting."""
        return tuple(self._markets)

    def expected_keys(self) -> Iterable[tuple[str, ...]]:
        """Each market."""
        return ((symbol,) for symbol in self._markets)

    def stream_url(self, symbols: Sequence[str]) -> str:
        """One combined stream of all markets; Binance wants their names in lower case."""
        base = self.settings.binance_stream_url.rstrip("/")
        streams = "/".join(f"{symbol.lower()}@aggTrade" for symbol in symbols)
        return f"{base}/stream?streams={streams}"

    def listing(self, symbol: str) -> Request:
        """Its row of exchangeInfo: `{"symbols": [{"symbol": "BTCUSDT", "status": "TRADING"}]}`."""
        return Request(url=f"{self.base_url}/api/v3/exchangeInfo", params={"symbol": symbol})

    def is_listed(self, response: Response) -> bool:
        """False for a market whose status is BREAK, HALT or another pause."""
        try:
            (row,) = orjson.loads(response.body)["symbols"]
            return bool(row["status"] == "TRADING")
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise Retryable(f"no exchangeInfo of one market: {response.body[:80]!r}") from error

    def page_from_id(self, symbol: str, from_id: int) -> Request:
        """A page of trades from an id on."""
        return self._page(symbol, fromId=from_id)

    def page_of_newest(self, symbol: str) -> Request:
        """The newest trade: Binance gives the last ones where no start is named."""
        return self._page(symbol, limit=1)

    def page_from_time(self, symbol: str, from_ms: int) -> Request:
        """A page of trades from a time on, milliseconds UTC."""
        return self._page(symbol, startTime=from_ms)

    def _page(self, symbol: str, *, limit: int = PAGE_TRADES, **start: int) -> Request:
        params = {name: str(number) for name, number in start.items()}
        return Request(
            url=f"{self.base_url}/api/v3/aggTrades",
            params={"symbol": symbol, **params, "limit": str(limit)},
        )

    def parse_frame(self, frame: bytes, collected_at_ms: int) -> Iterable[Outcome]:
        """The trade of a frame; nothing for Binance's answers and announcements."""
        try:
            message = orjson.loads(frame)
            event = message.get("data", message)
            if event.get("e") != "aggTrade":
                return ()
        except (orjson.JSONDecodeError, AttributeError):
            return (refuse("the frame is not a JSON object", frame),)
        return (self._outcome(event, event.get("s"), collected_at_ms),)

    def parse(self, response: Response, collected_at_ms: int) -> Iterator[Outcome]:
        """The trades of a page, in order of id."""
        try:
            rows = orjson.loads(response.body)
        except orjson.JSONDecodeError as error:
            raise Retryable(f"Binance's answer is not JSON: {response.body[:80]!r}") from error
        if not isinstance(rows, list):
            raise Retryable(f"Binance's answer is no list of trades: {response.body[:80]!r}")
        symbol = response.request.params["symbol"]
        for row in rows:
            yield self._outcome(row, symbol, collected_at_ms)

    def _outcome(self, row: Mapping[str, Any], symbol: str, collected_at_ms: int) -> Outcome:
        """This runs for every trade, so it tests all fields in one pass and explains only after."""
        try:
            coin_id, quote = self._markets[symbol]
            price, quantity = float(row["p"]), float(row["q"])
            trade_id, first, last, traded_at_ms = row["a"], row["f"], row["l"], row["T"]
            buyer_is_maker = row["m"]
            # One comparison chain refuses NaN, infinity, zero and negative numbers.
            whole = (
                0 < price < float("inf")
                and 0 < quantity < float("inf")
                and 0 <= trade_id <= LARGEST_ID
                and 0 <= first <= last <= LARGEST_ID
                and 0 < traded_at_ms <= LARGEST_ID
                and type(trade_id) is type(first) is type(last) is type(traded_at_ms) is int
                and type(buyer_is_maker) is bool
            )
        except (KeyError, TypeError, ValueError):
            whole = False
        if not whole:
            return _refusal(row, symbol, known=symbol in self.symbols)
        record: Record = {
            "source": "binance",
            "symbol": symbol,
            "coin_id": coin_id,
            "quote": quote,
            "trade_id": trade_id,
            "first_fill_id": first,
            "last_fill_id": last,
            "price": price,
            "quantity": quantity,
            "aggressor": "sell" if buyer_is_maker else "buy",
            "traded_at_ms": traded_at_ms,
            "observed_at_ms": traded_at_ms,
            "collected_at_ms": collected_at_ms,
        }
        return record


def _refusal(row: object, symbol: str, *, known: bool) -> RecordRejected:
    """Why a row is no trade, in words."""
    if not isinstance(row, dict):
        return refuse("the trade is not an object", row)
    if not known:
        return refuse(f"symbol {shown(symbol)} is not one of ours", row)
    for name in ("a", "f", "l", "T"):
        if type(row.get(name)) is not int or not 0 <= row[name] <= LARGEST_ID:
            return refuse(f"{symbol} {name} is {shown(row.get(name))}, not an id or a time", row)
    for name in ("p", "q"):
        try:
            amount = float(row[name])
        except (KeyError, TypeError, ValueError):
            amount = float("nan")
        if not isfinite(amount) or amount <= 0:
            return refuse(f"{symbol} {name} is {shown(row.get(name))}, not a number above 0", row)
    return refuse(f"{symbol} trade {row['a']} contradicts itself", row)
