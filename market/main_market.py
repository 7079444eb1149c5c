"""Markets, and which of a coin's markets gives its price. Pure.

A market is (source, symbol), such as (binance, BTCUSDC), with a base coin and a quote. A coin's
main market has the quote USD, else USDT, else USDC.
"""

from collections.abc import Iterable
from dataclasses import dataclass

MAIN_QUOTES = ("USD", "USDT", "USDC")


@dataclass(frozen=True, slots=True)
class Market:
    """A venue's market."""

    source: str
    symbol: str
    coin_id: str
    quote: str


def main_market(markets: Iterable[Market]) -> Market | None:
    """The market that gives a coin's price in dollars, None where no quote is a dollar."""
    ranked = sorted(
        (MAIN_QUOTES.index(market.quote), market.source, market.symbol, market)
        for market in markets
        if market.quote in MAIN_QUOTES
    )
    return ranked[0][3] if ranked else None
