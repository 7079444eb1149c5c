"""Records valid by default; a test overrides the one fact it is about."""

from typing import Any

from schemas.codec import encode
from schemas.record_types import TRADE

# 2023-03-11T03:00:00Z, a whole minute.
START_MS = 1_678_503_600_000


def a_trade(trade_id: int, **facts: Any) -> dict[str, Any]:
    """A trade of BTCUSDC, one a second; `traded_at_ms` also moves the other stamps."""
    traded_at_ms = facts.pop("traded_at_ms", START_MS + trade_id * 1_000)
    return {
        "source": "binance",
        "symbol": "BTCUSDC",
        "coin_id": "bitcoin",
        "quote": "USDC",
        "trade_id": trade_id,
        "first_fill_id": trade_id,
        "last_fill_id": trade_id,
        "price": 20_000.0,
        "quantity": 1.0,
        "aggressor": "buy",
        "traded_at_ms": traded_at_ms,
        "observed_at_ms": traded_at_ms,
        "collected_at_ms": max(traded_at_ms, START_MS),
    } | facts


def a_trade_message(trade_id: int, **facts: Any) -> bytes:
    """The bytes of it as an agent writes them."""
    return encode(TRADE, a_trade(trade_id, **facts))


def a_bar_row(**facts: Any) -> dict[str, Any]:
    """A row for a stateful core: a bar of trades of BTCUSDC over a minute, all at one price."""
    return {
        "layer": "speed",
        "interval": "1m",
        "coin_id": "bitcoin",
        "quote": "USDC",
        "source": "binance",
        "symbol": "BTCUSDC",
        "time_ms": START_MS,
        **dict.fromkeys(("open", "high", "low", "close", "vwap"), 20_000.0),
        "volume": 1.0,
        "quote_volume": 20_000.0,
        "trades": 1,
        "buy_volume": 1.0,
        "sell_volume": 0.0,
        "first_trade_id": 1,
        "last_trade_id": 1,
        "coverage": 1.0,
        "last_traded_at_ms": START_MS,
        "collected_at_ms": START_MS,
    } | facts
