"""All sources. To add one: its file, its line here, its recording under tests."""

from agents.source import Source
from agents.sources.binance_klines import BinanceKlines
from agents.sources.binance_trades import BinanceTrades
from agents.sources.coingecko import CoinGecko
from agents.sources.coingecko_global import CoinGeckoGlobal
from agents.sources.coinmarketcap import CoinMarketCap
from agents.sources.fear_greed import FearGreed
from agents.sources.rss import Rss

SOURCES: dict[str, type[Source]] = {
    source.name: source
    for source in (
        CoinGecko,
        CoinGeckoGlobal,
        CoinMarketCap,
        BinanceTrades,
        BinanceKlines,
        Rss,
        FearGreed,
    )
}
