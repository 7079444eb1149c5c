import pytest

from market.coins import (
    QUOTES,
    Market,
    coins,
    default_symbols,
    main_market,
    market_of,
    split_symbol,
)
from market.errors import Fatal


@pytest.mark.parametrize(
    ("symbol", "parts"),
    [
        ("BTCUSDT", ("BTC", "USDT")),
        ("BTCUSDC", ("BTC", "USDC")),
        ("BTCUSD", ("BTC", "USD")),
        ("BTCFDUSD", ("BTC", "FDUSD")),
        ("BTCTUSD", ("BTC", "TUSD")),
        ("ETHBTC", ("ETH", "BTC")),
        ("USDCUSDT", ("USDC", "USDT")),
        ("BNBETH", ("BNB", "ETH")),
        ("BNBUSD", ("BNB", "USD")),
        ("USDTUSD", ("USDT", "USD")),
        ("NEWFDUSD", ("NEW", "FDUSD")),
    ],
)
def test_a_symbol_splits_before_its_quote(symbol: str, parts: tuple[str, str]):
    assert split_symbol(symbol) == parts


@pytest.mark.parametrize("symbol", ["", "USDT", "BTC", "BTCXYZ", "btcusdt"])
def test_a_symbol_without_a_base_or_with_an_unknown_quote_is_refused(symbol: str):
    with pytest.raises(Fatal, match="quote"):
        split_symbol(symbol)


def test_every_known_base_with_every_quote_splits_back():
    for coin in coins().values():
        for quote in QUOTES:
            assert split_symbol(coin.exchange_base + quote) == (coin.exchange_base, quote)


def test_a_market_carries_coingecko_s_id():
    assert market_of("binance", "BTCUSDC") == Market("binance", "BTCUSDC", "bitcoin", "USDC")


def test_an_unknown_base_says_where_to_add_it():
    with pytest.raises(Fatal, match=r"market/coins\.csv"):
        market_of("binance", "NOPEUSDT")


def test_coins_are_told_apart_by_id_and_by_exchange_base():
    bases = [coin.exchange_base for coin in coins().values()]
    assert len(bases) == len(set(bases)) >= 50


def markets(*symbols: str) -> list[Market]:
    return [market_of("binance", symbol) for symbol in symbols]


@pytest.mark.parametrize(
    ("symbols", "main"),
    [
        (("BTCUSDT", "BTCUSD", "BTCUSDC"), "BTCUSD"),
        (("BTCUSDC", "BTCUSDT"), "BTCUSDT"),
        (("BTCEUR", "BTCUSDC"), "BTCUSDC"),
    ],
)
def test_the_main_market_is_in_dollars_then_tether_then_usdc(symbols: tuple[str, ...], main: str):
    found = main_market(markets(*symbols))
    assert found is not None
    assert found.symbol == main


@pytest.mark.parametrize("symbols", [(), ("BTCEUR", "ETHBTC")])
def test_without_a_market_in_dollars_there_is_no_main_market(symbols: tuple[str, ...]):
    assert main_market(markets(*symbols)) is None


def test_default_symbols_are_markets_of_ours_without_tether_against_itself():
    symbols = default_symbols("binance")
    assert len(symbols) == len(set(symbols))
    assert "USDTUSDT" not in symbols
    assert {"BTCUSDT", "BTCUSDC"} <= set(symbols)
    assert len(markets(*symbols)) == len(symbols)


def test_a_source_without_default_symbols_is_refused():
    with pytest.raises(Fatal):
        default_symbols("coingecko")
