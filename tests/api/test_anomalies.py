import httpx
import pytest

from api.evidence import Evidence, interval_of, span_of
from api.routes.anomalies import AnomalyDetail, AnomalyRow
from market.anomaly import KINDS
from market.main_market import Market
from market.store.rows import Bar, CandleSeries, History, HistoryRow
from tests.api.fakes import NOW, FakeStore, a_last_candle, an_anomaly, serving

MINUTE = 60_000
HOUR = 60 * MINUTE


def a_bar(open_time_ms: int, length_ms: int = 1_000) -> Bar:
    prices = {"open": 10.0, "high": 12.0, "low": 9.0, "close": 11.0, "volume": 2.0}
    return Bar(
        open_time_ms=open_time_ms, close_time_ms=open_time_ms + length_ms, layer="speed",
        quote_volume=21.0, trades=12, **prices,
    )  # fmt: skip


def series(*bars: Bar) -> CandleSeries:
    return CandleSeries(bars=bars, gaps=(), final_through_ms=None, external_through_ms=None)


def a_store(*episodes, **facts) -> FakeStore:
    return FakeStore(last=(a_last_candle(), a_last_candle("BTCUSDC")), episodes=episodes, **facts)


async def get(store: FakeStore, path: str) -> httpx.Response:
    async with serving(store) as client:
        return await client.get(path)


async def test_episodes_come_newest_first_with_what_they_say():
    old, new = an_anomaly(NOW - HOUR), an_anomaly(NOW - MINUTE, kind="whale", resolved_at_ms=NOW)
    answer = (await get(a_store(old, new), "/anomalies")).json()
    rows = [AnomalyRow.model_validate(row) for row in answer["data"]]
    assert [row.anomaly_id for row in rows] == [new.anomaly_id, old.anomaly_id]
    assert (rows[1].sentence, rows[1].window_s, rows[1].resolved_at) == (old.sentence, 60, None)
    assert answer["data"][0]["resolved_at"] == "2023-03-11T12:00:00.000Z"
    assert answer["meta"]["source"] == "binance"
    assert answer["meta"]["next"] is None
    assert answer["meta"]["is_stale"] is False


async def test_the_week_before_now_is_searched_unless_told_otherwise():
    store = a_store()
    await get(store, "/anomalies")
    await get(store, "/anomalies?from=2023-03-10T00:00:00Z&to=2023-03-11T00:00:00Z")
    assert [(one.from_ms, one.to_ms) for one in store.searches] == [
        (NOW + 1 - 7 * 24 * HOUR, NOW + 1),
        (NOW - 36 * HOUR, NOW - 12 * HOUR),
    ]


async def test_kind_coin_and_severity_narrow_the_list():
    store = a_store(
        an_anomaly(NOW - 3 * MINUTE),
        an_anomaly(NOW - 2 * MINUTE, kind="whale", severity="high"),
        an_anomaly(NOW - MINUTE, kind="pump", severity="high", coin_id="solana"),
    )

    async def kinds(query: str) -> list[str]:
        return [row["kind"] for row in (await get(store, f"/anomalies?{query}")).json()["data"]]

    assert await kinds("kind=whale") == ["whale"]
    assert await kinds("kind=whale&kind=price_move") == ["whale", "price_move"]
    assert await kinds("severity=high") == ["pump", "whale"]
    assert await kinds("coin=bitcoin&severity=high") == ["whale"]


async def test_the_pages_hold_each_episode_once_while_new_ones_begin():
    store = a_store(*(an_anomaly(NOW - n * MINUTE) for n in range(1, 8)))
    seen: list[str] = []
    async with serving(store) as client:
        path = "/anomalies?per_page=3&kind=price_move"
        while path:
            answer = (await client.get(path)).json()
            seen += [row["anomaly_id"] for row in answer["data"]]
            path = answer["meta"]["next"]
            store.episodes += (an_anomaly(NOW),)
    assert seen == [an_anomaly(NOW - n * MINUTE).anomaly_id for n in range(1, 8)]
    assert len({(one.from_ms, one.to_ms) for one in store.searches}) == 1


async def test_a_coin_lists_its_own_and_those_in_which_it_was_overtaken():
    store = a_store(
        an_anomaly(NOW - 2 * MINUTE, kind="overtake", coin_id="solana", other_coin_id="bitcoin"),
        an_anomaly(NOW - MINUTE, coin_id="ethereum"),
    )
    rows = (await get(store, "/coins/bitcoin/anomalies")).json()["data"]
    assert [row["coin_id"] for row in rows] == ["solana"]
    next_page = (await get(store, "/coins/solana/anomalies?per_page=1")).json()["meta"]["next"]
    assert next_page is None


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/anomalies?kind=earthquake", 422),
        ("/anomalies?severity=mild", 422),
        ("/anomalies?coin=no-such-coin", 404),
        ("/coins/no-such-coin/anomalies", 404),
        ("/anomalies?from=2023-03-11T12:00:00Z&to=2023-03-11T12:00:00Z", 422),
        ("/anomalies?from=2022-01-01T00:00:00Z", 422),
        ("/anomalies?before=yesterday", 422),
        ("/anomalies?per_page=0", 422),
        ("/anomalies/not-an-id", 422),
        ("/anomalies/abcdef", 404),
    ],
)
async def test_what_there_is_not_is_said(path: str, status: int):
    assert (await get(a_store(), path)).status_code == status


