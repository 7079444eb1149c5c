from typing import Any

import orjson
import pytest

from agents.source import Request
from agents.sources.coingecko import CoinGecko
from market.coins import coins
from market.errors import RecordRejected, Retryable
from schemas.codec import decode, encode
from schemas.record_types import PRICE
from tests.agents.fakes import answer, settings
from tests.agents.sources.recordings import recording

REQUEST = Request("https://api.coingecko.com/api/v3/coins/markets")


def coin(**overrides: Any) -> dict[str, Any]:
    return {
        "id": "bitcoin",
        "symbol": "btc",
        "name": "Bitcoin",
        "current_price": 32797,
        "market_cap": 613445605654,
        "market_cap_rank": 1,
        "fully_diluted_valuation": None,
        "total_volume": 34555888553,
        "high_24h": 34877,
        "low_24h": 32318,
        "price_change_percentage_24h": -3.15532,
        "market_cap_change_percentage_24h": -3.31448,
        "circulating_supply": 18741512.0,
        "total_supply": 21000000.0,
        "max_supply": None,
        "ath": 64805,
        "ath_date": "2021-04-14T11:54:46.763Z",
        "atl": 67.81,
        "atl_date": "2013-07-06T00:00:00.000Z",
        "last_updated": "2026-01-01T11:59:30.383Z",
        "price_change_percentage_1h_in_currency": 0.5,
        "price_change_percentage_24h_in_currency": -3.2,
        "price_change_percentage_7d_in_currency": None,
        **overrides,
    }


def parsed(body: Any) -> list[Any]:
    return list(CoinGecko(settings()).parse(answer(REQUEST, body), 1_800_000_000_000))


def only(body: Any) -> Any:
    (outcome,) = parsed(body)
    return outcome


def test_a_coin_becomes_a_record_with_units_in_its_names():
    record = only([coin()])
    assert record["coin_id"] == "bitcoin"
    assert record["symbol"] == "BTC"
    assert record["price_usd"] == 32797.0
    assert record["observed_at_ms"] == 1_767_268_770_383
    assert record["change_24h_pct"] == -3.2
    assert record["ath_at_ms"] == 1_618_401_286_763
    assert decode(encode(PRICE, record)) == (PRICE, record)


def test_missing_numbers_are_null_and_never_zero():
    record = only([{"id": "x", "symbol": "x", "name": "X", "last_updated": "2026-01-01T00:00:00Z"}])
    numbers = [name for name in record if name.endswith(("_usd", "_pct", "_supply", "_rank"))]
    assert len(numbers) == 16
    assert {record[name] for name in numbers} == {None}


def test_a_market_cap_of_zero_is_unknown_to_coingecko_and_null_with_us():
    assert only([coin(market_cap=0)])["market_cap_usd"] is None


def test_a_tiny_price_keeps_its_digits():
    assert only([coin(current_price=1.2e-11)])["price_usd"] == 1.2e-11


@pytest.mark.parametrize(
    "fault",
    [
        {"current_price": -1},
        {"current_price": 0},
        {"current_price": "32797"},
        {"current_price": True},
        {"total_volume": -5},
        {"last_updated": None},
        {"last_updated": "yesterday"},
        {"last_updated": "2026-01-01T00:00:00"},
        {"last_updated": 17},
        {"id": ""},
        {"id": None},
        {"name": 5},
    ],
)
def test_a_coin_that_cannot_be_is_refused_and_its_neighbours_pass(fault: dict[str, Any]):
    first, refused, last = parsed([coin(), coin(**fault), coin(id="ethereum")])
    assert isinstance(refused, RecordRejected)
    assert refused.reason == "impossible_value"
    assert refused.payload
    assert (first["coin_id"], last["coin_id"]) == ("bitcoin", "ethereum")


def test_a_bare_nan_refuses_one_coin_and_not_the_answer():
    body = orjson.dumps([coin(), coin(current_price=7777)]).replace(b"7777", b"NaN")
    good, refused = parsed(body)
    assert good["coin_id"] == "bitcoin"
    assert isinstance(refused, RecordRejected)


@pytest.mark.parametrize("body", [b"<html>", b"[{", b"", {"error": "x"}, None])
def test_an_answer_that_is_no_array_is_asked_again(body: Any):
    with pytest.raises(Retryable):
        parsed(body)


def test_an_element_that_is_no_coin_is_refused():
    assert isinstance(only([7]), RecordRejected)


def test_one_call_asks_for_every_coin_we_know():
    (request,) = CoinGecko(settings()).requests({})
    assert request.params["ids"].split(",") == list(coins())
    assert request.params["vs_currency"] == "usd"
    assert request.params["price_change_percentage"] == "1h,24h,7d"


@pytest.mark.parametrize(
    ("url", "header"),
    [
        ("https://api.coingecko.com/api/v3", "x-cg-demo-api-key"),
        ("https://pro-api.coingecko.com/api/v3", "x-cg-pro-api-key"),
    ],
)
def test_the_key_goes_in_the_header_of_its_host(url: str, header: str):
    source = CoinGecko(settings(coingecko_url=url, coingecko_api_key="abc"))
    (request,) = source.requests({})
    assert request.headers == {header: "abc"}


@pytest.mark.parametrize("key", [None, ""])
def test_without_a_key_there_is_no_header(key: str | None):
    (request,) = CoinGecko(settings(coingecko_api_key=key)).requests({})
    assert request.headers == {}


def test_the_recorded_hundred_coins_parse():
    body = recording("api/coingecko_markets_top100_20210624.json")
    records = parsed(body)
    assert len(records) == 100
    assert not [record for record in records if isinstance(record, RecordRejected)]
    raw = {row["id"]: row for row in orjson.loads(body)}
    for record in records:
        assert decode(encode(PRICE, record)) == (PRICE, record)
        assert record["price_usd"] == raw[record["coin_id"]]["current_price"]


def test_coingecko_s_own_example_parses():
    records = parsed(recording("api/coingecko_official_examples/coins_markets.json"))
    assert [record["coin_id"] for record in records] == ["bitcoin"]


@pytest.mark.parametrize(
    "wrong",
    [
        '"last_updated": "0001-01-01T00:00:00+14:00"',
        f'"current_price": NaN, "market_cap": {10**30}',
        f'"total_volume": NaN, "ath": {10**400}',
        r'"current_price": NaN, "name": "\ud800"',
        f'"current_price": "{{}}", "roi": {"[" * 300}{"]" * 300}',
        f'"current_price": {"[" * 1_000}{"]" * 1_000}',
    ],
)
def test_a_row_of_absurd_json_is_refused_alone(wrong: str):
    good = orjson.dumps(coin()).decode()
    refused, kept = parsed(f"[{good[:-1]}, {wrong}}}, {good}]".encode())
    assert isinstance(refused, RecordRejected)
    assert refused.payload
    assert kept["coin_id"] == "bitcoin"
