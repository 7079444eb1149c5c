"""Candles of a market: provisional within a second, marked final when no trade can change them."""

import asyncio
from itertools import groupby
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, Field

from api.answers import MEDIA_TYPE
from api.dependencies import Services, ServicesDep
from api.envelope import Answer, Layer, Meta, Moment, Segment, rfc3339
from api.intervals import (
    INTERVAL_MS,
    CandleInterval,
    TimeRange,
    moment,
    optional_moment,
    requested_range,
)
from api.latest import Known
from api.problems import InvalidRequest, NotFound, StoreDown, responses
from api.routes.coins import require_coin
from market.coins import Market, default_symbols, main_market, market_of
from market.store.freshness import market_of_candle
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
    layer: Layer


class Gap(Answer):
    """A hole in trades, told apart from minutes in which nobody traded."""

    from_: Moment = Field(alias="from", description="Inclusive.")
    to: Moment = Field(description="Exclusive.")
    missing_trades: int | None = Field(description="Null where ids cannot say.")


class CandleMeta(Meta):
    """Meta of candles."""

    symbol: str
    interval: str
    quote: str
    final_through: Moment | None = Field(
        description="Bars of trades that close at or before it are final."
    )
    gaps: list[Gap]


class CandleAnswer(Answer):
    """Candles ascending by `open_time`; minutes without trades have no row."""

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
    symbol: Annotated[
        str | None,
        Query(max_length=32, description="Market such as BTCUSDC; the main market if left out."),
    ] = None,
    interval: Annotated[CandleInterval, Query()] = "1m",
    from_: Annotated[
        AwareDatetime | None, Query(alias="from", description="Inclusive; 300 bars before `to`.")
    ] = None,
    to: Annotated[AwareDatetime | None, Query(description="Exclusive; now if left out.")] = None,
) -> Response:
    """Bars that open in [from, to), merged from all layers."""
    now_ms = held.clock.now_ms()
    span = requested_range(
        from_, to, interval=interval, now_ms=now_ms, max_bars=held.settings.api_max_bars
    )
    known = await held.latest.get()
    require_coin(coin_id, known)
    market = _market(coin_id, symbol, known)
    series = await held.store.candles(
        market,
        interval_ms=INTERVAL_MS[interval],
        from_ms=span.from_ms,
        to_ms=span.to_ms,
        now_ms=now_ms,
    )
    meta = _meta(
        series, market, interval, span, held, last_traded_ms=_last_traded_ms(market, known)
    )
    # In a thread: ten thousand rows would keep everybody else waiting.
    return Response(await asyncio.to_thread(_body, series, meta), media_type=MEDIA_TYPE)


def _body(series: CandleSeries, meta: CandleMeta) -> bytes:
    """The answer. As models the rows would take longer than the query; a test holds both equal."""
    rows = [candle_row(bar, series.is_final(bar)) for bar in series.bars]
    return orjson.dumps({"data": rows, "meta": meta.model_dump(mode="json", by_alias=True)})


def _market(coin_id: str, symbol: str | None, known: Known) -> Market:
    """The market asked for, else the main one. Raises NotFound and names those that exist."""
    markets = [market_of_candle(candle) for candle in known.candles.get(coin_id, ())]
    if not markets:  # nothing written yet: the markets that would be followed
        followed = (market_of("binance", one) for one in default_symbols("binance"))
        markets = [market for market in followed if market.coin_id == coin_id]
    if symbol is not None:
        found = [market for market in markets if market.symbol == symbol]
        if found:
            return found[0]
        names = ", ".join(sorted(market.symbol for market in markets)) or "none"
        raise NotFound(f"{coin_id} has no market {symbol!r}; its markets: {names}.")
    main = main_market(markets) or next(iter(markets), None)
    if main is None:
        raise NotFound(f"{coin_id} is traded on no market that is followed.")
    return main


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
        "layer": bar.layer,
    }


def _last_traded_ms(market: Market, known: Known) -> int | None:
    candles = known.candles.get(market.coin_id, ())
    return next((one.last_traded_at_ms for one in candles if market_of_candle(one) == market), None)


def _meta(
    series: CandleSeries,
    market: Market,
    interval: str,
    span: TimeRange,
    held: Services,
    *,
    last_traded_ms: int | None,
) -> CandleMeta:
    freshness = held.freshness
    as_of_ms = _as_of_ms(series, last_traded_ms, freshness.now_ms)
    through = [at for at in (as_of_ms, series.final_through_ms) if at is not None]
    fresh = freshness.are_candles_fresh(max(through, default=None), until_ms=span.to_ms)
    return CandleMeta(
        as_of=optional_moment(as_of_ms),
        is_stale=not fresh,
        source=market.source if series.bars else None,
        segments=_segments(series.bars),
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


def _as_of_ms(series: CandleSeries, last_traded_ms: int | None, now_ms: int) -> int | None:
    """The market's last trade where it is in the newest bar, else that bar's end, at most now."""
    if not series.bars:
        return None
    newest = series.bars[-1]
    if last_traded_ms is not None and last_traded_ms >= newest.open_time_ms:
        return min(last_traded_ms, newest.close_time_ms)
    return min(newest.close_time_ms, now_ms)


def _segments(bars: tuple[Bar, ...]) -> list[Segment]:
    """Consecutive bars of one layer as one stretch."""
    segments = []
    for layer, run in groupby(bars, key=lambda bar: bar.layer):
        stretch = list(run)
        segments.append(
            Segment.model_validate(
                {
                    "layer": layer,
                    "from": moment(stretch[0].open_time_ms),
                    "to": moment(stretch[-1].close_time_ms),
                }
            )
        )
    return segments
