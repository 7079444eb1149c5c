"""The table of measurements: where each row is written, its tags and its fields with their types.

A point is measurement + tags + time; writing it again replaces its fields, so a replay overwrites.
Types are InfluxDB's: `float`, `int`, `string`. Units stand in the names.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

FieldType = Literal["float", "int", "string"]


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measurement. `tags` sorted; `fields` in the order people read them."""

    name: str
    tags: tuple[str, ...]
    fields: Mapping[str, FieldType]


MARKET = Measurement(
    name="crypto_market",
    tags=("coin_id", "source"),
    fields={
        "symbol": "string",
        "name": "string",
        "price_usd": "float",
        "market_cap_usd": "float",
        "market_cap_rank": "int",
        "fully_diluted_valuation_usd": "float",
        "volume_24h_usd": "float",
        "high_24h_usd": "float",
        "low_24h_usd": "float",
        "change_1h_pct": "float",
        "change_24h_pct": "float",
        "change_7d_pct": "float",
        "market_cap_change_24h_pct": "float",
        "circulating_supply": "float",
        "total_supply": "float",
        "max_supply": "float",
        "ath_usd": "float",
        "ath_at_ms": "int",
        "atl_usd": "float",
        "atl_at_ms": "int",
        "collected_at_ms": "int",
    },
)
CANDLES = Measurement(
    name="crypto_candles",
    tags=("coin_id", "interval", "layer", "quote", "source", "symbol"),
    fields={
        "open": "float",
        "high": "float",
        "low": "float",
        "close": "float",
        "volume": "float",
        "quote_volume": "float",
        "trades": "int",
        "vwap": "float",
        "buy_volume": "float",
        "sell_volume": "float",
        "first_trade_id": "int",
        "last_trade_id": "int",
        "coverage": "float",
        "last_traded_at_ms": "int",
    },
)
LEDGER = Measurement(
    name="batch_ledger",
    tags=("interval", "kind", "layer"),
    fields={"final_through_ms": "int"},
)

MEASUREMENTS: tuple[Measurement, ...] = (MARKET, CANDLES, LEDGER)
