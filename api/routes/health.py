"""Whether the platform answers and its numbers are fresh. Both routes answer while all is down."""

import asyncio
from importlib.metadata import version
from typing import Literal

from fastapi import APIRouter, Response

from api.answers import answer
from api.dependencies import Services, ServicesDep
from api.envelope import Answer, Envelope, Meta, Moment
from api.intervals import moment, optional_moment
from api.latest import Known
from api.problems import STORE_RETRY_AFTER_S
from market.errors import StoreUnavailable
from market.store.freshness import SNAPSHOT_SOURCES
from market.store.rows import StoreStatus

router = APIRouter(tags=["health"])

# Health is for supervisors: a database that takes longer than this is as good as down.
PATIENCE_S = 2.0
AGAIN = {"Retry-After": str(STORE_RETRY_AFTER_S)}
DOWN = "The database does not answer."


class PartHealth(Answer):
    """One part of the platform; `prices` and `trades` judge the freshness of the numbers."""

    name: str
    is_up: bool
    detail: str
    observed_at: Moment | None
    age_s: float | None


class PlatformClock(Answer):
    """The clock by which freshness goes: wall time, or the scenario's in a demo."""

    now: Moment
    speed: float
    is_replay: bool
    scenario: str | None


class Health(Answer):
    """Ready means that the database answers and prices or trades are fresh."""

    status: Literal["ok", "degraded", "down"]
    is_live: bool
    is_ready: bool
    parts: list[PartHealth]
    clock: PlatformClock
    version: str


class InfluxHealth(Answer):
    """InfluxDB's own answer."""

    is_up: bool
    detail: str
    latency_ms: float | None
    version: str | None


@router.get(
    "/health",
    response_model=Envelope[Health],
    responses={503: {"model": Envelope[Health], "description": "Not ready"}},
)
async def get_health(held: ServicesDep) -> Response:
    """200 when ready, 503 with Retry-After when not; the body is the same."""
    status, known, kafka = await asyncio.gather(
        _store_status(held), _known(held), held.kafka.state()
    )
    parts = [
        PartHealth(
            name="kafka", is_up=kafka.is_up, detail=kafka.detail, observed_at=None, age_s=None
        ),
        PartHealth(
            name="influxdb",
            is_up=status is not None,
            detail="Answers." if status else DOWN,
            observed_at=None,
            age_s=None,
        ),
        _prices(known, held),
        _trades(known, held),
    ]
    health = _health(parts, held)
    meta = Meta(
        as_of=max((part.observed_at for part in parts if part.observed_at), default=None),
        is_stale=not any(part.is_up for part in parts if part.name in ("prices", "trades")),
        source=None,
    )
    envelope = Envelope(data=health, meta=meta)
    return answer(envelope) if health.is_ready else answer(envelope, status=503, headers=AGAIN)


@router.get(
    "/health/influx",
    response_model=Envelope[InfluxHealth],
    responses={503: {"model": Envelope[InfluxHealth], "description": "Down"}},
)
async def get_influx_health(held: ServicesDep) -> Response:
    """200 when InfluxDB answers, else 503 with Retry-After."""
    status = await _store_status(held)
    health = InfluxHealth(
        is_up=status is not None,
        detail="Answers." if status else DOWN,
        latency_ms=status.latency_ms if status else None,
        version=status.version if status else None,
    )
    meta = Meta(as_of=None, is_stale=status is None, source="influxdb")
    envelope = Envelope(data=health, meta=meta)
    return answer(envelope) if health.is_up else answer(envelope, status=503, headers=AGAIN)


async def _store_status(held: Services) -> StoreStatus | None:
    try:
        return await asyncio.wait_for(held.store.status(), PATIENCE_S)
    except (StoreUnavailable, TimeoutError):
        return None


async def _known(held: Services) -> Known | None:
    try:
        return await asyncio.wait_for(held.latest.get(), PATIENCE_S)
    except (StoreUnavailable, TimeoutError):
        return None


def _prices(known: Known | None, held: Services) -> PartHealth:
    snapshots = known.snapshots.values() if known else ()
    times = (one.observed_at_ms for several in snapshots for one in several)
    newest_ms = max(times, default=None)
    fresh = held.freshness.is_snapshot_fresh(newest_ms)
    return _fed("prices", SNAPSHOT_SOURCES[0], newest_ms, fresh, held)


def _trades(known: Known | None, held: Services) -> PartHealth:
    candles = known.candles.values() if known else ()
    times = (one.last_traded_at_ms for several in candles for one in several)
    newest_ms = max((at for at in times if at is not None), default=None)
    fresh = held.freshness.is_trade_fresh(newest_ms)
    return _fed("trades", "the exchanges", newest_ms, fresh, held)


def _fed(name: str, feeder: str, newest_ms: int | None, fresh: bool, held: Services) -> PartHealth:
    if newest_ms is None:
        detail = f"Nothing from {feeder} is in the database yet, or it does not answer."
    else:
        detail = "Fresh." if fresh else f"Nothing new from {feeder}."
    return PartHealth(
        name=name,
        is_up=fresh,
        detail=detail,
        observed_at=optional_moment(newest_ms),
        age_s=None if newest_ms is None else max(0, held.clock.now_ms() - newest_ms) / 1000,
    )


def _health(parts: list[PartHealth], held: Services) -> Health:
    up = {part.name for part in parts if part.is_up}
    is_ready = "influxdb" in up and bool(up & {"prices", "trades"})
    if not is_ready:
        status: Literal["ok", "degraded", "down"] = "down"
    else:
        status = "ok" if len(up) == len(parts) else "degraded"
    clock = PlatformClock(
        now=moment(held.clock.now_ms()),
        speed=held.clock.speed,
        is_replay=held.clock.scenario is not None,
        scenario=held.clock.scenario,
    )
    return Health(
        status=status,
        is_live=True,
        is_ready=is_ready,
        parts=parts,
        clock=clock,
        version=version("cryptoviz"),
    )
