"""Holes in trades as their agent recorded them: why, and what became of them.

The gaps in an answer of candles are derived from the ids of bars instead: what is not held, whoever
knows of it.
"""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.answers import answer
from api.dependencies import ServicesDep
from api.envelope import Answer, Envelope, Meta, Moment
from api.intervals import moment, optional_moment, requested_days
from api.markets import From, To
from api.problems import InvalidRequest, StoreDown, responses
from market.store.pulse import GapRow

router = APIRouter(tags=["gaps"])

DEFAULT_DAYS, MOST_DAYS = 1, 31
State = Literal["open", "repaired", "upstream_missing"]


class RecordedGap(Answer):
    """Missing trades of one market, ids inclusive."""

    source: str
    symbol: str
    coin_id: str
    from_id: int
    to_id: int
    from_: Moment = Field(alias="from", description="Last trade before it.")
    to: Moment = Field(description="First trade after it.")
    cause: str = Field(description="restart, reconnect, skipped, overflow or kafka.")
    state: str = Field(description="open, repaired, or upstream_missing: not to be had.")
    missing_trades: int
    repaired_trades: int
    observed_at: Moment = Field(description="When this state was reached.")
    age_s: float


@router.get(
    "/gaps",
    response_model=Envelope[list[RecordedGap]],
    responses=responses(InvalidRequest, StoreDown),
)
async def list_gaps(
    held: ServicesDep,
    *,
    state: Annotated[State | None, Query()] = None,
    from_: From = None,
    to: To = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
) -> Response:
    """Gaps that begin in [from, to), the newest first; the last day where left out."""
    now_ms = held.freshness.now_ms
    span = requested_days(from_, to, until_ms=now_ms, days=DEFAULT_DAYS, most_days=MOST_DAYS)
    rows = await held.store.pulse.gaps(from_ms=span.from_ms, to_ms=span.to_ms)
    shown = [row for row in rows if state in (None, row.state)][:limit]
    newest_ms = max((row.observed_at_ms for row in shown), default=None)
    # That there is none is as true as the sources are heard of; /sources tells that.
    meta = Meta(as_of=optional_moment(newest_ms), is_stale=False, source=None)
    return answer(Envelope(data=[_gap(row, now_ms) for row in shown], meta=meta))


def _gap(row: GapRow, now_ms: int) -> RecordedGap:
    return RecordedGap.model_validate(
        {
            "source": row.source,
            "symbol": row.symbol,
            "coin_id": row.coin_id,
            "from_id": row.from_id,
            "to_id": row.to_id,
            "from": moment(row.from_ms),
            "to": moment(row.to_ms),
            "cause": row.cause,
            "state": row.state,
            "missing_trades": row.missing_trades,
            "repaired_trades": row.repaired_trades,
            "observed_at": moment(row.observed_at_ms),
            "age_s": max(now_ms - row.observed_at_ms, 0) / 1000,
        }
    )
