"""All sources. To add one: its file, its line here, its recording under tests."""

from agents.source import Source
from agents.sources.binance_klines import BinanceKlines
from agents.sources.binance_trades import BinanceTrades
from agents.sources.coingecko import CoinGecko

SOURCES: dict[str, type[Source]] = {
    source.name: source for source in (CoinGecko, BinanceTrades, BinanceKlines)
}
