"""Articles valid by default; a test overrides the one fact it is about."""

from typing import Any

NOON_MS = 1_678_536_000_000  # 2023-03-11T12:00Z
HOUR_MS = 3_600_000


def an_article(article_id: str = "a1", **facts: Any) -> dict[str, Any]:
    """A decoded record with its Kafka coordinates."""
    observed_at_ms = facts.get("observed_at_ms", NOON_MS)
    return {
        "source": "coindesk",
        "article_id": article_id,
        "observed_at_ms": observed_at_ms,
        "collected_at_ms": observed_at_ms + 60_000,
        "url": "https://news.example/one",
        "author": None,
        "title": "Bitcoin climbs above its old peak as buyers return",
        "summary": None,
        "partition": 0,
        "offset": 0,
    } | facts


def a_scored(article_id: str = "a1", **facts: Any) -> dict[str, Any]:
    """A row for the core of stories."""
    return {
        **an_article(article_id),
        "compound": 0.5,
        "label": "positive",
        "deciding": "[]",
        "coins": ["bitcoin"],
        "lexicon_version": "1.test",
    } | facts
