"""CoinMarketCap, Fear & Greed and the feeds over real HTTP."""

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from market.coins import coins
from simulator.fear_greed import word_of
from simulator.scenario import DAY_MS, FEEDS, HOUR_MS, MINUTE_MS
from simulator.scenarios.bars import open_bars
from simulator.scenarios.offer import ScenarioRequest
from tests.simulator.builders import (
    NOON_MS,
    START_MS,
    Hands,
    market_scenario,
    simulation,
    write_bars,
)
from tests.simulator.conftest import Running, Serve

pytestmark = pytest.mark.integration
LISTINGS = "/v1/cryptocurrency/listings/latest"
KEY = {"X-CMC_PRO_API_KEY": "simulated"}


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
async def running(serve: Serve, tmp_path: Path, hands: Hands) -> Running:
    return await serve(simulation(market_scenario(), tmp_path, hands=hands))


async def listings(running: Running, **query: Any) -> Any:
    answer = await running.http.get(LISTINGS, params=query, headers=KEY)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("headers", "code"), [({}, 1002), ({"X-CMC_PRO_API_KEY": "invalid-1"}, 1001)]
)
async def test_coinmarketcap_wants_a_key(
    running: Running, headers: dict[str, str], code: int
) -> None:
    answer = await running.http.get(LISTINGS, headers=headers)
    assert (answer.status_code, answer.json()["status"]["error_code"]) == (401, code)


async def test_listings_have_coinmarketcaps_ids_and_coingeckos_prices(running: Running) -> None:
    body = await listings(running, limit=5_000)
    assert body["status"]["error_code"] == 0
    assert body["status"]["credit_count"] == 1
    asked = {"vs_currency": "usd", "per_page": "250"}
    rows = (await running.http.get("/api/v3/coins/markets", params=asked)).json()
    prices = {coins()[row["id"]].coinmarketcap_id: row["current_price"] for row in rows}
    told = {row["id"]: row["quote"]["USD"]["price"] for row in body["data"]}
    assert told == {number: price for number, price in prices.items() if number is not None}
    assert [row["cmc_rank"] for row in body["data"]] == sorted(r["cmc_rank"] for r in body["data"])


async def test_start_and_limit_choose_the_page(running: Running) -> None:
    everything = (await listings(running, limit=5_000))["data"]
    assert (await listings(running, start=11, limit=10))["data"] == everything[10:20]


async def test_fear_and_greed_is_one_value_a_day_and_stays(running: Running, hands: Hands) -> None:
    running.simulation.clock.run()
    first = (await running.http.get("/fng/")).json()["data"]
    hands.seconds += 60  # an hour
    again = (await running.http.get("/fng/")).json()["data"]
    assert [row["value"] for row in first] == [row["value"] for row in again]
    assert int(first[0]["timestamp"]) * 1000 == NOON_MS // DAY_MS * DAY_MS
    assert int(first[0]["time_until_update"]) - int(again[0]["time_until_update"]) == 3_600
    assert first[0]["value_classification"] == word_of(int(first[0]["value"]))
    hands.seconds += 11 * 60
    (new,) = (await running.http.get("/fng/")).json()["data"]
    assert int(new["timestamp"]) - int(first[0]["timestamp"]) == 86_400


async def test_the_history_of_fear_and_greed_has_a_value_for_every_day(running: Running) -> None:
    rows = (await running.http.get("/fng/?limit=0")).json()["data"]
    days = [int(row["timestamp"]) for row in rows]
    assert days == list(range(days[0], days[-1] - 1, -86_400))
    assert len(rows) == 1_000
    assert {word_of(int(row["value"])) for row in rows} == {
        "Extreme Fear", "Fear", "Neutral", "Greed", "Extreme Greed",
    }  # fmt: skip
    assert all(isinstance(value, str) for row in rows for value in row.values())


def items(body: bytes) -> list[dict[str, str]]:
    root = ET.fromstring(body)  # noqa: S314 - our own text
    return [
        {child.tag: child.text or "" for child in one} for one in root.findall("./channel/item")
    ]


