"""Articles to stories, and the mood of each hour. A stateful core. Pure.

Rows in: scored articles in the order of the log (Kafka offset), which is one order however a
stream is cut; their times may be in any. Rows out: columns of `measurements.NEWS`, one an article
version, and of `measurements.SENTIMENT`, one for the market and each coin of every hour that a
step touched. The last row of a point is the same however the rows are cut into steps.

An article joins the story whose first telling is most like it, within 48 hours; else it begins
one. The first telling gives the story its mood and its hour; a later version of it replaces it.
Stories are kept for a week behind the newest article, and at most STORIES_AT_MOST: hours that are
given up for that are closed, and what comes later for them changes no mood.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from math import fsum
from typing import Any

import orjson

from market.store.compose import floor_ms
from market.store.stamps import stamp_ns
from spark_jobs.transforms.saved_state import unknown_version
from spark_jobs.transforms.sentiment.likeness import are_alike, likeness, words_for_likeness

VERSION = 1
HOUR_MS = 3_600_000
SAME_STORY_MS = 48 * HOUR_MS
KEPT_MS = 168 * HOUR_MS
STORIES_AT_MOST = 3_000
# A summary of fewer words is a teaser; two of those are alike by chance.
SUMMARY_FROM_WORDS = 8

Row = Mapping[str, Any]


@dataclass(slots=True)
class _Story:
    """A story by its first telling; times in milliseconds."""

    story_id: str
    first: str
    """`source|article_id` of the first telling."""
    published_at_ms: int
    title: list[str]
    summary: list[str]
    coins: list[str]
    compound: float
    label: str
    copies: dict[str, int] = field(default_factory=dict)
    """`source|article_id` of every article, with when it was published."""

    @property
    def hour_ms(self) -> int:
        return floor_ms(self.published_at_ms, HOUR_MS)


class Stories:
    """State and step of all news."""

    def __init__(self) -> None:
        self._stories: dict[str, _Story] = {}
        self._of_article: dict[str, str] = {}
        self._newest_ms = 0
        self._open_from_ms = 0
        """Hours before this are closed."""

    def step(self, rows: Iterable[Row]) -> list[Row]:
        """Scored articles in the order of the log to rows of both kinds."""
        out: list[Row] = []
        touched: dict[tuple[int, str], str] = {}
        for row in rows:
            out.append(self._add(row, touched))
            out += self._forget(touched)
        return [*out, *self._hours(touched)]

    def _add(self, row: Row, touched: dict[tuple[int, str], str]) -> Row:
        article = f"{row['source']}|{row['article_id']}"
        self._newest_ms = max(self._newest_ms, row["observed_at_ms"])
        known = self._stories.get(self._of_article.get(article, ""))
        story = known or self._like(row)
        version = row["lexicon_version"]
        if story is None:
            story = _begun(article, row)
            if story.hour_ms >= self._open_from_ms:
                self._stories[story.story_id] = story
        elif story.first == article:
            _touch(touched, story, version)
            _retell(story, row)
        if story.hour_ms >= self._open_from_ms:
            story.copies[article] = row["observed_at_ms"]
            self._of_article[article] = story.story_id
        _touch(touched, story, version)
        return _news(row, story, is_copy=story.first != article)

    def _like(self, row: Row) -> _Story | None:
        """The story that is most like it, of several the older."""
        title, summary = words_for_likeness(row["title"]), _summary_words(row)
        best: tuple[float, int, str] | None = None
        for story in self._stories.values():
            if abs(story.published_at_ms - row["observed_at_ms"]) > SAME_STORY_MS:
                continue
            found = _likeness(story, title, summary, row["coins"])
            if found:
                place = (-found, story.published_at_ms, story.story_id)
                best = place if best is None else min(best, place)
        return None if best is None else self._stories[best[2]]

    def _forget(self, touched: dict[tuple[int, str], str]) -> list[Row]:
        """Close hours that are too old or, where there are too many stories, the oldest ones.

        What was touched of them is told before.
        """
        until_ms = floor_ms(self._newest_ms - KEPT_MS, HOUR_MS)
        if len(self._stories) > STORIES_AT_MOST:
            until_ms = max(until_ms, min(one.hour_ms for one in self._stories.values()) + HOUR_MS)
        if until_ms <= self._open_from_ms:
            return []
        closing = {key: touched.pop(key) for key in list(touched) if key[0] < until_ms}
        out = self._hours(closing)
        self._open_from_ms = until_ms
        for story in [one for one in self._stories.values() if one.hour_ms < until_ms]:
            del self._stories[story.story_id]
            for article in story.copies:
                self._of_article.pop(article, None)
        return out

    def _hours(self, touched: Mapping[tuple[int, str], str]) -> list[Row]:
        return [
            self._hour(at_ms, coin_id, touched[at_ms, coin_id])
            for at_ms, coin_id in sorted(touched)
            if at_ms >= self._open_from_ms
        ]

    def _hour(self, hour_ms: int, coin_id: str, version: str) -> Row:
        """The mood of an hour, of the market where `coin_id` is empty."""
        held = [
            story
            for story in self._stories.values()
            if story.hour_ms == hour_ms and (not coin_id or coin_id in story.coins)
        ]
        labels = [story.label for story in held]
        return {
            "row": "sentiment",
            "kind": "coin" if coin_id else "market",
            "coin_id": coin_id or None,
            "time_ms": hour_ms,
            "score": fsum(story.compound for story in held) / len(held) if held else None,
            "stories": len(held),
            "articles": sum(len(story.copies) for story in held),
            **{label: labels.count(label) for label in ("positive", "neutral", "negative")},
            "lexicon_version": version,
        }

    def save(self) -> bytes:
        """The whole state."""
        stories = [asdict(story) for story in self._stories.values()]
        kept = {"newest_ms": self._newest_ms, "open_from_ms": self._open_from_ms}
        return orjson.dumps({"version": VERSION, "stories": stories, **kept})

    @classmethod
    def restored(cls, state: bytes) -> "Stories":
        """The core that was saved. Raises Fatal where another version of the code saved it."""
        saved = orjson.loads(state)
        if saved["version"] != VERSION:
            raise unknown_version(saved["version"], VERSION)
        found = cls()
        found._newest_ms, found._open_from_ms = saved["newest_ms"], saved["open_from_ms"]
        for one in saved["stories"]:
            story = _Story(**one)
            found._stories[story.story_id] = story
            found._of_article |= dict.fromkeys(story.copies, story.story_id)
        return found


def open_core(key: str, state: bytes | None) -> Stories:
    """The one core of all news, from its saved state where there is one."""
    del key
    return Stories() if state is None else Stories.restored(state)


def _summary_words(row: Row) -> frozenset[str]:
    return words_for_likeness(row["summary"] or "")


def _likeness(
    story: _Story, title: frozenset[str], summary: frozenset[str], named: list[str]
) -> float:
    """From 0 (another story) to 1; the same words about other coins are another story."""
    if story.coins and named and set(story.coins).isdisjoint(named):
        return 0.0
    theirs = frozenset(story.title)
    found = likeness(theirs, title) if are_alike(theirs, title) else 0.0
    told = frozenset(story.summary)
    if min(len(told), len(summary)) >= SUMMARY_FROM_WORDS and are_alike(told, summary):
        found = max(found, likeness(told, summary))
    return found


def _begun(article: str, row: Row) -> _Story:
    story = _Story(
        story_id=blake2b(article.encode(), digest_size=8).hexdigest(),
        first=article,
        published_at_ms=row["observed_at_ms"],
        title=[],
        summary=[],
        coins=[],
        compound=0.0,
        label="neutral",
    )
    _retell(story, row)
    return story


def _retell(story: _Story, row: Row) -> None:
    """The first telling as its newest version has it; it stays in its hour."""
    story.title = sorted(words_for_likeness(row["title"]))
    story.summary = sorted(_summary_words(row))
    story.coins = list(row["coins"])
    story.compound, story.label = row["compound"], row["label"]


def _touch(touched: dict[tuple[int, str], str], story: _Story, version: str) -> None:
    for coin_id in ("", *story.coins):
        touched[story.hour_ms, coin_id] = version


def _news(row: Row, story: _Story, *, is_copy: bool) -> Row:
    article = f"{row['source']}|{row['article_id']}"
    return {
        **row,
        "row": "news",
        "coins": orjson.dumps(row["coins"]).decode(),
        "story_id": story.story_id,
        "is_copy": is_copy,
        "stamp_ns": stamp_ns(row["observed_at_ms"], article),
    }
