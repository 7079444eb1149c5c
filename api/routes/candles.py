"""Candles of a market: provisional within a second, marked final when no trade can change them."""

import asyncio
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.answers import MEDIA_TYPE
from api.dependencies import Services, ServicesDep
from api.envelope import Answer, Layer, Moment, rfc3339
from api.intervals import (
    CandleInterval,
    TimeRange,
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
from market.main_market import Market
from market.store.rows import Bar, CandleSeries

router = APIRouter(tags=["candles"])


class Candle(Answer):
    """Prices in the quote currency, volume in the base. `trades` counts fills."""

    open_time: Moment
    open: float
    high: float
    low: float
    close: float
    volume: float
    quote_volume: float | None
    trades: int | None
    vwap: float | None
    buy_volume: float | None
    sell_volume: float | None
    first_trade_id: int | None
    last_trade_id: int | None
    coverage: float | None = Field(
        description="Held trade ids over expected ones; null where ids cannot say. "
        "Above 1 means that trades were counted twice."
    )
    is_final: bool = Field(description="True when no later trade can change it.")
    is_partial: bool = Field(
        description="True where our stream of trades began within it and nothing tells its "
        "beginning. A partial candle may be final: it stays partial."
    )
    layer: Layer


class Gap(Answer):
    """A hole in trades, told apart from minutes in which nobody traded."""

    from_: Moment = Field(alias="from", description="Inclusive.")
    to: Moment = Field(description="Exclusive.")
    missing_trades: int | None = Field(description="Null where ids cannot say.")


class CandleMeta(MarketMeta):
    """Meta of candles."""

    gaps: list[Gap]


class CandleAnswer(Answer):
    """Candles ascending by `open_time`; an interval without trades has no row."""

    data: list[Candle]
    meta: CandleMeta


@router.get(
    "/coins/{coin_id}/candles",
    response_model=CandleAnswer,
    responses=responses(NotFound, InvalidRequest, StoreDown),
)
async def get_candles(
    coin_id: str,
    held: ServicesDep,
    *,
    symbol: Symbol = None,
    interval: Annotated[CandleInterval, Query()] = "1m",
    from_: From = None,
    to: To = None,
) -> Response:
    """Bars that open in [from, to), merged from all layers."""
    found = await asked(held, coin_id, symbol, interval=interval, from_=from_, to=to)
    market, span = found.market, found.span
    series = await held.store.candles(
        market,
        interval_ms=INTERVAL_MS[interval],
        from_ms=span.from_ms,
        to_ms=span.to_ms,
        now_ms=found.now_ms,
    )
    meta = _meta(
        series, market, interval, span, held, traded_ms=last_traded_ms(market, found.known)
    )
    # In a thread: ten thousand rows would keep everybody else waiting.
    return Response(await asyncio.to_thread(_body, series, meta), media_type=MEDIA_TYPE)


def _body(series: CandleSeries, meta: CandleMeta) -> bytes:
    """The answer. As models the rows would take longer than the query; a test holds both equal."""
    rows = [candle_row(bar, series.is_final(bar)) for bar in series.bars]
    return orjson.dumps({"data": rows, "meta": meta.model_dump(mode="json", by_alias=True)})


def candle_row(bar: Bar, is_final: bool) -> dict[str, Any]:
    """A bar with the fields of Candle, in their order."""
    return {
        "open_time": rfc3339(moment(bar.open_time_ms)),
        "open": bar.open,
        "high": bar.high,
        "low": bar.low,
        "close": bar.close,
        "volume": bar.volume,
        "quote_volume": bar.quote_volume,
        "trades": bar.trades,
        "vwap": bar.vwap,
        "buy_volume": bar.buy_volume,
        "sell_volume": bar.sell_volume,
        "first_trade_id": bar.first_trade_id,
        "last_trade_id": bar.last_trade_id,
        "coverage": bar.coverage,
        "is_final": is_final,
        "is_partial": bar.is_partial,
        "layer": bar.layer,
    }


def _meta(
    series: CandleSeries,
    market: Market,
    interval: str,
    span: TimeRange,
    held: Services,
    *,
    traded_ms: int | None,
) -> CandleMeta:
    freshness = held.freshness
    as_of_ms = _as_of_ms(series, traded_ms, freshness.now_ms)
    through = [at for at in (as_of_ms, series.final_through_ms) if at is not None]
    fresh = freshness.are_candles_fresh(max(through, default=None), until_ms=span.to_ms)
    return CandleMeta(
        as_of=optional_moment(as_of_ms),
        is_stale=not fresh,
        source=market.source if series.bars else None,
        segments=segments(series.bars),
        symbol=market.symbol,
        interval=interval,
        quote=market.quote,
        final_through=optional_moment(series.final_through_ms),
        gaps=[
            Gap.model_validate(
                {
                    "from": moment(gap.from_ms),
                    "to": moment(gap.to_ms),
                    "missing_trades": gap.missing_trades,
                }
            )
            for gap in series.gaps
        ],
    )


def _as_of_ms(series: CandleSeries, traded_ms: int | None, now_ms: int) -> int | None:
    """The market's last trade where it is in the newest bar, else that bar's end, at most now."""
    if not series.bars:
        return None
    newest = series.bars[-1]
    if traded_ms is not None and traded_ms >= newest.open_time_ms:
        return min(traded_ms, newest.close_time_ms)
    return min(newest.close_time_ms, now_ms)
