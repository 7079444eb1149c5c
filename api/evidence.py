"""What an anomaly is judged by, to be drawn: bars of the markets and snapshots of the coins that it
names, from before it began until after its end.

Milliseconds UTC inside, RFC 3339 outside.
"""

import asyncio
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from api.dependencies import MarketStore
from api.envelope import Answer, Moment
from api.intervals import moment
from market.coins import QUOTES
from market.intervals import INTERVAL_MS
from market.main_market import Market
from market.store.anomalies import Anomaly

Span = tuple[int, int]
EvidenceInterval = Literal["1s", "1m", "5m", "1h"]
MINUTE_MS = 60_000
# Room on both sides: as long as the episode itself, within these.
LEAST_ROOM_MS, MOST_ROOM_MS = 10 * MINUTE_MS, 6 * 60 * MINUTE_MS
# An answer stays below this many bars a market.
MOST_BARS = 2_000


class EvidenceBar(Answer):
    """A bar; prices in the quote currency, volume in it too."""

    open_time: Moment
    open: float
    high: float
    low: float
    close: float
    quote_volume: float | None
    trades: int | None


class MarketEvidence(Answer):
    """A market around the episode; a bar without trades is absent."""

    source: str
    symbol: str
    coin_id: str
    quote: str
    interval: EvidenceInterval
    bars: list[EvidenceBar]


class EvidencePoint(Answer):
    """A snapshot, the last of its minute."""

    time: Moment
    price_usd: float | None
    market_cap_usd: float | None


class SnapshotEvidence(Answer):
    """A coin as a source of snapshots told it around the episode."""

    source: str
    coin_id: str
    points: list[EvidencePoint]


class Evidence(Answer):
    """Everything over [from, to)."""

    from_: Moment = Field(alias="from", description="Inclusive.")
    to: Moment = Field(description="Exclusive.")
    markets: list[MarketEvidence]
    snapshots: list[SnapshotEvidence]


async def evidence_of(one: Anomaly, store: MarketStore, *, now_ms: int) -> Evidence:
    """Reads it. Raises StoreUnavailable."""
    span = from_ms, to_ms = span_of(one, now_ms)
    interval = interval_of(to_ms - from_ms)
    markets, snapshots = await asyncio.gather(
        asyncio.gather(
            *(_bars(store, market, interval, span, now_ms) for market in markets_of(one))
        ),
        asyncio.gather(*(_points(store, *named, span) for named in snapshots_of(one))),
    )
    return Evidence.model_validate(
        {"from": moment(from_ms), "to": moment(to_ms), "markets": markets, "snapshots": snapshots}
    )


def span_of(one: Anomaly, now_ms: int) -> tuple[int, int]:
    """From before its start to after its end, or to now while it lasts; whole minutes."""
    last_ms = max(one.observed_at_ms, one.detected_at_ms, one.resolved_at_ms or now_ms)
    length_ms = last_ms - one.started_at_ms
    room_ms = min(max(length_ms, LEAST_ROOM_MS), MOST_ROOM_MS)
    from_ms = (one.started_at_ms - room_ms) // MINUTE_MS * MINUTE_MS
    to_ms = max(min(last_ms + room_ms, now_ms), one.started_at_ms)
    return from_ms, (to_ms // MINUTE_MS + 1) * MINUTE_MS


def interval_of(length_ms: int) -> EvidenceInterval:
    """The shortest bars that are few enough."""
    intervals: tuple[EvidenceInterval, ...] = ("1s", "1m", "5m", "1h")
    for interval in intervals:
        if length_ms <= MOST_BARS * INTERVAL_MS[interval]:
            return interval
    return intervals[-1]


def markets_of(one: Anomaly) -> Iterator[Market]:
    """The markets that it names, at most two."""
    named = ((one.source, one.symbol), (one.other_source or one.source, one.other_symbol))
    for source, symbol in named:
        if symbol is None or one.coin_id is None:
            continue
        quote = next((quote for quote in QUOTES if symbol.endswith(quote)), one.quote or "")
        yield Market(source, symbol, one.coin_id, quote)


def snapshots_of(one: Anomaly) -> Iterator[tuple[str, str]]:
    """The (source, coin) snapshots that it names."""
    if one.coin_id is None:
        return
    if one.symbol is None:
        yield one.source, one.coin_id
    if one.other_source is not None and one.other_symbol is None and one.other_coin_id is None:
        yield one.other_source, one.coin_id
    if one.other_coin_id is not None:
        yield one.other_source or one.source, one.other_coin_id


async def _bars(
    store: MarketStore, market: Market, interval: EvidenceInterval, span: Span, now_ms: int
) -> MarketEvidence:
    """Bars of a market; of a minute where its seconds are no longer kept."""
    from_ms, to_ms = span
    series = await store.candles(
        market, interval_ms=INTERVAL_MS[interval], from_ms=from_ms, to_ms=to_ms, now_ms=now_ms
    )
    if interval == "1s" and not series.bars:
        return await _bars(store, market, "1m", span, now_ms)
    bars = [
        EvidenceBar(
            open_time=moment(bar.open_time_ms),
            open=bar.open,
            high=bar.high,
            low=bar.low,
            close=bar.close,
            quote_volume=bar.quote_volume,
            trades=bar.trades,
        )
        for bar in series.bars
    ]
    return MarketEvidence(
        source=market.source,
        symbol=market.symbol,
        coin_id=market.coin_id,
        quote=market.quote,
        interval=interval,
        bars=bars,
    )


async def _points(store: MarketStore, source: str, coin_id: str, span: Span) -> SnapshotEvidence:
    from_ms, to_ms = span
    history = await store.history(coin_id, source, from_ms=from_ms, to_ms=to_ms, every_ms=MINUTE_MS)
    points = [
        EvidencePoint(
            time=moment(row.time_ms), price_usd=row.price_usd, market_cap_usd=row.market_cap_usd
        )
        for row in history.rows
    ]
    return SnapshotEvidence(source=source, coin_id=coin_id, points=points)