async def test_a_store_that_is_down_is_said_without_its_words():
    response = await get(a_store(is_down=True), "/anomalies")
    assert response.status_code == 503
    assert "secret-host" not in response.text


async def test_without_fresh_trades_no_anomaly_can_be_new():
    store = FakeStore(
        last=(a_last_candle(last_traded_at_ms=NOW - 5 * MINUTE),), episodes=(an_anomaly(),)
    )
    assert (await get(store, "/anomalies")).json()["meta"]["is_stale"] is True


async def test_one_comes_with_its_trades_its_coordinates_and_the_bars_around_it():
    one = an_anomaly(resolved_at_ms=NOW - 8 * MINUTE, phase="resolved")
    store = a_store(one, series=series(a_bar(NOW - 10 * MINUTE)))
    answer = (await get(store, f"/anomalies/{one.anomaly_id}")).json()["data"]
    detail = AnomalyDetail.model_validate(answer)
    assert answer["trade_ids"] == [str(2**53 + 1)]  # a double would round it
    assert detail.coordinates == ["crypto-trades/0/17"]
    (market,) = detail.evidence.markets
    assert (market.symbol, market.quote, market.interval) == ("BTCUSDT", "USDT", "1s")
    assert [(bar.close, bar.trades) for bar in market.bars] == [(11.0, 12)]
    assert detail.evidence.snapshots == []
    assert answer["evidence"]["from"] == "2023-03-11T11:40:00.000Z"


async def test_a_divergence_shows_both_markets():
    one = an_anomaly(kind="divergence", symbol="BTCUSDC", quote="USDC", other_symbol="BTCUSDT")
    store = a_store(one)
    await get(store, f"/anomalies/{one.anomaly_id}")
    asked = {str(one["market"].symbol): one["market"] for one in store.asked if "market" in one}
    assert asked["BTCUSDC"] == Market("binance", "BTCUSDC", "bitcoin", "USDC")
    assert asked["BTCUSDT"] == Market("binance", "BTCUSDT", "bitcoin", "USDT")


async def test_an_overtake_shows_the_market_caps_of_both_coins():
    one = an_anomaly(
        kind="overtake", source="coingecko", symbol=None, quote=None, other_coin_id="solana"
    )
    points = (HistoryRow(NOW - MINUTE, 1.5, 2.5e9, None),)
    store = a_store(one, answered=History(rows=points, observed_at_ms=NOW))
    answer = (await get(store, f"/anomalies/{one.anomaly_id}")).json()["data"]
    evidence = Evidence.model_validate(answer["evidence"])
    assert evidence.markets == []
    assert [(told.source, told.coin_id) for told in evidence.snapshots] == [
        ("coingecko", "bitcoin"),
        ("coingecko", "solana"),
    ]
    assert evidence.snapshots[0].points[0].market_cap_usd == 2.5e9


async def test_minutes_stand_in_where_seconds_are_no_longer_kept():
    one = an_anomaly(phase="resolved", resolved_at_ms=NOW - 9 * MINUTE)
    store = a_store(one)
    answer = (await get(store, f"/anomalies/{one.anomaly_id}")).json()["data"]
    assert [market["interval"] for market in answer["evidence"]["markets"]] == ["1m"]


async def test_a_silent_source_has_nothing_to_draw():
    one = an_anomaly(kind="silence", source="coingecko", symbol=None, coin_id=None, quote=None)
    answer = (await get(a_store(one), f"/anomalies/{one.anomaly_id}")).json()["data"]
    assert (answer["evidence"]["markets"], answer["evidence"]["snapshots"]) == ([], [])


def test_evidence_begins_before_the_episode_and_ends_after_it_but_never_later_than_now():
    for length_ms in (0, MINUTE, HOUR, 30 * HOUR):
        one = an_anomaly(
            NOW - 40 * HOUR, phase="resolved", resolved_at_ms=NOW - 40 * HOUR + length_ms
        )
        from_ms, to_ms = span_of(one, NOW)
        assert from_ms < one.started_at_ms
        assert one.started_at_ms + length_ms < to_ms <= NOW + MINUTE
        assert interval_of(to_ms - from_ms) in ("1s", "1m", "5m")


async def test_the_document_names_every_kind():
    document = (await get(a_store(), "/openapi.json")).json()
    kind = document["components"]["schemas"]["AnomalyRow"]["properties"]["kind"]
    assert tuple(kind["enum"]) == KINDS
