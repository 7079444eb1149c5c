"""News: stories with their mood and the words that decided on it, and the feeds they come from."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, Field

from api.answers import answer
from api.dependencies import Services, ServicesDep
from api.envelope import Answer, Envelope, Meta, Moment, rfc3339
from api.intervals import DAY_MS, moment, optional_moment, requested_days
from api.latest import require_coin
from api.problems import InvalidRequest, NotFound, StoreDown, responses
from market.coins import coins
from market.store.news import Article, MoodLabel, NewsSearch

router = APIRouter(tags=["news"])

DEFAULT_DAYS, MOST_DAYS = 7, 92
DEFAULT_PER_PAGE, MOST_PER_PAGE = 50, 200


class DecidingWord(Answer):
    """A stretch of the title."""

    text: str
    start: int = Field(description="First code point of the title that it covers.")
    end: int = Field(description="One past the last.")
    weight: float = Field(description="Valence that it adds, -4 to 4.")


class NamedCoin(Answer):
    """A coin that the text names."""

    coin_id: str
    symbol: str
    name: str


class NewsRow(Answer):
    """An article as its newest version has it. Texts are text, never markup."""

    article_id: str
    story_id: str
    source: str
    title: str
    summary: str | None
    url: str | None = Field(description="http or https; null where the feed gave none.")
    author: str | None
    published_at: Moment
    collected_at: Moment
    coins: list[NamedCoin]
    label: MoodLabel
    compound: float = Field(description="-1 to 1; see docs/methodology.md.")
    deciding: list[DecidingWord] = Field(description="In the order of the title.")
    lexicon_version: str
    is_copy: bool = Field(description="Another article of the same story came before it.")
    copies: list[str] = Field(description="Sources of the other articles of its story.")


class NewsSource(Answer):
    """A feed within the last seven days."""

    source: str
    articles: int
    newest_at: Moment
    is_stale: bool


From = Annotated[
    AwareDatetime | None,
    Query(alias="from", description="Inclusive, of the publication; 7 days before `to`."),
]
To = Annotated[AwareDatetime | None, Query(description="Exclusive; now if left out.")]
PerPage = Annotated[int, Query(ge=1, le=MOST_PER_PAGE)]
Before = Annotated[
    str | None,
    Query(pattern=r"^\d{1,14}-[!-~]{1,64}$", description="From `meta.next`: the next page."),
]
Source = Annotated[str | None, Query(max_length=64, description="A feed; all if left out.")]
Label = Annotated[MoodLabel | None, Query(description="All if left out.")]
Copies = Annotated[bool, Query(description="Every copy of a story, not each story once.")]


@dataclass(frozen=True, slots=True)
class Asked:
    """A list as it was asked for."""

    path: str
    coin_id: str | None
    source: str | None
    label: MoodLabel | None
    copies: bool
    from_: AwareDatetime | None
    to: AwareDatetime | None
    per_page: int
    before: str | None

    def search(self, now_ms: int) -> NewsSearch:
        """For the store: one more than a page, to know whether another follows."""
        span = requested_days(
            self.from_, self.to, until_ms=now_ms + 1, days=DEFAULT_DAYS, most_days=MOST_DAYS
        )
        at_ms, _, last_id = (self.before or "").partition("-")
        return NewsSearch(
            from_ms=span.from_ms,
            to_ms=span.to_ms,
            limit=self.per_page + 1,
            coin_id=self.coin_id,
            source=self.source,
            label=self.label,
            is_each_once=not self.copies,
            before=(int(at_ms), last_id) if self.before else None,
        )

    def next_page(self, last: Article, searched: NewsSearch) -> str:
        """Path of the page after an article; its range stands still while time goes on."""
        query = {
            "from": rfc3339(moment(searched.from_ms)),
            "to": rfc3339(moment(searched.to_ms)),
            "per_page": self.per_page,
            "before": f"{last.observed_at_ms}-{last.article_id}",
            "coin": self.coin_id if self.path == "/news" else None,
            "source": self.source,
            "label": self.label,
            "copies": "true" if self.copies else None,
        }
        held = {name: text for name, text in query.items() if text is not None}
        return f"{self.path}?{urlencode(held)}"


@router.get(
    "/news",
    response_model=Envelope[list[NewsRow]],
    responses=responses(NotFound, InvalidRequest, StoreDown),
)
async def get_news(
    held: ServicesDep,
    *,
    coin: Annotated[str | None, Query(max_length=64, description="A coin's id.")] = None,
    source: Source = None,
    label: Label = None,
    copies: Copies = False,
    from_: From = None,
    to: To = None,
    per_page: PerPage = DEFAULT_PER_PAGE,
    before: Before = None,
) -> Response:
    """Stories published in [from, to), newest first, each once unless copies are asked for."""
    asked = Asked("/news", coin, source, label, copies, from_, to, per_page, before)
    return await _listed(held, asked)


@router.get(
    "/coins/{coin_id}/news",
    response_model=Envelope[list[NewsRow]],
    responses=responses(NotFound, InvalidRequest, StoreDown),
)
async def get_news_of_coin(
    coin_id: str,
    held: ServicesDep,
    *,
    source: Source = None,
    label: Label = None,
    copies: Copies = False,
    from_: From = None,
    to: To = None,
    per_page: PerPage = DEFAULT_PER_PAGE,
    before: Before = None,
) -> Response:
    """Stories that name a coin, newest first."""
    path = f"/coins/{coin_id}/news"
    asked = Asked(path, coin_id, source, label, copies, from_, to, per_page, before)
    return await _listed(held, asked)


@router.get(
    "/news/sources", response_model=Envelope[list[NewsSource]], responses=responses(StoreDown)
)
async def get_news_sources(held: ServicesDep) -> Response:
    """Feeds that published within the last seven days."""
    fresh = held.freshness
    now_ms = fresh.now_ms
    found = await held.store.news.sources(from_ms=now_ms - DEFAULT_DAYS * DAY_MS, to_ms=now_ms + 1)
    rows = [
        NewsSource(
            source=one.source,
            articles=one.articles,
            newest_at=moment(one.newest_at_ms),
            is_stale=not fresh.are_news_fresh(one.newest_at_ms),
        )
        for one in found
    ]
    newest_ms = max((one.newest_at_ms for one in found), default=None)
    meta = Meta(
        as_of=optional_moment(newest_ms),
        is_stale=not fresh.are_news_fresh(newest_ms),
        source=", ".join(one.source for one in found) or None,
    )
    return answer(Envelope(data=rows, meta=meta))


async def _listed(held: Services, asked: Asked) -> Response:
    if asked.coin_id is not None and asked.coin_id not in coins():
        require_coin(asked.coin_id, await held.latest.get())
    search = asked.search(held.clock.now_ms())
    found = await held.store.news.search(search)
    page = found[: asked.per_page]
    following = asked.next_page(page[-1], search) if len(found) > len(page) else None
    newest_ms = max((one.observed_at_ms for one in page), default=None)
    meta = Meta(
        as_of=optional_moment(newest_ms),
        is_stale=not held.freshness.are_news_fresh(newest_ms, until_ms=search.to_ms),
        source=", ".join(sorted({one.source for one in page})) or None,
        next=following,
    )
    return answer(Envelope(data=[news_row(one) for one in page], meta=meta))


def news_row(one: Article) -> NewsRow:
    """An article in the API's words."""
    known = [coins()[coin_id] for coin_id in one.coins if coin_id in coins()]
    return NewsRow(
        article_id=one.article_id,
        story_id=one.story_id,
        source=one.source,
        title=one.title,
        summary=one.summary,
        url=one.url if _is_web(one.url) else None,
        author=one.author,
        published_at=moment(one.observed_at_ms),
        collected_at=moment(one.collected_at_ms),
        coins=[NamedCoin(coin_id=c.coin_id, symbol=c.symbol, name=c.name) for c in known],
        label=one.label,
        compound=one.compound,
        deciding=[
            DecidingWord(text=word.text, start=word.start, end=word.end, weight=word.weight)
            for word in one.deciding
        ],
        lexicon_version=one.lexicon_version,
        is_copy=one.is_copy,
        copies=list(one.copies),
    )


def _is_web(url: str) -> bool:
    """Links of any other scheme would run in the reader's browser."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)
