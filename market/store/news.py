"""Articles, the mood of hours and the Fear and Greed index as they are stored.

A point is the newest version of an article at its publication; a story is what copies share. All
times are milliseconds UTC. Every method raises StoreUnavailable when InfluxDB does not answer.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from market.store import flux
from market.store.annotated import Cell, Table, time_ms
from market.store.client import FluxClient, instant
from market.store.measurements import FEAR_GREED, NEWS, SENTIMENT

HOUR_MS = 3_600_000
FIRST_WINDOW_MS = 24 * HOUR_MS
LONGEST_WINDOW_MS = 7 * 24 * HOUR_MS
# Copies of a story are at most this far apart (spark_jobs/transforms/sentiment/stories.py).
STORY_MS = 48 * HOUR_MS
# The index has one value a day; after a longer silence there is no value of now.
INDEX_BACK_MS = 60 * 24 * HOUR_MS

MoodLabel = Literal["negative", "neutral", "positive"]
Point = tuple[Mapping[str, str], str, Mapping[str, Cell]]
"""Tags, time as sent, fields."""


@dataclass(frozen=True, slots=True)
class DecidingWords:
    """A stretch of a title, in code points, and the valence that it adds."""

    text: str
    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class Article:
    """The newest version of an article; `copies` are the other articles of its story."""

    source: str
    article_id: str
    title: str
    observed_at_ms: int
    collected_at_ms: int
    compound: float
    label: MoodLabel
    story_id: str
    is_copy: bool
    lexicon_version: str
    url: str = ""
    summary: str | None = None
    author: str | None = None
    coins: tuple[str, ...] = ()
    deciding: tuple[DecidingWords, ...] = ()
    copies: tuple[str, ...] = ()
    """Sources of the other articles of the story, one each."""

    @property
    def place(self) -> tuple[int, str]:
        """Where it stands in a list, the newest largest."""
        return self.observed_at_ms, self.article_id


@dataclass(frozen=True, slots=True)
class NewsSearch:
    """Articles published in [from_ms, to_ms), newest first, at most `limit`.

    `is_each_once` leaves out copies. `before` is the place of the last one of the page before.
    """

    from_ms: int
    to_ms: int
    limit: int
    coin_id: str | None = None
    source: str | None = None
    label: MoodLabel | None = None
    is_each_once: bool = True
    before: tuple[int, str] | None = None

    def admits(self, one: Article) -> bool:
        """Whether an article is asked for."""
        return (
            (self.coin_id is None or self.coin_id in one.coins)
            and (self.source is None or self.source == one.source)
            and (self.label is None or self.label == one.label)
            and not (self.is_each_once and one.is_copy)
            and (self.before is None or one.place < self.before)
        )


@dataclass(frozen=True, slots=True)
class NewsSource:
    """A feed: articles in the range and when the newest was published."""

    source: str
    articles: int
    newest_at_ms: int


@dataclass(frozen=True, slots=True)
class HourMood:
    """The mood of an hour; `score` is None where no story is left in it."""

    hour_ms: int
    score: float | None
    stories: int
    articles: int
    positive: int
    neutral: int
    negative: int
    lexicon_version: str


@dataclass(frozen=True, slots=True)
class IndexDay:
    """A day of the Fear and Greed index, 0 to 100."""

    source: str
    day_ms: int
    index: int
    classification: str
    collected_at_ms: int | None


class NewsReader:
    """Reads them from the main bucket."""

    def __init__(self, client: FluxClient, *, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    async def search(self, asked: NewsSearch) -> tuple[Article, ...]:
        """The articles of a search with their copies."""
        found: list[Article] = []
        window_ms = FIRST_WINDOW_MS
        end_ms = asked.to_ms if asked.before is None else min(asked.to_ms, asked.before[0] + 1)
        while end_ms > asked.from_ms and len(found) < asked.limit:
            start_ms = max(end_ms - window_ms, asked.from_ms)
            held = articles(await self._tables(flux.NEWS, start_ms, end_ms))
            inside = filter(asked.admits, held)
            found += sorted(inside, key=lambda one: one.place, reverse=True)
            end_ms, window_ms = start_ms, min(window_ms * 2, LONGEST_WINDOW_MS)
        return await self._with_copies(found[: asked.limit])

    async def _with_copies(self, found: list[Article]) -> tuple[Article, ...]:
        if not found:
            return ()
        tables = await self._tables(
            flux.NEWS_STORIES,
            found[-1].observed_at_ms - STORY_MS,
            found[0].observed_at_ms + STORY_MS,
        )
        told = tellings(tables)
        return tuple(
            replace(
                one,
                copies=tuple(
                    source
                    for source, article_id in sorted(told[one.story_id])
                    if (source, article_id) != (one.source, one.article_id)
                ),
            )
            for one in found
        )

    async def sources(self, *, from_ms: int, to_ms: int) -> tuple[NewsSource, ...]:
        """Feeds with articles in [from_ms, to_ms), by name."""
        held: dict[str, tuple[set[Cell], int]] = {}
        for table in await self._tables(flux.NEWS_STORIES, from_ms, to_ms):
            if table.field_name == "article_id":
                newest_ms = max(time_ms(at) for at in table.times)
                held[table.tags["source"]] = set(table.cells), newest_ms
        return tuple(NewsSource(name, len(ids), at) for name, (ids, at) in sorted(held.items()))

    async def moods(self, *, coin_id: str | None, from_ms: int, to_ms: int) -> tuple[HourMood, ...]:
        """Hours in [from_ms, to_ms), ascending, of a coin or, without one, of the market."""
        if coin_id is None:
            tables = await self._tables(flux.MARKET_SENTIMENT, from_ms, to_ms)
        else:
            tables = await self._tables(flux.COIN_SENTIMENT, from_ms, to_ms, coin_id=coin_id)
        return moods(tables)

    async def fear_greed(self, *, from_ms: int, to_ms: int) -> tuple[IndexDay, ...]:
        """Days that begin in [from_ms, to_ms), ascending."""
        return index_days(await self._tables(flux.FEAR_GREED, from_ms, to_ms))

    async def _tables(self, query: str, from_ms: int, to_ms: int, **params: str) -> list[Table]:
        return await self._client.tables(
            query, bucket=self._bucket, start=instant(from_ms), stop=instant(to_ms), **params
        )


def _points(tables: Iterable[Table], tags: Iterable[str]) -> list[Point]:
    """Fields of each point; the time is as sent, because milliseconds do not tell points apart."""
    held: dict[tuple[tuple[tuple[str, str], ...], str], dict[str, Cell]] = defaultdict(dict)
    for table in tables:
        key = tuple((name, table.tags.get(name, "")) for name in tags)
        for at, cell in zip(table.times, table.cells, strict=True):
            held[key, at][table.field_name] = cell
    return [(dict(key), at, cells) for (key, at), cells in held.items()]


def articles(tables: Iterable[Table]) -> list[Article]:
    """The newest version of each article, in no order."""
    newest: dict[tuple[str, str], Article] = {}
    for tags, _, cells in _points(tables, NEWS.tags):
        if cells.get("article_id") is None or cells.get("title") is None:
            continue
        one = _article(tags, cells)
        key = (one.source, one.article_id)
        if key not in newest or newest[key].collected_at_ms <= one.collected_at_ms:
            newest[key] = one
    return list(newest.values())


def _article(tags: Mapping[str, str], cells: Mapping[str, Cell]) -> Article:
    named: dict[str, Any] = {
        name: cells[name] for name in NEWS.fields if cells.get(name) is not None
    }
    for name in ("title", "summary"):
        if name in named:  # CSV's own line breaks; the job writes none but `\n`
            named[name] = named[name].replace("\r\n", "\n")
    named["coins"] = tuple(json.loads(named.get("coins", "[]")))
    words = json.loads(named.get("deciding", "[]"))
    named["deciding"] = tuple(DecidingWords(**one) for one in words)
    return Article(source=tags["source"], **named)


def tellings(tables: Iterable[Table]) -> Mapping[str, set[tuple[str, str]]]:
    """By story: (source, article_id) of its articles."""
    told: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for tags, _, cells in _points(tables, NEWS.tags):
        if cells.get("story_id") is not None and cells.get("article_id") is not None:
            told[str(cells["story_id"])].add((tags["source"], str(cells["article_id"])))
    return told


def moods(tables: Iterable[Table]) -> tuple[HourMood, ...]:
    """Hours, ascending."""
    rows = []
    for _, at, cells in _points(tables, SENTIMENT.tags):
        named: dict[str, Any] = {name: cells.get(name) for name in SENTIMENT.fields}
        if not named["stories"]:
            named["score"] = None  # what stood here before an edit took the coin away
        rows.append(HourMood(hour_ms=time_ms(at), **named))
    return tuple(sorted(rows, key=lambda row: row.hour_ms))


def index_days(tables: Iterable[Table]) -> tuple[IndexDay, ...]:
    """Days, ascending."""
    rows = []
    for tags, at, cells in _points(tables, FEAR_GREED.tags):
        named: dict[str, Any] = {name: cells.get(name) for name in FEAR_GREED.fields}
        rows.append(IndexDay(source=tags["source"], day_ms=time_ms(at), **named))
    return tuple(sorted(rows, key=lambda row: row.day_ms))