@pytest.mark.parametrize("feed", FEEDS)
async def test_a_feed_is_sound_and_its_articles_are_told_once_published(
    running: Running, feed: str
) -> None:
    answer = await running.http.get(f"/rss/{feed}")
    assert answer.headers["content-type"].startswith("application/rss+xml")
    articles = items(answer.content)
    assert len(articles) == 30
    assert len({one["guid"] for one in articles}) == 30
    keys = (await running.http.get("/control/published?kind=articles")).json()["keys"]
    told = [(key[1], key[2]) for key in keys]
    shown = running.simulation.scenario.articles(feed, NOON_MS, 30)
    assert told == [(one.guid, one.title_at(NOON_MS)) for one in shown]
    assert [one["guid"] for one in articles] == [one.guid for one in shown]
    assert max(one.published_at_ms for one in shown) <= NOON_MS


async def test_an_unchanged_feed_is_304_by_etag_and_by_date(running: Running) -> None:
    first = await running.http.get("/rss/coindesk")
    for name, held in (("If-None-Match", "etag"), ("If-Modified-Since", "last-modified")):
        again = await running.http.get("/rss/coindesk", headers={name: first.headers[held]})
        assert (again.status_code, again.content) == (304, b"")
    other = await running.http.get("/rss/coindesk", headers={"If-None-Match": '"other"'})
    assert other.status_code == 200


async def test_an_edited_headline_is_another_title_of_the_same_guid(
    running: Running, hands: Hands
) -> None:
    scenario = running.simulation.scenario
    edited = next(
        one
        for half_day in range(1, 20)
        for one in scenario.articles("coindesk", NOON_MS + half_day * 12 * HOUR_MS, 30)
        if one.edited_at_ms is not None and one.published_at_ms > NOON_MS
    )
    running.simulation.clock.run()
    titles = []
    for at_ms in (edited.published_at_ms, edited.edited_at_ms):
        assert at_ms is not None
        hands.seconds += (at_ms - running.simulation.now_ms() + MINUTE_MS) / 60_000
        feed = items((await running.http.get("/rss/coindesk")).content)
        titles.append(next(one["title"] for one in feed if one["guid"] == edited.guid))
    assert titles == [edited.title, edited.edited_title]
    keys = (await running.http.get("/control/published?kind=articles")).json()["keys"]
    assert [key[2] for key in keys if key[1] == edited.guid] == titles


def test_the_same_seed_writes_the_same_news_in_any_order_of_asking() -> None:
    one, other = market_scenario(), market_scenario()
    late = one.articles("coindesk", NOON_MS + DAY_MS, 30)
    other.articles("coindesk", NOON_MS, 30)
    assert other.articles("coindesk", NOON_MS + DAY_MS, 30) == late
    assert market_scenario(seed=8).articles("coindesk", NOON_MS + DAY_MS, 30) != late


def test_news_tells_of_moves_records_and_calm() -> None:
    scenario = market_scenario()
    titles = " / ".join(
        one.title
        for day in range(6)
        for feed in FEEDS
        for one in scenario.articles(feed, NOON_MS + day * DAY_MS, 30)
    )
    for words in ("in an hour", "highest price in a", "drift as", "swing widely", "usual pace"):
        assert words in titles


async def test_bars_make_few_and_plain_news(serve: Serve, tmp_path: Path, hands: Hands) -> None:
    rows = []
    for minute in range(3 * 1_440):
        price = 20_000 + minute if minute < 1_440 else 21_440 - (minute - 1_440) / 4
        rows.append(f"{START_MS + minute * MINUTE_MS},{price},{price + 1},{price - 1},{price},1")
    path = write_bars(tmp_path / "bars.csv", rows)
    scenario = open_bars(ScenarioRequest(bars={"BTCUSDT": path}))
    running = await serve(simulation(scenario, tmp_path, hands=hands))
    assert (await running.http.get("/fng/")).json()["data"] == []
    running.simulation.clock.run()
    hands.seconds += 2.5 * 1_440
    articles = items((await running.http.get("/rss/coindesk")).content)
    assert 0 < len(articles) < 30
    (mood,) = (await running.http.get("/fng/")).json()["data"]
    assert 0 <= int(mood["value"]) <= 100
