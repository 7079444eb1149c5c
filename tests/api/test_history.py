from market.store.rows import History, HistoryRow
from tests.api.fakes import NOW, FakeStore, a_snapshot, serving


async def test_points_are_answered_with_nulls_and_their_source():
    rows = (HistoryRow(NOW - 600_000, 1.5, None, None), HistoryRow(NOW - 300_000, 2.5, 3.5, 4.5))
    store = FakeStore((a_snapshot(),), answered=History(rows, observed_at_ms=NOW - 10_000))
    async with serving(store) as client:
        response = await client.get("/coins/bitcoin/history?interval=5m")
    assert response.json()["data"][0] == {
        "time": "2023-03-11T11:50:00.000Z",
        "price_usd": 1.5,
        "market_cap_usd": None,
        "volume_24h_usd": None,
    }
    assert response.json()["meta"]["as_of"] == "2023-03-11T11:59:50.000Z"
    assert response.json()["meta"]["source"] == "coingecko"
    assert store.asked == [{"source": "coingecko", "from_ms": NOW - 300 * 300_000, "to_ms": NOW}]


async def test_a_range_of_too_many_points_is_422_and_names_the_limit():
    async with serving(FakeStore()) as client:
        response = await client.get("/coins/bitcoin/history?from=2020-01-01T00:00:00Z")
    assert response.status_code == 422
    assert response.json()["limit"] == 10_000
