"""The whole market: totals as a source counts them, and what all followed coins did together."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.answers import answer
from api.dependencies import ServicesDep
from api.envelope import Answer, Envelope, Meta, Moment
from api.intervals import AnalyticsInterval, moment, optional_moment, requested_range
from api.markets import From, To
from api.problems import InvalidRequest, StoreDown, responses
from market.intervals import INTERVAL_MS
from market.store.freshness import Freshness, preferred_source
from market.store.rows import CrossSectionRow, GlobalTotals

router = APIRouter(tags=["global"])


class Totals(Answer):
    """Sums over all coins that the source counts."""

    source: str
    observed_at: Moment
    collected_at: Moment | None
    is_stale: bool
    market_cap_usd: float | None
    market_cap_change_24h_pct: float | None
    volume_24h_usd: float | None
    btc_dominance_pct: float | None
    eth_dominance_pct: float | None
    active_coins: int | None
    markets: int | None


class CrossSection(Answer):
    """All followed coins that traded within one bar, each by its main market."""

    interval: AnalyticsInterval
    open_time: Moment
    coins: int | None = Field(description="Coins that traded.")
    advancing: int | None = Field(description="Coins that closed above their open.")
    declining: int | None = Field(description="Coins that closed below their open.")
    breadth_pct: float | None = Field(description="Share of coins that advanced.")
    quote_volume_usd: float | None = Field(description="USDT and USDC are taken for dollars.")
    btc_volume_share_pct: float | None
    eth_volume_share_pct: float | None
    weighted_return_pct: float | None = Field(
        description="Mean of close / open - 1, weighted by quote volume."
    )
    index: float | None = Field(
        description="Weighted returns chained from 100 at the range's start; null outside of one."
    )


class GlobalMarketAnswer(Answer):
    """What is known now; parts that nobody has written yet are absent."""

    totals: Totals | None
    cross_sections: list[CrossSection] = Field(description="The newest of 1m and of 1h.")


@router.get("/global", response_model=Envelope[GlobalMarketAnswer], responses=responses(StoreDown))
async def get_global(held: ServicesDep) -> Response:
    """The newest totals and the newest cross-sections."""
    freshness = held.freshness
    known = await held.store.global_market(now_ms=freshness.now_ms)
    preferred = preferred_source(known.totals)
    totals = None if preferred is None else _totals(preferred, freshness)
    fresh = [
        *([] if totals is None else [not totals.is_stale]),
        *(_is_fresh(row, freshness, until_ms=freshness.now_ms) for row in known.cross_sections),
    ]
    observed = [
        *([] if preferred is None else [preferred.observed_at_ms]),
        *(row.close_time_ms for row in known.cross_sections),
    ]
    meta = Meta(
        as_of=optional_moment(max(observed, default=None)),
        is_stale=not any(fresh),
        source=preferred.source if preferred else None,
    )
    found = GlobalMarketAnswer(
        totals=totals, cross_sections=[_cross_section(row) for row in known.cross_sections]
    )
    return answer(Envelope(data=found, meta=meta))


@router.get(
    "/global/cross-sections",
    response_model=Envelope[list[CrossSection]],
    responses=responses(InvalidRequest, StoreDown),
)
async def list_cross_sections(
    held: ServicesDep,
    *,
    interval: Annotated[AnalyticsInterval, Query()] = "1h",
    from_: From = None,
    to: To = None,
) -> Response:
    """Cross-sections of the bars that open in [from, to), ascending, with the chained index."""
    freshness = held.freshness
    span = requested_range(
        from_,
        to,
        interval=interval,
        now_ms=freshness.now_ms,
        max_bars=held.settings.api_max_bars,
    )
    rows = await held.store.cross_sections(
        interval=interval, from_ms=span.from_ms, to_ms=span.to_ms
    )
    meta = Meta(
        as_of=moment(rows[-1].close_time_ms) if rows else None,
        is_stale=not (rows and _is_fresh(rows[-1], freshness, until_ms=span.to_ms)),
        source=None,
    )
    return answer(Envelope(data=[_cross_section(row) for row in rows], meta=meta))


def _totals(totals: GlobalTotals, freshness: Freshness) -> Totals:
    return Totals(
        source=totals.source,
        observed_at=moment(totals.observed_at_ms),
        collected_at=optional_moment(totals.collected_at_ms),
        is_stale=not freshness.is_snapshot_fresh(totals.observed_at_ms),
        market_cap_usd=totals.market_cap_usd,
        market_cap_change_24h_pct=totals.market_cap_change_24h_pct,
        volume_24h_usd=totals.volume_24h_usd,
        btc_dominance_pct=totals.btc_dominance_pct,
        eth_dominance_pct=totals.eth_dominance_pct,
        active_coins=totals.active_coins,
        markets=totals.markets,
    )


def _is_fresh(row: CrossSectionRow, freshness: Freshness, *, until_ms: int) -> bool:
    """A closed bar is the newest there can be until the next one closes."""
    next_close_ms = row.close_time_ms + INTERVAL_MS[row.interval]
    return freshness.are_candles_fresh(next_close_ms, until_ms=until_ms)


def _cross_section(row: CrossSectionRow) -> CrossSection:
    return CrossSection.model_validate(
        {
            "interval": row.interval,
            "open_time": moment(row.open_time_ms),
            "coins": row.coins,
            "advancing": row.advancing,
            "declining": row.declining,
            "breadth_pct": row.breadth_pct,
            "quote_volume_usd": row.quote_volume_usd,
            "btc_volume_share_pct": row.btc_volume_share_pct,
            "eth_volume_share_pct": row.eth_volume_share_pct,
            "weighted_return_pct": row.weighted_return_pct,
            "index": row.index,
        }
    )
