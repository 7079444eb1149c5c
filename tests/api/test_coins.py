import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from api.envelope import Envelope
from api.routes.coin import CoinDetail
from api.routes.coins import CoinRow
from tests.api.fakes import NOW, FakeClock, FakeStore, a_last_candle, a_snapshot, serving


async def get(store: FakeStore, path: str, **facts) -> httpx.Response:
    async with serving(store, **facts) as client:
        return await client.get(path)


def ids(response: httpx.Response) -> list[str]:
    return [row["coin_id"] for row in response.json()["data"]]


async def test_a_row_shows_the_last_trade_with_its_market_and_the_snapshot_with_its_source():
    response = await get(FakeStore((a_snapshot(),), (a_last_candle(),)), "/coins")
    answer = Envelope[list[CoinRow]].model_validate_json(response.content)
    (row,) = answer.data
    assert (row.price_usd, row.price_source, row.price_market) == (101.0, "binance", "BTCUSDT")
    assert (row.symbol, row.source) == ("BTC", "coingecko")
    assert response.json()["data"][0]["price_observed_at"] == "2023-03-11T11:59:55.000Z"
    assert answer.meta.source == "binance, coingecko"
    assert not answer.meta.is_stale


async def test_missing_numbers_are_null_and_never_zero():
    response = await get(FakeStore((a_snapshot(price_usd=None, market_cap_rank=None),)), "/coins")
    (row,) = response.json()["data"]
    assert row["price_usd"] is None
    assert row["market_cap_rank"] is None
    assert row["price_is_stale"] is True


async def test_old_numbers_say_that_they_are_stale():
    response = await get(FakeStore((a_snapshot(observed_at_ms=NOW - 300_000),)), "/coins")
    answer = response.json()
    assert answer["data"][0]["is_stale"] is True
    assert answer["meta"]["is_stale"] is True
    assert answer["meta"]["as_of"] == "2023-03-11T11:55:00.000Z"


async def test_a_replay_is_as_fresh_as_its_speed_allows():
    store = FakeStore((a_snapshot(observed_at_ms=NOW - 800_000),))
    replay = FakeClock(speed=60.0, scenario="market")
    response = await get(store, "/coins", clock=replay)
    assert response.json()["meta"]["is_stale"] is False


async def test_nulls_come_last_in_both_directions():
    store = FakeStore(
        (
            a_snapshot("a", change_24h_pct=None),
            a_snapshot("b", change_24h_pct=-1.0),
            a_snapshot("c", change_24h_pct=2.0),
        )
    )
    async with serving(store) as client:
        ascending = await client.get("/coins?order_by=change_24h_pct")
        descending = await client.get("/coins?order_by=change_24h_pct&order=desc")
    assert ids(ascending) == ["b", "c", "a"]
    assert ids(descending) == ["c", "b", "a"]


async def test_search_finds_parts_of_name_symbol_and_id():
    store = FakeStore(
        (a_snapshot(), a_snapshot("ethereum", symbol="eth", name="Ethereum", market_cap_rank=2))
    )
    async with serving(store) as client:
        assert ids(await client.get("/coins?search=BTC")) == ["bitcoin"]
        assert ids(await client.get("/coins?search=eth")) == ["ethereum"]
        assert ids(await client.get("/coins?search=zzz")) == []


@settings(deadline=None, max_examples=20)  # each example starts an app
@given(st.integers(0, 25), st.integers(1, 7))
async def test_following_next_visits_every_coin_once(coins: int, per_page: int):
    store = FakeStore(tuple(a_snapshot(f"coin-{n}", market_cap_rank=n) for n in range(coins)))
    seen = []
    async with serving(store) as client:
        path = f"/coins?per_page={per_page}"
        while path is not None:
            response = await client.get(path)
            seen += ids(response)
            path = response.json()["meta"]["next"]
    assert seen == [f"coin-{n}" for n in range(coins)]


async def test_a_second_of_polling_costs_one_read():
    store = FakeStore((a_snapshot(),))
    async with serving(store) as client:
        for _ in range(20):
            await client.get("/coins")
    assert store.reads == 1


async def test_a_coin_lists_its_markets_and_what_each_source_says():
    store = FakeStore(
        (a_snapshot(ath_usd=69_000.0, ath_at_ms=NOW - 1),),
        (a_last_candle("BTCUSDC", last_traded_at_ms=NOW - 61_000), a_last_candle("BTCUSDT")),
    )
    response = await get(store, "/coins/bitcoin")
    coin = Envelope[CoinDetail].model_validate_json(response.content).data
    assert [(m.symbol, m.is_main, m.is_stale) for m in coin.markets] == [
        ("BTCUSDC", False, True),
        ("BTCUSDT", True, False),
    ]
    assert [(s.source, s.price_usd) for s in coin.sources] == [
        ("coingecko", 100.0),
        ("binance", 101.0),
    ]
    assert coin.ath_usd == 69_000.0


async def test_a_known_coin_without_any_number_yet_is_found():
    response = await get(FakeStore(), "/coins/bitcoin")
    assert response.status_code == 200
    assert response.json()["data"]["name"] == "Bitcoin"
    assert response.json()["data"]["price_usd"] is None


async def test_an_unknown_coin_is_404_as_a_problem():
    for path in ("/coins/nope", "/coins/nope/history", "/coins/nope/candles"):
        response = await get(FakeStore(), path)
        assert response.status_code == 404
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["instance"] == path
        assert "nope" in response.json()["detail"]
