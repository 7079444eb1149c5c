from typing import Any

import orjson
import pytest

from agents.source import NOT_OURS, Request
from agents.sources.coinmarketcap import CoinMarketCap
from market.errors import RecordRejected, Retryable
from schemas.codec import decode, encode
from schemas.record_types import PRICE
from tests.agents.fakes import answer, settings
from tests.agents.sources.recordings import recording

REQUEST = Request("https://pro-api.coinmarketcap.com/v1/cryptocurrency/listings/latest")
NOW_MS = 1_800_000_000_000
GOOD = {"error_code": 0, "error_message": None}


def quote(**overrides: Any) -> dict[str, Any]:
    return {
        "price": 64000.5,
        "volume_24h": 3e10,
        "percent_change_1h": 0.25,
        "percent_change_24h": -1.5,
        "percent_change_7d": 4,
        "market_cap": 1.25e12,
        "fully_diluted_market_cap": 1.344e12,
        "last_updated": "2026-01-05T12:00:00.000Z",
        **overrides,
    }


def coin(**overrides: Any) -> dict[str, Any]:
    return {
        "id": 1,
        "name": "Bitcoin",
        "symbol": "BTC",
        "slug": "bitcoin",
        "cmc_rank": 1,
        "circulating_supply": 19_800_000,
        "total_supply": 19_800_000,
        "max_supply": 21_000_000,
        "last_updated": "2026-01-05T12:00:00.000Z",
        "quote": {"USD": quote()},
        **overrides,
    }


def parsed(body: Any) -> list[Any]:
    return list(CoinMarketCap(settings()).parse(answer(REQUEST, body), NOW_MS))


def listed(*coins: Any, status: Any = GOOD) -> list[Any]:
    return parsed({"status": status, "data": list(coins)})


def test_a_coin_becomes_a_record_under_coingecko_s_id():
    (record,) = listed(coin())
    assert (record["source"], record["coin_id"]) == ("coinmarketcap", "bitcoin")
    assert record["price_usd"] == 64000.5
    assert record["change_24h_pct"] == -1.5
    assert record["observed_at_ms"] == 1_767_614_400_000
    assert record["high_24h_usd"] is None
    assert decode(encode(PRICE, record)) == (PRICE, record)


def test_the_quote_may_be_an_array_as_in_v3():
    other = {"symbol": "EUR", "price": 1}
    (record,) = listed(coin(quote=[other, {"symbol": "USD", **quote()}]))
    assert record["price_usd"] == 64000.5


def test_a_coin_is_known_by_its_id_and_not_by_its_ticker():
    impostor = coin(id=999_999_999)
    assert listed(impostor) == [NOT_OURS]
    (record,) = listed(coin(id=1027, name="Ethereum"))
    assert (record["coin_id"], record["symbol"]) == ("ethereum", "ETH")


def test_a_coin_whose_id_is_another_coin_s_in_our_map_is_refused_and_says_where_to_look():
    (refused,) = listed(coin(id=1027))
    assert isinstance(refused, RecordRejected)
    assert "market/coins.csv gives it to ethereum" in refused.detail


@pytest.mark.parametrize("name", [{"symbol": "RON"}, {"name": "Ronin Chain"}, {"slug": "RONIN"}])
def test_a_coin_that_was_renamed_in_part_is_still_ours(name: dict[str, str]):
    row = coin(id=14101, name="Ronin", symbol="RONIN", slug="ronin") | name
    (record,) = listed(row)
    assert record["coin_id"] == "ronin"


@pytest.mark.parametrize("code", [0, "0", None])
def test_an_error_code_of_zero_is_none_in_both_spellings(code: Any):
    assert len(listed(coin(), status={"error_code": code})) == 1


@pytest.mark.parametrize("code", [1008, "1008", 500])
def test_an_error_code_under_http_200_is_asked_again(code: Any):
    with pytest.raises(Retryable, match=str(code)):
        listed(coin(), status={"error_code": code, "error_message": "no"})


