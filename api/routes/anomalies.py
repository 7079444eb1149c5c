"""Episodes of anomalies, newest first, and one of them with its evidence."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Response
from pydantic import AwareDatetime, Field

from api.answers import answer
from api.dependencies import Services, ServicesDep
from api.envelope import Answer, Envelope, Meta, Moment, rfc3339
from api.evidence import Evidence, evidence_of
from api.intervals import moment, optional_moment, requested_days
from api.latest import Known, require_coin
from api.problems import InvalidRequest, NotFound, StoreDown, responses
from market.anomaly import AnomalyKind, Phase, Severity
from market.store.anomalies import Anomaly, AnomalySearch

router = APIRouter(tags=["anomalies"])

DEFAULT_DAYS, MOST_DAYS = 7, 92
DEFAULT_PER_PAGE, MOST_PER_PAGE = 50, 200


class AnomalyRow(Answer):
    """An episode as its newest revision tells it. Values are in `unit`."""

    anomaly_id: str
    revision: int = Field(description="1 when it opened, one more with each change.")
    phase: Phase = Field(description="opened, peaked: it lasts; resolved: it is over.")
    kind: AnomalyKind
    severity: Severity
    coin_id: str | None = Field(description="Null where it is about no coin.")
    source: str
    symbol: str | None = Field(description="Null where it is about no market.")
    quote: str | None
    other_source: str | None
    other_symbol: str | None = Field(description="The second market of a divergence.")
    other_coin_id: str | None = Field(description="The coin that was overtaken.")
    started_at: Moment
    detected_at: Moment = Field(description="Event time at which it was certain.")
    peaked_at: Moment
    resolved_at: Moment | None
    observed_at: Moment = Field(description="Event time of this revision.")
    value: float
    peak_value: float
    expected: float | None
    score: float | None = Field(description="How far beyond ordinary; see docs/methodology.md.")
    threshold: float | None
    unit: str
    n: int | None = Field(description="How many numbers stand behind `expected`.")
    window_s: float | None
    sentence: str


class AnomalyDetail(AnomalyRow):
    """An episode with what it was judged by."""

    sources: list[str]
    trade_ids: list[str] = Field(description="A few; text, because they may exceed 2^53.")
    coordinates: list[str] = Field(description="topic/partition/offset of records, a few.")
    evidence: Evidence


Kinds = Annotated[list[AnomalyKind] | None, Query(description="All kinds if left out.")]
Severities = Annotated[list[Severity] | None, Query(description="All if left out.")]
From = Annotated[
    AwareDatetime | None,
    Query(alias="from", description="Inclusive, of the start; 7 days before `to`."),
]
To = Annotated[AwareDatetime | None, Query(description="Exclusive; now if left out.")]
PerPage = Annotated[int, Query(ge=1, le=MOST_PER_PAGE)]
Before = Annotated[
    str | None,
    Query(pattern=r"^\d{1,14}-[0-9a-f]{1,64}$", description="From `meta.next`: the next page."),
]


@router.get(
    "/anomalies",
    response_model=Envelope[list[AnomalyRow]],
    responses=responses(NotFound, InvalidRequest, StoreDown),
)
async def get_anomalies(
    held: ServicesDep,
    *,
    kind: Kinds = None,
    coin: Annotated[str | None, Query(max_length=64, description="A coin's id.")] = None,
    severity: Severities = None,
    from_: From = None,
    to: To = None,
    per_page: PerPage = DEFAULT_PER_PAGE,
    before: Before = None,
) -> Response:
    """Episodes that began in [from, to), newest first."""
    asked = Asked("/anomalies", kind or [], coin, severity or [], from_, to, per_page, before)
    return await _listed(held, asked)


@router.get(
    "/coins/{coin_id}/anomalies",
    response_model=Envelope[list[AnomalyRow]],
    responses=responses(NotFound, InvalidRequest, StoreDown),
)
async def get_anomalies_of_coin(
    coin_id: str,
    held: ServicesDep,
    *,
    kind: Kinds = None,
    severity: Severities = None,
    from_: From = None,
    to: To = None,
    per_page: PerPage = DEFAULT_PER_PAGE,
    before: Before = None,
) -> Response:
    """Episodes about a coin, or in which it was overtaken, newest first."""
    path = f"/coins/{coin_id}/anomalies"
    asked = Asked(path, kind or [], coin_id, severity or [], from_, to, per_page, before)
    return await _listed(held, asked)


@router.get(
    "/anomalies/{anomaly_id}",
    response_model=Envelope[AnomalyDetail],
    responses=responses(NotFound, InvalidRequest, StoreDown),
)
async def get_anomaly(
    anomaly_id: Annotated[str, Path(pattern="^[0-9a-f]{1,64}$")], held: ServicesDep
) -> Response:
    """One episode with the prices around it."""
    now_ms = held.clock.now_ms()
    found = await held.store.anomaly(anomaly_id, now_ms=now_ms)
    if found is None:
        raise NotFound(f"No anomaly has the id {anomaly_id!r}; /anomalies lists them.")
    detail = AnomalyDetail(
        **anomaly_row(found).model_dump(),
        sources=list(found.sources),
        trade_ids=[str(one) for one in found.trade_ids],
        coordinates=list(found.coordinates),
        evidence=await evidence_of(found, held.store, now_ms=now_ms),
    )
    meta = _meta([found], held, await held.latest.get(), to_ms=now_ms, following=None)
    return answer(Envelope(data=detail, meta=meta))


@dataclass(frozen=True, slots=True)
class Asked:
    """A list as it was asked for."""

    path: str
    kinds: list[AnomalyKind]
    coin_id: str | None
    severities: list[Severity]
    from_: AwareDatetime | None
    to: AwareDatetime | None
    per_page: int
    before: str | None

    def search(self, now_ms: int) -> AnomalySearch:
        """For the store: one more than a page, to know whether another follows."""
        span = requested_days(
            self.from_, self.to, until_ms=now_ms + 1, days=DEFAULT_DAYS, most_days=MOST_DAYS
        )
        at_ms, _, last_id = (self.before or "").partition("-")
        return AnomalySearch(
            from_ms=span.from_ms,
            to_ms=span.to_ms,
            limit=self.per_page + 1,
            kinds=frozenset(self.kinds),
            coin_id=self.coin_id,
            severities=frozenset(self.severities),
            before=(int(at_ms), last_id) if self.before else None,
        )

    def next_page(self, last: Anomaly, searched: AnomalySearch) -> str:
        """Path of the page after an episode; its range stands still while time goes on."""
        query: list[tuple[str, str]] = [
            ("from", rfc3339(moment(searched.from_ms))),
            ("to", rfc3339(moment(searched.to_ms))),
            ("per_page", str(self.per_page)),
            ("before", f"{last.started_at_ms}-{last.anomaly_id}"),
            *(("kind", kind) for kind in self.kinds),
            *(("severity", severity) for severity in self.severities),
        ]
        if self.coin_id is not None and self.path == "/anomalies":
            query.append(("coin", self.coin_id))
        return f"{self.path}?{urlencode(query)}"


async def _listed(held: Services, asked: Asked) -> Response:
    known = await held.latest.get()
    if asked.coin_id is not None:
        require_coin(asked.coin_id, known)
    search = asked.search(held.clock.now_ms())
    found = await held.store.anomalies(search)
    page = found[: asked.per_page]
    following = asked.next_page(page[-1], search) if len(found) > len(page) else None
    meta = _meta(page, held, known, to_ms=search.to_ms, following=following)
    return answer(Envelope(data=[anomaly_row(one) for one in page], meta=meta))


def anomaly_row(one: Anomaly) -> AnomalyRow:
    """An episode in the API's words."""
    return AnomalyRow(
        anomaly_id=one.anomaly_id, revision=one.revision, phase=one.phase, kind=one.kind,
        severity=one.severity, coin_id=one.coin_id, source=one.source, symbol=one.symbol,
        quote=one.quote, other_source=one.other_source, other_symbol=one.other_symbol,
        other_coin_id=one.other_coin_id, started_at=moment(one.started_at_ms),
        detected_at=moment(one.detected_at_ms), peaked_at=moment(one.peaked_at_ms),
        resolved_at=optional_moment(one.resolved_at_ms), observed_at=moment(one.observed_at_ms),
        value=one.value, peak_value=one.peak_value, expected=one.expected, score=one.score,
        threshold=one.threshold, unit=one.unit, n=one.n,
        window_s=None if one.window_ms is None else one.window_ms / 1000, sentence=one.sentence,
    )  # fmt: skip


def _meta(
    found: tuple[Anomaly, ...] | list[Anomaly],
    held: Services,
    known: Known,
    *,
    to_ms: int,
    following: str | None,
) -> Meta:
    """Stale where the trades that anomalies are made of do not reach the end of the range."""
    traded = [one.last_traded_at_ms for coin in known.candles.values() for one in coin]
    newest_ms = max((at for at in traded if at is not None), default=None)
    return Meta(
        as_of=optional_moment(max((one.observed_at_ms for one in found), default=None)),
        is_stale=not held.freshness.are_candles_fresh(newest_ms, until_ms=to_ms),
        source=", ".join(sorted({one.source for one in found})) or None,
        next=following,
    )
