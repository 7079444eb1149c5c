import httpx
import pytest

from api.routes.analytics import Analytics, AnalyticsAnswer, analytics_row
from market.main_market import Market
from market.store.measurements import INDICATOR_FIELDS, WARM_AFTER_BARS
from market.store.rows import AnalyticsRow, AnalyticsSeries
from tests.api.fakes import NOW, FakeStore, a_last_candle, serving

MINUTE = 60_000
HOUR = 60 * MINUTE


def a_row(open_time_ms: int = NOW - MINUTE, **facts) -> AnalyticsRow:
    indicators = dict.fromkeys(INDICATOR_FIELDS) | {"sma_5": 1.5, "rsi_14": 55.0}
    named = {
        "close_time_ms": open_time_ms + MINUTE,
        "layer": "speed",
        "close": 11.0,
        "bars": 300,
        "indicators": indicators,
    } | facts
    return AnalyticsRow(open_time_ms=open_time_ms, **named)


def a_store(*rows: AnalyticsRow, final_through_ms: int | None = NOW, **last) -> FakeStore:
    return FakeStore(
        last=(a_last_candle("BTCUSDC", **last), a_last_candle("BTCUSDT", **last)),
        indicators=AnalyticsSeries(rows, final_through_ms),
    )


async def get(store: FakeStore, query: str = "") -> httpx.Response:
    async with serving(store) as client:
        return await client.get(f"/coins/bitcoin/analytics{query}")


def test_a_row_has_exactly_the_fields_of_the_documented_model():
    row = analytics_row(a_row())
    assert list(row) == list(Analytics.model_fields)
    assert Analytics.model_validate(row).model_dump(mode="json") == row


async def test_rows_carry_layer_and_bars_and_meta_says_when_they_are_warm():
    response = await get(a_store(a_row(NOW - 2 * MINUTE, layer="external"), a_row(bars=301)))
    answer = AnalyticsAnswer.model_validate_json(response.content)
    assert [(row.layer, row.bars, row.sma_5) for row in answer.data] == [
        ("external", 300, 1.5),
        ("speed", 301, 1.5),
    ]
    assert answer.data[0].ema_50 is None
    assert [segment.layer for segment in answer.meta.segments] == ["external", "speed"]
    assert answer.meta.warm_after_bars == WARM_AFTER_BARS
    assert answer.meta.warm_after_bars["ema_50"] == 1_000
    assert answer.meta.quote == "USDT"
    assert answer.meta.as_of.timestamp() * 1000 == NOW
    assert not answer.meta.is_stale


def test_only_published_fields_are_said_to_warm_up():
    assert set(INDICATOR_FIELDS) > set(WARM_AFTER_BARS)


async def test_the_named_market_and_interval_are_read_from_a_border_on():
    store = a_store()
    await get(store, "?symbol=BTCUSDC&interval=1h&from=2023-03-11T09:59:59Z")
    market = Market("binance", "BTCUSDC", "bitcoin", "USDC")
    assert store.asked == [{"market": market, "interval": "1h", "from_ms": NOW - 3 * HOUR}]


@pytest.mark.parametrize(
    ("query", "status"),
    [("?interval=1s", 422), ("?from=2013-01-01T00:00:00Z", 422), ("?symbol=BTCXYZ", 404)],
)
async def test_what_there_is_not_is_said(query: str, status: int):
    assert (await get(a_store(), query)).status_code == status


async def test_indicators_that_stand_still_while_trades_go_on_are_stale():
    old = a_row(NOW - 10 * MINUTE)
    assert (await get(a_store(old))).json()["meta"]["is_stale"] is True


async def test_indicators_of_a_market_in_which_nobody_trades_are_not_stale():
    old = a_row(NOW - 10 * MINUTE)
    silent = a_store(old, last_traded_at_ms=NOW - 9 * MINUTE - 1)
    assert (await get(silent)).json()["meta"]["is_stale"] is False
    dead = a_store(old, last_traded_at_ms=NOW - 9 * MINUTE - 1, final_through_ms=NOW - 9 * MINUTE)
    assert (await get(dead)).json()["meta"]["is_stale"] is True


async def test_a_long_bar_that_is_still_open_makes_nothing_stale():
    last_hour = a_row(NOW - HOUR - 50 * MINUTE, close_time_ms=NOW - 50 * MINUTE)
    assert (await get(a_store(last_hour), "?interval=1h")).json()["meta"]["is_stale"] is False


async def test_no_row_is_stale_and_has_no_source():
    meta = (await get(a_store())).json()["meta"]
    assert (meta["is_stale"], meta["source"], meta["as_of"]) == (True, None, None)
