"""News, moods and the index over the API."""

import httpx
import pytest

from api.routes.news import NewsRow
from market.store.news import Article, DecidingWords, HourMood, IndexDay, NewsSource
from tests.api.fakes import NOW, FakeNews, FakeStore, serving

HOUR = 3_600_000
DAY = 24 * HOUR


def an_article(article_id: str = "a1", **facts) -> Article:
    named = {
        "source": "coindesk",
        "article_id": article_id,
        "title": "Bitcoin <b>surges</b>",
        "observed_at_ms": NOW - HOUR,
        "collected_at_ms": NOW - HOUR + 60_000,
        "compound": 0.5,
        "label": "positive",
        "story_id": f"story-{article_id}",
        "is_copy": False,
        "lexicon_version": "1.test",
        "url": "https://news.example/one",
        "coins": ("bitcoin",),
        "deciding": (DecidingWords("surges", 11, 17, 1.2),),
    } | facts
    return Article(**named)


async def get(path: str, **news) -> httpx.Response:
    async with serving(FakeStore(news=FakeNews(**news))) as client:
        return await client.get(path)


async def test_stories_come_newest_first_with_their_words_coins_and_copies():
    old = an_article("old", observed_at_ms=NOW - 2 * HOUR, copies=("other",))
    answer = (await get("/news", articles=(old, an_article("new")))).json()
    rows = [NewsRow.model_validate(row) for row in answer["data"]]
    assert [row.article_id for row in rows] == ["new", "old"]
    assert rows[1].copies == ["other"]
    assert rows[0].coins[0].symbol == "BTC"
    word = rows[0].deciding[0]
    assert rows[0].title[word.start : word.end] == word.text == "surges"
    assert answer["data"][0]["published_at"] == "2023-03-11T11:00:00.000Z"
    assert (answer["meta"]["source"], answer["meta"]["is_stale"]) == ("coindesk", False)


async def test_copies_are_left_out_until_they_are_asked_for():
    held = (an_article("a"), an_article("b", is_copy=True))
    assert len((await get("/news", articles=held)).json()["data"]) == 1
    assert len((await get("/news?copies=true", articles=held)).json()["data"]) == 2


@pytest.mark.parametrize("asked", ["coin=bitcoin", "source=coindesk", "label=positive"])
async def test_news_are_narrowed(asked):
    other = an_article("o", source="other", label="negative", coins=("ethereum",))
    answer = (await get(f"/news?{asked}", articles=(an_article(), other))).json()
    assert [row["article_id"] for row in answer["data"]] == ["a1"]


async def test_a_coin_has_its_news_and_a_page_has_the_next_one():
    held = tuple(an_article(f"a{n}", observed_at_ms=NOW - n * HOUR) for n in range(1, 5))
    path, seen = "/coins/bitcoin/news?per_page=2", []
    while path:
        answer = (await get(path, articles=held)).json()
        seen += [row["article_id"] for row in answer["data"]]
        path = answer["meta"]["next"]
    assert seen == ["a1", "a2", "a3", "a4"]


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "data:text/html,x", "//evil.example", "ftp://x/y", "", "http://["],
)
async def test_only_links_to_the_web_are_links(url):
    answer = (await get("/news", articles=(an_article(url=url),))).json()
    assert answer["data"][0]["url"] is None


async def test_half_a_day_without_news_is_stale():
    answer = (await get("/news", articles=(an_article(observed_at_ms=NOW - 13 * HOUR),))).json()
    assert answer["meta"]["is_stale"] is True
    assert (await get("/news")).json()["meta"]["as_of"] is None


async def test_feeds_are_told_with_what_they_brought():
    answer = (await get("/news/sources", feeds=(NewsSource("coindesk", 7, NOW - DAY),))).json()
    (feed,) = answer["data"]
    assert (feed["source"], feed["articles"], feed["is_stale"]) == ("coindesk", 7, True)


async def test_hours_of_a_coin_or_of_the_market_are_answered():
    hour = HourMood(NOW - HOUR, 0.25, 2, 5, 1, 1, 0, "1.test")
    news = FakeNews(hours=(hour,))
    async with serving(FakeStore(news=news)) as client:
        answer = (await client.get("/sentiment?coin_id=bitcoin")).json()
        await client.get("/sentiment")
    assert (answer["data"][0]["score"], answer["data"][0]["stories"]) == (0.25, 2)
    assert [asked["coin_id"] for asked in news.asked] == ["bitcoin", None]


async def test_the_index_is_told_now_and_its_history():
    days = tuple(IndexDay("alternative_me", NOW - n * DAY, 40 + n, "Fear", NOW) for n in (40, 2, 1))
    answer = (await get("/fear-greed?days=30", days=days)).json()
    assert answer["data"]["now"]["index"] == 41
    assert [one["index"] for one in answer["data"]["history"]] == [42, 41]
    assert answer["meta"]["is_stale"] is False
    assert (await get("/fear-greed")).json()["data"] == {"now": None, "history": []}


@pytest.mark.parametrize(
    "path",
    [
        *("/news?label=good", "/news?per_page=0", "/news?before=x", "/fear-greed?days=0"),
        "/news?from=2023-01-02T00:00:00Z&to=2023-01-01T00:00:00Z",
        "/sentiment?from=2020-01-01T00:00:00Z&to=2023-01-01T00:00:00Z",
    ],
)
async def test_what_cannot_be_asked_is_refused(path):
    assert (await get(path)).status_code == 422 or (await get(path)).status_code == 400


async def test_a_coin_that_nobody_knows_is_not_found():
    assert (await get("/coins/nobody/news")).status_code == 404
    assert (await get("/sentiment?coin_id=nobody")).status_code == 404
