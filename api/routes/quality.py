"""How far each series can be trusted: 0 to 100, with its parts and the reason of the worst."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.answers import answer
from api.dependencies import ServicesDep
from api.envelope import Answer, Envelope, Meta, Moment
from api.intervals import moment, optional_moment
from api.problems import InvalidRequest, StoreDown, responses
from market.store.freshness import Freshness
from market.store.pulse import QualityRow

router = APIRouter(tags=["quality"])

# Looked for this far back; in a replay a minute is judged every ten seconds of real time.
LOOK_BACK_MS = 3_600_000
REPLAY_MS = 600_000
# A minute is given 90 s after its end, and some seconds later it is here.
FRESH_MS = 300_000
_PART = "0 to 100, null where it cannot be judged."


class Quality(Answer):
    """One series over the minute that ends at `through`; see docs/methodology.md."""

    kind: Literal["market", "snapshot"] = Field(description="Trades of a market, or snapshots.")
    coin_id: str
    source: str
    symbol: str | None = Field(description="The market's, null for snapshots.")
    score: float = Field(description="0 to 100: the weighted geometric mean of the parts.")
    reason: str | None = Field(description="Why its worst part is not 100, null where all are.")
    freshness: float | None = Field(description=_PART)
    coverage: float | None = Field(description=_PART)
    agreement: float | None = Field(description=_PART)
    source_health: float | None = Field(description=_PART)
    repairs: float | None = Field(description=_PART)
    through: Moment
    age_s: float
    is_stale: bool


@router.get(
    "/quality",
    response_model=Envelope[list[Quality]],
    responses=responses(InvalidRequest, StoreDown),
)
async def list_quality(
    held: ServicesDep,
    *,
    coin_id: Annotated[str | None, Query(max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> Response:
    """The newest quality of each series, the worst first."""
    freshness = held.freshness
    replay_ms = round(REPLAY_MS * freshness.speed) if freshness.is_replay else 0
    rows = await held.store.pulse.quality(
        coin_id=coin_id,
        from_ms=freshness.now_ms - LOOK_BACK_MS - replay_ms,
        to_ms=freshness.now_ms,
    )
    found = [_quality(row, freshness) for row in rows[:limit]]
    newest_ms = max((row.through_ms for row in rows), default=None)
    meta = Meta(
        as_of=optional_moment(newest_ms),
        is_stale=newest_ms is None or _is_stale(newest_ms, freshness),
        source=None,
    )
    return answer(Envelope(data=found, meta=meta))


def _is_stale(through_ms: int, freshness: Freshness) -> bool:
    # Settling takes thirty seconds of real time, the micro-batches of the two jobs as much.
    return freshness.now_ms - through_ms > FRESH_MS + 6 * freshness.allowance_ms


def _quality(row: QualityRow, freshness: Freshness) -> Quality:
    return Quality.model_validate(
        {
            "kind": row.kind,
            "coin_id": row.coin_id,
            "source": row.source,
            "symbol": row.symbol,
            "score": row.score,
            "reason": row.reason or None,
            "freshness": row.freshness,
            "coverage": row.coverage,
            "agreement": row.agreement,
            "source_health": row.source_health,
            "repairs": row.repairs,
            "through": moment(row.through_ms),
            "age_s": max(freshness.now_ms - row.through_ms, 0) / 1000,
            "is_stale": _is_stale(row.through_ms, freshness),
        }
    )
