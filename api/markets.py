"""What the answers about one market share: which market, which layers, how far it is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Annotated, Protocol

from fastapi import Query
from pydantic import AwareDatetime, Field

from api.dependencies import Services
from api.envelope import Layer, Meta, Moment, Segment
from api.intervals import TimeRange, moment, requested_range
from api.latest import Known, require_coin
from api.problems import NotFound
from market.coins import default_symbols, market_of
from market.main_market import Market, main_market
from market.store.freshness import market_of_candle

Symbol = Annotated[
    str | None,
    Query(max_length=32, description="Market such as BTCUSDC; the main market if left out."),
]
From = Annotated[
    AwareDatetime | None, Query(alias="from", description="Inclusive; 300 bars before `to`.")
]
To = Annotated[AwareDatetime | None, Query(description="Exclusive; now if left out.")]


class MarketMeta(Meta):
    """Meta of answers about one market."""

    symbol: str
    interval: str
    quote: str
    final_through: Moment | None = Field(
        description="Bars of trades that close at or before it are final."
    )


class Layered(Protocol):
    """A row over [open_time_ms, close_time_ms) of one layer."""

    @property
    def open_time_ms(self) -> int:
        """Inclusive."""

    @property
    def close_time_ms(self) -> int:
        """Exclusive."""

    @property
    def layer(self) -> Layer:
        """Where it comes from."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question about one market means now."""

    market: Market
    span: TimeRange
    known: Known
    now_ms: int


async def asked(
    held: Services,
    coin_id: str,
    symbol: str | None,
    *,
    interval: str,
    from_: datetime | None,
    to: datetime | None,
) -> Asked:
    """The market and the range asked for. Raises InvalidRequest or NotFound."""
    now_ms = held.clock.now_ms()
    span = requested_range(
        from_, to, interval=interval, now_ms=now_ms, max_bars=held.settings.api_max_bars
    )
    known = await held.latest.get()
    require_coin(coin_id, known)
    return Asked(requested_market(coin_id, symbol, known), span, known, now_ms)


def requested_market(coin_id: str, symbol: str | None, known: Known) -> Market:
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


def last_traded_ms(market: Market, known: Known) -> int | None:
    """When the market's last trade was made, None without one."""
    candles = known.candles.get(market.coin_id, ())
    return next((one.last_traded_at_ms for one in candles if market_of_candle(one) == market), None)


def segments(rows: Sequence[Layered]) -> list[Segment]:
    """Consecutive rows of one layer as one stretch."""
    stretches = []
    for layer, run in groupby(rows, key=lambda row: row.layer):
        stretch = list(run)
        stretches.append(
            Segment.model_validate(
                {
                    "layer": layer,
                    "from": moment(stretch[0].open_time_ms),
                    "to": moment(stretch[-1].close_time_ms),
                }
            )
        )
    return stretches
