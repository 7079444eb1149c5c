"""What each agent says of itself, by its newest heartbeat."""

from fastapi import APIRouter, Response
from pydantic import Field

from api.answers import answer
from api.dependencies import ServicesDep
from api.envelope import Answer, Envelope, Meta, Moment
from api.intervals import moment, optional_moment
from api.problems import StoreDown, responses
from market.store.pulse import SourceRow

router = APIRouter(tags=["sources"])


class Source(Answer):
    """An agent; counts are since its start."""

    source: str = Field(description="The agent's name.")
    state: str | None = Field(description="running, degraded, off or done.")
    reason: str | None = Field(description="One sentence, null while all is well.")
    is_heard: bool = Field(description="False when its heartbeats have stopped.")
    breaker: str | None = Field(description="closed, half_open or open.")
    last_event_at: Moment | None
    last_success_at: Moment | None
    lag_ms: int | None = Field(description="Collected minus observed of its newest record.")
    minute_calls_left: int | None
    month_calls_left: int | None
    month_calls_projected: int | None
    accepted: int | None
    duplicate: int | None
    rejected: int | None
    passed_over: int | None
    torn_fills: int | None
    open_gaps: int | None
    repaired_trades: int | None
    silent_symbols: list[str]
    observed_at: Moment
    age_s: float


@router.get("/sources", response_model=Envelope[list[Source]], responses=responses(StoreDown))
async def list_sources(held: ServicesDep) -> Response:
    """Every agent that gave a heartbeat within a day, by name."""
    freshness = held.freshness
    rows = await held.store.pulse.sources(now_ms=freshness.now_ms)
    # A trade is fresh for six heartbeats, with a replay's allowance.
    heard = {row.source: freshness.is_trade_fresh(row.observed_at_ms) for row in rows}
    newest_ms = max((row.observed_at_ms for row in rows), default=None)
    meta = Meta(as_of=optional_moment(newest_ms), is_stale=not any(heard.values()), source=None)
    found = [_source(row, is_heard=heard[row.source], now_ms=freshness.now_ms) for row in rows]
    return answer(Envelope(data=found, meta=meta))


def _source(row: SourceRow, *, is_heard: bool, now_ms: int) -> Source:
    return Source(
        source=row.source,
        state=row.state,
        reason=row.reason or None,
        is_heard=is_heard or row.state == "done",
        breaker=row.breaker,
        last_event_at=optional_moment(row.last_event_at_ms),
        last_success_at=optional_moment(row.last_success_at_ms),
        lag_ms=row.lag_ms,
        minute_calls_left=row.minute_calls_left,
        month_calls_left=row.month_calls_left,
        month_calls_projected=row.month_calls_projected,
        accepted=row.accepted,
        duplicate=row.duplicate,
        rejected=row.rejected,
        passed_over=row.passed_over,
        torn_fills=row.torn_fills,
        open_gaps=row.open_gaps,
        repaired_trades=row.repaired_trades,
        silent_symbols=row.silent_symbols.split(",") if row.silent_symbols else [],
        observed_at=moment(row.observed_at_ms),
        age_s=max(now_ms - row.observed_at_ms, 0) / 1000,
    )
