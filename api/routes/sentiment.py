"""The mood of the market: hours of news, and the Fear and Greed index."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, Field

from api.answers import answer
from api.dependencies import ServicesDep
from api.envelope import Answer, Envelope, Meta, Moment
from api.intervals import DAY_MS, moment, optional_moment, requested_days
from api.latest import require_coin
from api.problems import InvalidRequest, NotFound, StoreDown, responses
from market.coins import coins
from market.store.news import INDEX_BACK_MS, IndexDay

router = APIRouter(tags=["news"])

DEFAULT_DAYS, MOST_DAYS = 7, 92
INDEX_DAYS, MOST_INDEX_DAYS = 90, 3_650


class HourMood(Answer):
    """An hour that had news."""

    hour: Moment = Field(description="Its beginning.")
    score: float | None = Field(description="Mean compound of its stories, -1 to 1.")
    stories: int = Field(description="Copies counted once.")
    articles: int
    positive: int
    neutral: int
    negative: int
    lexicon_version: str


class IndexValue(Answer):
    """A day of the index."""

    day: Moment = Field(description="00:00 UTC of the day it stands for.")
    index: int = Field(description="0 extreme fear, 100 extreme greed.")
    classification: str = Field(description="The source's own word for it.")
    source: str


class FearGreedAnswer(Answer):
    """The newest value, null where there is none, and the days before it."""

    now: IndexValue | None
    history: list[IndexValue] = Field(description="Ascending; days that are missing are absent.")


@router.get(
    "/sentiment",
    response_model=Envelope[list[HourMood]],
    responses=responses(NotFound, InvalidRequest, StoreDown),
)
async def get_sentiment(
    held: ServicesDep,
    *,
    coin_id: Annotated[str | None, Query(max_length=64, description="The market without.")] = None,
    from_: Annotated[AwareDatetime | None, Query(alias="from")] = None,
    to: AwareDatetime | None = None,
) -> Response:
    """Hours in [from, to) that had stories, ascending; seven days if nothing is said."""
    if coin_id is not None and coin_id not in coins():
        require_coin(coin_id, await held.latest.get())
    until_ms = held.clock.now_ms() + 1
    span = requested_days(from_, to, until_ms=until_ms, days=DEFAULT_DAYS, most_days=MOST_DAYS)
    rows = await held.store.news.moods(coin_id=coin_id, from_ms=span.from_ms, to_ms=span.to_ms)
    newest_ms = rows[-1].hour_ms if rows else None
    meta = Meta(
        as_of=optional_moment(newest_ms),
        is_stale=not held.freshness.are_news_fresh(newest_ms, until_ms=span.to_ms),
        source=None,
    )
    data = [
        HourMood(
            hour=moment(row.hour_ms),
            score=row.score,
            stories=row.stories,
            articles=row.articles,
            positive=row.positive,
            neutral=row.neutral,
            negative=row.negative,
            lexicon_version=row.lexicon_version,
        )
        for row in rows
    ]
    return answer(Envelope(data=data, meta=meta))


@router.get(
    "/fear-greed",
    response_model=Envelope[FearGreedAnswer],
    responses=responses(InvalidRequest, StoreDown),
)
async def get_fear_greed(
    held: ServicesDep,
    *,
    days: Annotated[int, Query(ge=1, le=MOST_INDEX_DAYS, description="Of history.")] = INDEX_DAYS,
) -> Response:
    """The index now and its history."""
    fresh = held.freshness
    back_ms = max(days * DAY_MS, INDEX_BACK_MS)
    rows = await held.store.news.fear_greed(from_ms=fresh.now_ms - back_ms, to_ms=fresh.now_ms + 1)
    newest = rows[-1] if rows else None
    shown = [_value(row) for row in rows if row.day_ms > fresh.now_ms - days * DAY_MS]
    meta = Meta(
        as_of=None if newest is None else moment(newest.day_ms),
        is_stale=not fresh.is_index_fresh(None if newest is None else newest.day_ms),
        source=None if newest is None else newest.source,
    )
    found = FearGreedAnswer(now=None if newest is None else _value(newest), history=shown)
    return answer(Envelope(data=found, meta=meta))


def _value(row: IndexDay) -> IndexValue:
    return IndexValue(
        day=moment(row.day_ms),
        index=row.index,
        classification=row.classification,
        source=row.source,
    )
