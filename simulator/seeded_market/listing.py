"""The markets of the seeded world as columns: coin, steps, activity, size of trades."""

from dataclasses import dataclass
from functools import cached_property
from math import floor, log10

import numpy as np
import numpy.typing as npt

from market.coins import coins, default_symbols, market_of
from market.main_market import Market
from simulator.scenario import Instrument
from simulator.seeded_market.coin_facts import FACTS, SMALL_COIN

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# About what the issue asks of the whole market; a day has up to 2.5 times of it, or half.
TRADES_PER_S = 20.0
# Activity and trade size fall with a market's rank as powers of it.
ACTIVITY_POWER = 0.9
SIZE_POWER = 0.45
LARGEST_MEAN_TRADE_USD = 1_500.0
# A second dollar market of a coin is this much quieter than its main one.
SECOND_MARKET_SHARE = 0.25
STABLE_VOLATILITY = 0.001


@dataclass(frozen=True)
class Listing:
    """All coins (index: asset) and all markets (index: column of every array of the world)."""

    coin_ids: tuple[str, ...]
    log_prices: Floats
    volatilities: Floats
    betas: Floats
    markets: tuple[Market, ...]
    instruments: tuple[Instrument, ...]
    asset_of: Ints
    """Asset of each market."""
    price_steps: Floats
    quantity_steps: Floats
    trades_per_day: Floats
    mean_trade_usd: Floats

    @cached_property
    def price_scales(self) -> Floats:
        """Steps in one quote unit; dividing by it gives the double nearest to the decimal."""
        return np.array([10.0**one.price_decimals for one in self.instruments])

    @property
    def is_stable(self) -> npt.NDArray[np.bool_]:
        """Assets that are pegged to the dollar."""
        return self.volatilities < STABLE_VOLATILITY

    def asset(self, coin_id: str) -> int:
        """Index of a coin."""
        return self.coin_ids.index(coin_id)


def price_decimals(price: float) -> int:
    """Five significant digits or so, between a cent and eight decimals."""
    return min(max(4 - floor(log10(price)), 2), 8)


def quantity_decimals(price: float) -> int:
    """Steps worth about ten cents."""
    return min(max(floor(log10(price)) + 1, 0), 8)


def _instrument(market: Market, price: float) -> Instrument:
    return Instrument(
        symbol=market.symbol,
        coin_id=market.coin_id,
        base=market.symbol.removesuffix(market.quote),
        quote=market.quote,
        price_decimals=price_decimals(price),
        quantity_decimals=quantity_decimals(price),
    )


def default_listing() -> Listing:
    """Each coin's USDT market and BTCUSDC, busy by the order of coins.csv."""
    markets = tuple(market_of("binance", symbol) for symbol in default_symbols("binance"))
    # A coin that is neither traded nor a quote here has no price that anything could move.
    traded = {market.coin_id for market in markets}
    quotes = {market.quote for market in markets}
    coin_ids = tuple(
        one.coin_id for one in coins().values() if one.coin_id in traded or one.symbol in quotes
    )
    facts = [FACTS.get(coin_id, SMALL_COIN) for coin_id in coin_ids]
    asset_of = np.array([coin_ids.index(market.coin_id) for market in markets])
    instruments = tuple(
        _instrument(market, facts[asset].price_usd)
        for market, asset in zip(markets, asset_of, strict=True)
    )
    ranks = asset_of + 1.0
    seconds = np.array([market.quote != "USDT" for market in markets])
    weights = ranks**-ACTIVITY_POWER * np.where(seconds, SECOND_MARKET_SHARE, 1.0)
    return Listing(
        coin_ids=coin_ids,
        log_prices=np.log([fact.price_usd for fact in facts]),
        volatilities=np.array([fact.volatility for fact in facts]),
        betas=np.array([fact.beta for fact in facts]),
        markets=markets,
        instruments=instruments,
        asset_of=asset_of,
        price_steps=np.array([10.0**-one.price_decimals for one in instruments]),
        quantity_steps=np.array([10.0**-one.quantity_decimals for one in instruments]),
        trades_per_day=TRADES_PER_S * 86_400 * weights / weights.sum(),
        mean_trade_usd=LARGEST_MEAN_TRADE_USD * ranks**-SIZE_POWER,
    )
