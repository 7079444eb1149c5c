import httpx

from market.store.rows import CrossSectionRow, GlobalMarket, GlobalTotals
from tests.api.fakes import NOW, FakeStore, serving

MINUTE = 60_000
HOUR = 60 * MINUTE


def a_section(interval: str = "1h", open_time_ms: int = NOW - HOUR, **facts) -> CrossSectionRow:
    named = {
        "close_time_ms": open_time_ms + (HOUR if interval == "1h" else MINUTE),
        "coins": 20,
        "advancing": 15,
        "declining": 4,
        "breadth_pct": 75.0,
        "quote_volume_usd": 1e9,
        "btc_volume_share_pct": 40.0,
        "eth_volume_share_pct": 20.0,
        "weighted_return_pct": 0.5,
        "index": None,
    } | facts
    return CrossSectionRow(interval=interval, open_time_ms=open_time_ms, **named)


def some_totals(source: str = "coingecko", **facts) -> GlobalTotals:
    named = {"observed_at_ms": NOW - 30_000, "market_cap_usd": 1e12} | facts
    return GlobalTotals(source=source, **named)


async def get(path: str, *sections: CrossSectionRow, totals=()) -> httpx.Response:
    store = FakeStore(together=GlobalMarket(totals=tuple(totals), cross_sections=sections))
    async with serving(store) as client:
        return await client.get(path)


async def test_the_preferred_sources_totals_stand_beside_what_followed_coins_did():
    sections = (a_section("1m", NOW - 2 * MINUTE), a_section())
    totals = (some_totals("another", market_cap_usd=2e12), some_totals())
    answer = (await get("/global", *sections, totals=totals)).json()
    assert answer["data"]["totals"]["source"] == "coingecko"
    assert answer["data"]["totals"]["market_cap_usd"] == 1e12
    assert answer["data"]["totals"]["btc_dominance_pct"] is None
    assert [one["interval"] for one in answer["data"]["cross_sections"]] == ["1m", "1h"]
    assert answer["data"]["cross_sections"][1]["breadth_pct"] == 75.0
    assert answer["meta"] == {
        "as_of": "2023-03-11T12:00:00.000Z",
        "is_stale": False,
        "source": "coingecko",
        "segments": [],
        "next": None,
    }


async def test_before_anything_is_written_the_whole_market_is_empty_and_stale():
    answer = (await get("/global")).json()
    assert answer["data"] == {"totals": None, "cross_sections": []}
    assert (answer["meta"]["as_of"], answer["meta"]["is_stale"]) == (None, True)


async def test_old_totals_say_so_while_newer_cross_sections_do_not():
    old = some_totals(observed_at_ms=NOW - HOUR)
    answer = (await get("/global", a_section("1m", NOW - 2 * MINUTE), totals=[old])).json()
    assert answer["data"]["totals"]["is_stale"] is True
    assert answer["meta"]["is_stale"] is False


async def test_cross_sections_of_a_range_carry_the_chained_index():
    sections = [a_section(open_time_ms=NOW - 2 * HOUR, index=100.5), a_section(index=101.0)]
    answer = (await get("/global/cross-sections", *sections)).json()
    assert [row["index"] for row in answer["data"]] == [100.5, 101.0]
    assert answer["meta"]["as_of"] == "2023-03-11T12:00:00.000Z"
    assert answer["meta"]["is_stale"] is False


async def test_the_newest_closed_bar_is_fresh_until_the_next_one_is_overdue():
    late = NOW - 2 * HOUR - 3 * MINUTE
    stale = (await get("/global/cross-sections", a_section(open_time_ms=late))).json()
    assert stale["meta"]["is_stale"] is True


async def test_too_long_a_range_of_cross_sections_is_422():
    response = await get("/global/cross-sections?interval=1m&from=2022-01-01T00:00:00Z")
    assert (response.status_code, response.json()["limit"]) == (422, 10_000)
