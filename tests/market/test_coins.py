import csv
from importlib.resources import files

import orjson
import pytest

from market.coins import (
    QUOTES,
    coin_of_coinmarketcap,
    coins,
    default_symbols,
    market_of,
    split_symbol,
)
from market.errors import Fatal
from market.main_market import Market, main_market
from tests.agents.sources.recordings import recording


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
    bases = [coin.exchange_base for coin in coins().values() if coin.exchange_base]
    assert len(bases) > 200
    for base in bases:
        for quote in QUOTES:
            assert split_symbol(base + quote) == (base, quote)


def test_a_market_carries_coingecko_s_id():
    assert market_of("binance", "BTCUSDC") == Market("binance", "BTCUSDC", "bitcoin", "USDC")


def test_an_unknown_base_says_where_to_add_it():
    with pytest.raises(Fatal, match=r"market/coins\.csv"):
        market_of("binance", "NOPEUSDT")


@pytest.mark.parametrize("column", ["coin_id", "exchange_base", "coinmarketcap_id"])
def test_coins_are_told_apart_by_every_id(column: str):
    ids = [getattr(coin, column) for coin in coins().values()]
    held = [one for one in ids if one is not None]
    assert len(held) == len(set(held)) > 200


def test_the_map_holds_about_250_coins_which_one_page_of_coingecko_serves():
    with files("market").joinpath("coins.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert 240 <= len(rows) <= 250
    assert len(coins()) == len(rows)
    assert all(row["symbol"] and row["name"] and row["coin_id"] for row in rows)


def test_a_coin_is_found_by_coinmarketcap_s_id_and_never_by_its_ticker():
    found = coin_of_coinmarketcap(1027)
    assert found is not None
    assert found.coin_id == "ethereum"
    assert coin_of_coinmarketcap(10**9) is None


def test_a_renamed_coin_is_one_coin_under_each_of_its_ids():
    """Ticker LUNA belongs to another coin than it did in 2021; the ids do not change."""
    assert market_of("binance", "LUNAUSDT").coin_id == "terra-luna-2"
    assert market_of("binance", "LUNCUSDT").coin_id == "terra-luna"


def test_coingecko_s_recorded_coins_bear_the_ids_of_the_map():
    rows = orjson.loads(recording("api/coingecko_markets_top100_20210624.json"))
    held = {row["id"]: coins()[row["id"]] for row in rows if row["id"] in coins()}
    print(f"{len(held)} of {len(rows)} recorded coins are in coins.csv")
    assert len(held) > 80


def test_coinmarketcap_s_recorded_ids_are_those_of_the_map():
    quotes = orjson.loads(recording("api/cmc_quotes_latest_20190204.json"))["data"].values()
    listed = orjson.loads(recording("api/cmc_map_2019.json"))["data"]
    recorded = {row["slug"]: row["id"] for row in (*quotes, *listed)}
    held = {slug: coins()[slug].coinmarketcap_id for slug in recorded if slug in coins()}
    print(f"{len(held)} of {len(coins())} ids are proven by the {len(recorded)} recorded ones")
    assert held == {slug: recorded[slug] for slug in held}
    assert {"bitcoin", "litecoin", "namecoin", "peercoin"} <= held.keys()
    found = {slug: coin_of_coinmarketcap(number) for slug, number in recorded.items()}
    assert {slug for slug, coin in found.items() if coin is not None} == held.keys()


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
