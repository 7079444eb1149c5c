"""Binance's spot REST market data: exchangeInfo, klines, aggTrades, time.

Field order, strings for decimals, error codes and caps are the vendor's: a `limit` over 1,000 is
cut to 1,000, an open candle is told with what was traded so far, and an unknown symbol is
`{"code":-1121,"msg":"Invalid symbol."}` with status 400.
"""

import re
from collections.abc import Mapping

from aiohttp import web

from simulator.answers import SIMULATION, answer
from simulator.http_faults import FAULT_BOARD
from simulator.scenario import INTERVALS_MS, Instrument, Trade
from simulator.simulation import Simulation

DEFAULT_LIMIT = 500
MAX_LIMIT = 1_000
NUMBER = re.compile(r"^[0-9]{1,20}$")


class BinanceError(Exception):
    """An error in Binance's words."""

    def __init__(self, code: int, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def number(query: Mapping[str, str], name: str) -> int | None:
    """A whole number out of the query, None where it is not given."""
    text = query.get(name)
    if text is None:
        return None
    if not NUMBER.match(text):
        raise BinanceError(
            -1100,
            f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'.",
        )
    return int(text)


def limit_of(query: Mapping[str, str]) -> int:
    """The page's size, cut to the vendor's cap."""
    limit = number(query, "limit")
    if limit == 0:
        raise BinanceError(-1130, "Data sent for parameter 'limit' is not valid.")
    return min(DEFAULT_LIMIT if limit is None else limit, MAX_LIMIT)


def mandatory(query: Mapping[str, str], name: str) -> str:
    """A parameter that must be there."""
    text = query.get(name)
    if not text:
        raise BinanceError(
            -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
        )
    return text


def symbol_of(simulation: Simulation, query: Mapping[str, str]) -> str:
    """A symbol of the scenario."""
    symbol = mandatory(query, "symbol")
    if symbol not in simulation.scenario.instruments:
        raise BinanceError(-1121, "Invalid symbol.")
    return symbol


def symbol_info(one: Instrument) -> dict[str, object]:
    """A market as `exchangeInfo` lists it."""
    tick, step = (f"{10.0**-d:.8f}" for d in (one.price_decimals, one.quantity_decimals))
    return {
        "symbol": one.symbol,
        "status": "TRADING",
        "baseAsset": one.base,
        "baseAssetPrecision": 8,
        "quoteAsset": one.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "orderTypes": ["LIMIT", "MARKET"],
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": tick,
                "maxPrice": "1000000.00000000",
                "tickSize": tick,
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": step,
                "maxQty": "9000000000.00000000",
                "stepSize": step,
            },
        ],
        "permissions": ["SPOT"],
    }


async def exchange_info(request: web.Request) -> web.Response:
    """`GET /api/v3/exchangeInfo`, all or `symbol` or `symbols=["A","B"]`."""
    simulation = request.app[SIMULATION]
    instruments = simulation.scenario.instruments
    wanted = list(instruments)
    if "symbol" in request.query:
        wanted = [symbol_of(simulation, request.query)]
    elif "symbols" in request.query:
        wanted = re.findall(r"[^\[\]\",\s]+", request.query["symbols"])
        if not wanted or any(symbol not in instruments for symbol in wanted):
            raise BinanceError(-1121, "Invalid symbol.")
    return answer(
        {
            "timezone": "UTC",
            "serverTime": simulation.now_ms(),
            "rateLimits": [
                {
                    "rateLimitType": "REQUEST_WEIGHT",
                    "interval": "MINUTE",
                    "intervalNum": 1,
                    "limit": 6000,
                },
                {
                    "rateLimitType": "RAW_REQUESTS",
                    "interval": "MINUTE",
                    "intervalNum": 5,
                    "limit": 61000,
                },
            ],
            "exchangeFilters": [],
            "symbols": [symbol_info(instruments[symbol]) for symbol in wanted],
        }
    )


async def server_time(request: web.Request) -> web.Response:
    """`GET /api/v3/time`."""
    return answer({"serverTime": request.app[SIMULATION].now_ms()})


async def klines(request: web.Request) -> web.Response:
    """`GET /api/v3/klines`: from `startTime` on, else the newest up to `endTime`."""
    simulation, query = request.app[SIMULATION], request.query
    symbol = symbol_of(simulation, query)
    interval_ms = INTERVALS_MS.get(mandatory(query, "interval"))
    if interval_ms is None:
        raise BinanceError(-1120, "Invalid interval.")
    limit, now_ms = limit_of(query), simulation.now_ms()
    start_ms, end_ms = number(query, "startTime"), number(query, "endTime")
    last_open_ms = min(now_ms if end_ms is None else end_ms, now_ms)
    last_open_ms -= last_open_ms % interval_ms
    if start_ms is None:
        start_ms = last_open_ms - (limit - 1) * interval_ms
    first_open_ms = max(-(-start_ms // interval_ms) * interval_ms, 0)
    count = min(limit, (last_open_ms - first_open_ms) // interval_ms + 1)
    rows = (
        simulation.scenario.klines(symbol, interval_ms, first_open_ms, count, now_ms)
        if count > 0
        else []
    )
    return answer(
        [
            [
                row.open_time_ms, row.open, row.high, row.low, row.close, row.volume,
                row.open_time_ms + interval_ms - 1, row.quote_volume, row.trades,
                row.taker_base_volume, row.taker_quote_volume, "0",
            ]
            for row in rows
            if row.open_time_ms <= last_open_ms
        ]
    )  # fmt: skip


def agg_trade(trade: Trade) -> dict[str, object]:
    """A trade as `aggTrades` lists it."""
    return {
        "a": trade.trade_id,
        "p": trade.price,
        "q": trade.quantity,
        "f": trade.first_fill_id,
        "l": trade.last_fill_id,
        "T": trade.traded_at_ms,
        "m": trade.buyer_is_maker,
        "M": True,
    }


async def agg_trades(request: web.Request) -> web.Response:
    """`GET /api/v3/aggTrades`: by `fromId`, by time, or the newest."""
    simulation, query = request.app[SIMULATION], request.query
    symbol, limit = symbol_of(simulation, query), limit_of(query)
    from_id = number(query, "fromId")
    start_ms, end_ms = number(query, "startTime"), number(query, "endTime")
    now_ms = simulation.now_ms()
    through_ms = now_ms if end_ms is None else min(end_ms, now_ms)
    # A page is full also where upstream lacks some ids.
    withheld = request.app[FAULT_BOARD].withheld(symbol)
    page, limit = limit, limit + len(withheld)
    scenario = simulation.scenario
    if from_id is not None:
        if start_ms is not None or end_ms is not None:
            raise BinanceError(-1128, "Combination of optional parameters invalid.")
        trades = scenario.trades_from_id(symbol, from_id, limit, now_ms)
    elif start_ms is not None:
        trades = []
        for trade in scenario.trades(symbol, start_ms - 1, through_ms):
            trades.append(trade)
            if len(trades) == limit:
                break
    else:
        trades = scenario.last_trades(symbol, limit, through_ms)
    told = [trade for trade in trades if trade.trade_id not in withheld]
    is_newest = from_id is None and start_ms is None
    return answer([agg_trade(trade) for trade in (told[-page:] if is_newest else told[:page])])


ROUTES = (
    web.get("/api/v3/exchangeInfo", exchange_info),
    web.get("/api/v3/time", server_time),
    web.get("/api/v3/klines", klines),
    web.get("/api/v3/aggTrades", agg_trades),
)
