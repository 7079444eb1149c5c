"""Indicators of a market at the close of each of its final bars."""

import asyncio
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.answers import MEDIA_TYPE
from api.dependencies import ServicesDep
from api.envelope import Answer, Layer, Moment, rfc3339
from api.intervals import (
    AnalyticsInterval,
    moment,
    optional_moment,
)
from api.markets import (
    From,
    MarketMeta,
    Symbol,
    To,
    asked,
    last_traded_ms,
    segments,
)
from api.problems import InvalidRequest, NotFound, StoreDown, responses
from market.intervals import INTERVAL_MS
from market.store.measurements import WARM_AFTER_BARS
from market.store.rows import AnalyticsRow, AnalyticsSeries

router = APIRouter(tags=["analytics"])

_PRICE = "Quote currency."


class Analytics(Answer):
    """Indicators at the close of the bar that opens at `open_time`; null where undefined."""

    open_time: Moment
    close: float = Field(description=_PRICE)
    sma_5: float | None = Field(description=_PRICE)
    sma_10: float | None = Field(description=_PRICE)
    sma_20: float | None = Field(description=_PRICE)
    sma_50: float | None = Field(description=_PRICE)
    ema_5: float | None = Field(description=_PRICE)
    ema_10: float | None = Field(description=_PRICE)
    ema_20: float | None = Field(description=_PRICE)
    ema_50: float | None = Field(description=_PRICE)
    bollinger_upper_20: float | None = Field(description=_PRICE)
    bollinger_lower_20: float | None = Field(description=_PRICE)
    rsi_14: float | None = Field(description="0 to 100.")
    macd: float | None = Field(description=_PRICE)
    macd_signal: float | None = Field(description=_PRICE)
    macd_histogram: float | None = Field(description=_PRICE)
    atr_14: float | None = Field(description=_PRICE)
    realised_volatility_20_pct: float | None = Field(description="A year, percent.")
    momentum_10_pct: float | None = Field(description="Against the close ten bars before.")
    volume_ratio_20: float | None = Field(description="Volume over the mean of the 20 bars before.")
    buy_sell_ratio: float | None = Field(description="Volume whose taker bought over sold.")
    bars: int | None = Field(description="Bars that the indicators have seen, this one included.")
    layer: Layer


class AnalyticsMeta(MarketMeta):
    """Meta of analytics."""

    warm_after_bars: dict[str, int] = Field(
        description="By field: how many `bars` it takes until where the series began no longer "
        "shows in it. Fields that are not named are exact as soon as they are not null."
    )


class AnalyticsAnswer(Answer):
    """Rows ascending by `open_time`, one a final bar; an interval without trades has none."""

    data: list[Analytics]
    meta: AnalyticsMeta


@router.get(
    "/coins/{coin_id}/analytics",
    response_model=AnalyticsAnswer,
    responses=responses(NotFound, InvalidRequest, StoreDown),
)
async def get_analytics(
    coin_id: str,
    held: ServicesDep,
    *,
    symbol: Symbol = None,
    interval: Annotated[AnalyticsInterval, Query()] = "1m",
    from_: From = None,
    to: To = None,
) -> Response:
    """Indicators at the bars that open in [from, to)."""
    found = await asked(held, coin_id, symbol, interval=interval, from_=from_, to=to)
    market, span = found.market, found.span
    series = await held.store.analytics(
        market, interval=interval, from_ms=span.from_ms, to_ms=span.to_ms, now_ms=found.now_ms
    )
    as_of_ms = series.rows[-1].close_time_ms if series.rows else None
    fresh = held.freshness.are_analytics_fresh(
        as_of_ms,
        interval_ms=INTERVAL_MS[interval],
        traded_at_ms=last_traded_ms(market, found.known),
        final_through_ms=series.final_through_ms,
        until_ms=span.to_ms,
    )
    meta = AnalyticsMeta(
        as_of=optional_moment(as_of_ms),
        is_stale=not fresh,
        source=market.source if series.rows else None,
        segments=segments(series.rows),
        symbol=market.symbol,
        interval=interval,
        quote=market.quote,
        final_through=optional_moment(series.final_through_ms),
        warm_after_bars=dict(WARM_AFTER_BARS),
    )
    # In a thread: ten thousand rows would keep everybody else waiting.
    return Response(await asyncio.to_thread(_body, series, meta), media_type=MEDIA_TYPE)


def _body(series: AnalyticsSeries, meta: AnalyticsMeta) -> bytes:
    """The answer; rows past their models as for candles, a test holds both equal."""
    rows = [analytics_row(row) for row in series.rows]
    return orjson.dumps({"data": rows, "meta": meta.model_dump(mode="json", by_alias=True)})


def analytics_row(row: AnalyticsRow) -> dict[str, Any]:
    """A row with the fields of Analytics, in their order."""
    return {
        "open_time": rfc3339(moment(row.open_time_ms)),
        "close": row.close,
        **row.indicators,
        "bars": row.bars,
        "layer": row.layer,
    }
