import httpx
import pytest

from api.routes.candles import Candle, CandleAnswer, candle_row
from market.store.rows import Bar, CandleSeries, Gap
from tests.api.fakes import NOW, FakeClock, FakeStore, a_last_candle, serving

MINUTE = 60_000


def a_bar(open_time_ms: int = NOW - MINUTE, **facts) -> Bar:
    named = {"layer": "speed", "first_trade_id": 1, "last_trade_id": 10, "held_ids": 5} | facts
    return Bar(open_time_ms, open_time_ms + MINUTE, 10.0, 12.0, 9.0, 11.0, 2.0, **named)


def a_series(*bars: Bar, **facts) -> CandleSeries:
    named = {"gaps": (), "final_through_ms": NOW - MINUTE, "external_through_ms": None} | facts
    return CandleSeries(bars=bars, **named)


def a_store(*bars: Bar, **facts) -> FakeStore:
    return FakeStore(
        last=(a_last_candle("BTCUSDC"), a_last_candle("BTCUSDT")), series=a_series(*bars, **facts)
    )


async def get(store: FakeStore, query: str = "", **facts) -> httpx.Response:
    async with serving(store, **facts) as client:
        return await client.get(f"/coins/bitcoin/candles{query}")


def test_a_row_has_exactly_the_fields_of_the_documented_model():
    row = candle_row(a_bar(), is_final=True)
    assert list(row) == list(Candle.model_fields)
    assert Candle.model_validate(row).model_dump(mode="json") == row


async def test_candles_carry_finality_coverage_and_layer():
    bars = (a_bar(NOW - 2 * MINUTE, layer="external", held_ids=None), a_bar())
    response = await get(a_store(*bars))
    answer = CandleAnswer.model_validate_json(response.content)
    assert [candle.is_final for candle in answer.data] == [True, False]
    assert [candle.coverage for candle in answer.data] == [None, 0.5]
    assert [segment.layer for segment in answer.meta.segments] == ["external", "speed"]
    assert answer.meta.quote == "USDT"
    assert answer.meta.as_of.timestamp() * 1000 == NOW - 5_000


async def test_a_partial_candle_stays_partial_when_it_is_final():
    response = await get(a_store(a_bar(NOW - 2 * MINUTE, is_partial=True), a_bar()))
    rows = response.json()["data"]
    assert [(row["is_partial"], row["is_final"]) for row in rows] == [(True, True), (False, False)]


async def test_seconds_are_capped_by_their_number_like_every_interval():
    assert (await get(a_store(), "?interval=1s")).status_code == 200
    three_hours = "?interval=1s&from=2023-03-11T09:00:00Z&to=2023-03-11T12:00:00Z"
    response = await get(a_store(), three_hours)
    assert (response.status_code, response.json()["limit"]) == (422, 10_000)


async def test_gaps_keep_their_size_and_say_when_it_is_unknown():
    gaps = (Gap(NOW - 5 * MINUTE, NOW - 4 * MINUTE, 7), Gap(NOW - 9 * MINUTE, NOW, None))
    response = await get(a_store(a_bar(), gaps=gaps))
    assert response.json()["meta"]["gaps"] == [
        {
            "from": "2023-03-11T11:55:00.000Z",
            "to": "2023-03-11T11:56:00.000Z",
            "missing_trades": 7,
        },
        {
            "from": "2023-03-11T11:51:00.000Z",
            "to": "2023-03-11T12:00:00.000Z",
            "missing_trades": None,
        },
    ]


async def test_without_a_range_the_answer_is_the_last_three_hundred_bars():
    store = a_store()
    await get(store, "?interval=1h", clock=FakeClock(at_ms=NOW + 1))
    (asked,) = store.asked
    assert asked["from_ms"] == NOW - 300 * 3_600_000
    assert asked["to_ms"] == NOW + 1


async def test_from_is_moved_to_the_border_of_a_bar():
    store = a_store()
    await get(store, "?interval=1h&from=2023-03-11T09:59:59Z&to=2023-03-11T11:00:00Z")
    assert store.asked[0]["from_ms"] == NOW - 3 * 3_600_000


async def test_the_main_market_is_taken_unless_another_is_named():
    store = a_store()
    await get(store)
    await get(store, "?symbol=BTCUSDC")
    assert [asked["market"].symbol for asked in store.asked] == ["BTCUSDT", "BTCUSDC"]


async def test_before_the_first_bar_the_markets_that_would_be_followed_are_known():
    response = await get(FakeStore())
    assert response.status_code == 200
    assert response.json()["meta"]["symbol"] == "BTCUSDT"
    assert response.json()["data"] == []
    assert response.json()["meta"]["is_stale"] is True


async def test_an_unknown_market_is_404_and_names_those_that_exist():
    response = await get(a_store(), "?symbol=BTCXYZ")
    assert response.status_code == 404
    assert "BTCUSDC, BTCUSDT" in response.json()["detail"]


@pytest.mark.parametrize(
    ("query", "limit"),
    [
        ("?from=2013-01-01T00:00:00Z", 10_000),
        ("?interval=1d&from=1000-01-01T00:00:00Z", "1970-01-01/2100-01-01"),
        ("?interval=2m", "'1s', '1m', '5m', '15m', '1h', '4h' or '1d'"),
        (f"?symbol={'X' * 33}", 32),
    ],
)
async def test_too_much_is_422_and_names_the_limit(query: str, limit: object):
    response = await get(a_store(), query)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["limit"] == limit


@pytest.mark.parametrize(
    "query",
    [
        "?from=2023-03-11T12:00:00Z&to=2023-03-11T12:00:00Z",
        "?from=2023-03-11T12:00:00",  # no offset: whose time is it?
        "?from=yesterday",
    ],
)
async def test_a_range_that_means_nothing_is_422(query: str):
    response = await get(a_store(), query)
    assert response.status_code == 422
    assert response.json()["title"] == "Invalid request"


async def test_a_range_in_the_past_is_not_stale_for_being_old():
    day_ago = NOW - 86_400_000
    store = a_store(a_bar(day_ago - MINUTE))
    query = "?from=2023-03-10T11:00:00Z&to=2023-03-10T12:00:00Z"
    assert (await get(store, query)).json()["meta"]["is_stale"] is False


async def test_silence_is_not_staleness_while_the_watermark_moves_on():
    silent = a_store(a_bar(NOW - 3_600_000), final_through_ms=NOW - 40_000)
    assert (await get(silent)).json()["meta"]["is_stale"] is False
    dead = a_store(a_bar(NOW - 3_600_000), final_through_ms=NOW - 3_000_000)
    assert (await get(dead)).json()["meta"]["is_stale"] is True
