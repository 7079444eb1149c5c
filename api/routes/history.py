"""How a coin's price, capitalisation and volume went, out of its snapshots."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, Field

from api.answers import answer
from api.dependencies import ServicesDep
from api.envelope import Answer, Envelope, Meta, Moment
from api.intervals import (
    HistoryInterval,
    moment,
    optional_moment,
    requested_range,
)
from api.latest import require_coin
from api.problems import InvalidRequest, NotFound, StoreDown, responses
from market.intervals import INTERVAL_MS
from market.store.freshness import SNAPSHOT_SOURCES, preferred_source
from market.store.rows import HistoryRow

router = APIRouter(tags=["coins"])


class HistoryPoint(Answer):
    """The last values seen in the window that opens at `time`. Windows without any have no row."""

    time: Moment = Field(description="Start of the window.")
    price_usd: float | None
    market_cap_usd: float | None
    volume_24h_usd: float | None


@router.get(
    "/coins/{coin_id}/history",
    response_model=Envelope[list[HistoryPoint]],
    responses=responses(NotFound, InvalidRequest, StoreDown),
)
async def get_history(
    coin_id: str,
    held: ServicesDep,
    *,
    from_: Annotated[AwareDatetime | None, Query(alias="from", description="Inclusive.")] = None,
    to: Annotated[AwareDatetime | None, Query(description="Exclusive; now if left out.")] = None,
    interval: Annotated[HistoryInterval, Query(description="Distance of the points.")] = "5m",
) -> Response:
    """Snapshots of the coin, the last of each window."""
    span = requested_range(
        from_,
        to,
        interval=interval,
        now_ms=held.clock.now_ms(),
        max_bars=held.settings.api_max_bars,
    )
    known = await held.latest.get()
    require_coin(coin_id, known)
    preferred = preferred_source(known.snapshots.get(coin_id, ()))
    source = preferred.source if preferred else SNAPSHOT_SOURCES[0]
    history = await held.store.history(
        coin_id, source, from_ms=span.from_ms, to_ms=span.to_ms, every_ms=INTERVAL_MS[interval]
    )
    fresh = held.freshness.is_snapshot_fresh(history.observed_at_ms, until_ms=span.to_ms)
    meta = Meta(
        as_of=optional_moment(history.observed_at_ms),
        is_stale=not fresh,
        source=source if history.rows else None,
    )
    return answer(Envelope(data=[_point(row) for row in history.rows], meta=meta))


def _point(row: HistoryRow) -> HistoryPoint:
    return HistoryPoint(
        time=moment(row.time_ms),
        price_usd=row.price_usd,
        market_cap_usd=row.market_cap_usd,
        volume_24h_usd=row.volume_24h_usd,
    )
