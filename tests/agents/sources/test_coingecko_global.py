from typing import Any

import pytest

from agents.memory import Memory
from agents.source import Request
from agents.sources.coingecko_global import CoinGeckoGlobal
from market.errors import RecordRejected, Retryable
from schemas.codec import decode, encode
from schemas.record_types import GLOBAL
from tests.agents.fakes import answer, settings
from tests.agents.sources.recordings import recording

REQUEST = Request("https://api.coingecko.com/api/v3/global")
NOW_MS = 1_800_000_000_000


def market(**overrides: Any) -> dict[str, Any]:
    fields = {
        "active_cryptocurrencies": 250,
        "markets": 12,
        "total_market_cap": {"usd": 2.5e12, "btc": 3e7},
        "total_volume": {"usd": 9e10},
        "market_cap_percentage": {"btc": 55.5, "eth": 11.25},
        "market_cap_change_percentage_24h_usd": -1.5,
        "updated_at": 1_767_614_400,
        **overrides,
    }
    return {"data": fields}


def only(body: Any) -> Any:
    (outcome,) = CoinGeckoGlobal(settings()).parse(answer(REQUEST, body), NOW_MS)
    return outcome


def test_the_market_becomes_a_record_with_units_in_its_names():
    record = only(market())
    assert record["market_cap_usd"] == 2.5e12
    assert record["volume_24h_usd"] == 9e10
    assert (record["btc_dominance_pct"], record["eth_dominance_pct"]) == (55.5, 11.25)
    assert record["market_cap_change_24h_pct"] == -1.5
    assert (record["active_coins"], record["markets"]) == (250, 12)
    assert record["observed_at_ms"] == 1_767_614_400_000
    assert decode(encode(GLOBAL, record)) == (GLOBAL, record)


def test_missing_numbers_are_null_and_never_zero():
    record = only({"data": {"updated_at": 1_767_614_400}})
    numbers = record.keys() - {"source", "observed_at_ms", "collected_at_ms"}
    assert len(numbers) == 7
    assert {record[name] for name in numbers} == {None}


def test_the_same_update_passes_once():
    memory = Memory(CoinGeckoGlobal.memory)
    assert [memory.admit(only(market())) for _ in range(2)] == [True, False]
    assert memory.admit(only(market(updated_at=1_767_614_460)))


@pytest.mark.parametrize(
    "fault",
    [
        {"updated_at": None},
        {"updated_at": "1767614400"},
        {"updated_at": 1_767_614_400_000_000},
        {"total_market_cap": {"usd": -1}},
        {"total_market_cap": 7},
        {"total_volume": {"usd": "much"}},
        {"market_cap_percentage": {"btc": 101}},
        {"markets": -1},
        {"market_cap_change_percentage_24h_usd": True},
    ],
)
def test_a_market_that_cannot_be_is_refused(fault: dict[str, Any]):
    refused = only(market(**fault))
    assert isinstance(refused, RecordRejected)
    assert refused.payload


def test_a_bare_nan_is_refused_by_name():
    refused = only(b'{"data": {"updated_at": 1767614400, "total_volume": {"usd": NaN}}}')
    assert isinstance(refused, RecordRejected)
    assert "usd" in refused.detail


@pytest.mark.parametrize("body", [b"<html>", b"", b"[]", {"data": []}, {"error": "x"}, None])
def test_an_answer_without_a_market_is_asked_again(body: Any):
    with pytest.raises(Retryable):
        only(body)


def test_the_key_goes_in_the_header():
    (request,) = CoinGeckoGlobal(settings(coingecko_api_key="abc")).requests({})
    assert request.headers == {"x-cg-demo-api-key": "abc"}
    assert request.url.endswith("/global")


def test_coingecko_s_own_example_parses():
    record = only(recording("api/coingecko_official_examples/global.json"))
    assert record["active_coins"] == 17397
    assert record["observed_at_ms"] == 1_779_878_351_000
    assert decode(encode(GLOBAL, record)) == (GLOBAL, record)