def test_missing_numbers_are_null_and_never_zero():
    bare = {"id": 1, "quote": {"USD": {"last_updated": "2026-01-05T12:00:00Z"}}}
    (record,) = listed(bare)
    numbers = [name for name in record if name.endswith(("_usd", "_pct", "_supply", "_rank"))]
    assert len(numbers) == 16
    assert {record[name] for name in numbers} == {None}


@pytest.mark.parametrize(
    "fault",
    [
        {"quote": {"USD": quote(price=-1)}},
        {"quote": {"USD": quote(price="64000")}},
        {"quote": {"USD": quote(volume_24h=-5)}},
        {"quote": {"USD": quote(last_updated="yesterday")}},
        {"quote": {"USD": quote(last_updated=None)}, "last_updated": None},
        {"quote": {"EUR": quote()}},
        {"quote": [{"symbol": "EUR"}, 7]},
        {"quote": None},
        {"id": "1"},
        {"id": True},
        {"max_supply": -1},
    ],
)
def test_a_coin_that_cannot_be_is_refused_and_its_neighbours_pass(fault: dict[str, Any]):
    first, refused, last = listed(coin(), coin(**fault), coin(id=1027, name="Ethereum"))
    assert isinstance(refused, RecordRejected)
    assert refused.payload
    assert (first["coin_id"], last["coin_id"]) == ("bitcoin", "ethereum")


def test_a_bare_nan_refuses_one_coin_and_not_the_answer():
    rows = {"status": GOOD, "data": [coin(), coin(quote={"USD": quote(price=7777)})]}
    good, refused = parsed(orjson.dumps(rows).replace(b"7777", b"NaN"))
    assert good["coin_id"] == "bitcoin"
    assert isinstance(refused, RecordRejected)


def test_an_element_that_is_no_coin_is_refused():
    (refused,) = listed(7)
    assert isinstance(refused, RecordRejected)


@pytest.mark.parametrize("body", [b"<html>", b"", b"[]", {"data": {}}, {"status": GOOD}, None])
def test_an_answer_without_a_list_is_asked_again(body: Any):
    with pytest.raises(Retryable):
        parsed(body)


def test_without_a_key_the_agent_is_off_and_names_the_setting():
    reason = CoinMarketCap(settings()).off_because()
    assert "CRYPTOVIZ_COINMARKETCAP_API_KEY" in str(reason)
    assert CoinMarketCap(settings(coinmarketcap_api_key="k")).off_because() is None


@pytest.mark.parametrize(("wanted", "credits_"), [(1, 1), (100, 1), (101, 2), (250, 3)])
def test_a_call_costs_a_credit_for_each_hundred_coins(wanted: int, credits_: int):
    source = CoinMarketCap(settings(coinmarketcap_api_key="k", coinmarketcap_coins=wanted))
    (request,) = source.requests({})
    assert (request.params["limit"], request.cost) == (str(wanted), credits_)
    assert request.headers == {"X-CMC_PRO_API_KEY": "k"}


def test_the_recorded_quotes_parse():
    body = orjson.loads(recording("api/cmc_quotes_latest_20190204.json"))
    rows = list(body["data"].values())
    outcomes = parsed({**body, "data": rows})
    records = [one for one in outcomes if one is not NOT_OURS]
    print(f"cmc_quotes_latest_20190204.json: {len(records)} of {len(rows)} coins are ours")
    assert {record["coin_id"] for record in records} >= {"bitcoin", "litecoin"}
    for record in records:
        assert decode(encode(PRICE, record)) == (PRICE, record)


def test_the_recorded_map_is_no_listing_and_every_row_of_ours_is_refused_by_name():
    rows = parsed(recording("api/cmc_map_2019.json"))
    outcomes = [one for one in rows if one is not NOT_OURS]
    print(f"cmc_map_2019.json: {len(outcomes)} of {len(rows)} rows refused, for they hold no quote")
    assert outcomes
    assert all(isinstance(one, RecordRejected) and "quote" in one.detail for one in outcomes)
