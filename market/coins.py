"""Coins and markets: `coins.csv` maps CoinGecko ids to CoinMarketCap's and to exchange symbols.

Never join on tickers: a ticker belongs to whoever took it last, an id to one coin. A coin without
`exchange_base` trades on no exchange that we follow, one without `coinmarketcap_id` has none that
we are sure of.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from market.errors import Fatal
from market.main_market import Market

# Longest first, so that BTCUSDT is not read as (BTCUSD, T) nor BTCFDUSD as (BTCFD, USD).
QUOTES = ("FDUSD", "USDT", "USDC", "BUSD", "TUSD", "USD", "EUR", "BTC", "ETH", "BNB")


@dataclass(frozen=True, slots=True)
class Coin:
    """One row of coins.csv."""

    coin_id: str
    symbol: str
    name: str
    exchange_base: str | None
    coinmarketcap_id: int | None


@cache
def coins() -> Mapping[str, Coin]:
    """All known coins by coin_id, in the file's order (by size when the file was made)."""
    with files("market").joinpath("coins.csv").open(encoding="utf-8") as lines:
        return {row["coin_id"]: _coin(row) for row in csv.DictReader(lines)}


def _coin(row: Mapping[str, str]) -> Coin:
    return Coin(
        coin_id=row["coin_id"],
        symbol=row["symbol"],
        name=row["name"],
        exchange_base=row["exchange_base"] or None,
        coinmarketcap_id=int(row["coinmarketcap_id"]) if row["coinmarketcap_id"] else None,
    )


@cache
def _by_base() -> Mapping[str, Coin]:
    return {coin.exchange_base: coin for coin in coins().values() if coin.exchange_base}


@cache
def _by_coinmarketcap_id() -> Mapping[int, Coin]:
    return {coin.coinmarketcap_id: coin for coin in coins().values() if coin.coinmarketcap_id}


def coin_of_coinmarketcap(coinmarketcap_id: int) -> Coin | None:
    """The coin that bears CoinMarketCap's id, None where it is not in coins.csv."""
    return _by_coinmarketcap_id().get(coinmarketcap_id)


def split_symbol(symbol: str) -> tuple[str, str]:
    """(base, quote) of an exchange's symbol such as BTCUSDC. Raises Fatal for an unknown quote.

    Of several readings the one with a known base counts: BNBUSD is (BNB, USD), not (BN, BUSD).
    """
    readings = [
        (symbol.removesuffix(quote), quote)
        for quote in QUOTES
        if symbol.endswith(quote) and len(symbol) > len(quote)
    ]
    if not readings:
        raise Fatal(f"{symbol}: no known quote currency at its end; known: {', '.join(QUOTES)}")
    return next((reading for reading in readings if reading[0] in _by_base()), readings[0])


def market_of(source: str, symbol: str) -> Market:
    """The market of an exchange's symbol. Raises Fatal where the base is not in coins.csv."""
    base, quote = split_symbol(symbol)
    coin = _by_base().get(base)
    if coin is None:
        raise Fatal(f"{symbol}: no coin with exchange_base {base}; add a line to market/coins.csv")
    return Market(source=source, symbol=symbol, coin_id=coin.coin_id, quote=quote)


def default_symbols(source: str) -> tuple[str, ...]:
    """Symbols that a source follows unless set otherwise: those of market/markets.toml."""
    from market.markets import read_markets  # it asks us which coin a symbol is

    followed = read_markets()
    if source not in followed:
        raise Fatal(f"no default symbols for source {source}")
    return followed[source]
