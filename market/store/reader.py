"""Reads the store. Readers see one series whatever layers it is made of.

All times are milliseconds UTC. Every method raises StoreUnavailable when InfluxDB does not answer
in time. Nothing here writes; what is kept in memory only saves queries.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync

from market.main_market import Market
from market.settings import InfluxReadSettings
from market.store import flux, shapes
from market.store.analytics import (
    analytics_rows,
    chained,
    cross_section_rows,
    speed_first,
    totals,
)
from market.store.annotated import time_ms
from market.store.anomalies import AnomaliesReader, Anomaly, AnomalySearch
from market.store.bars import BarsReader, Span
from market.store.beginnings import Beginnings, BeginningsReader
from market.store.client import FluxClient, instant
from market.store.compose import ceil_ms
from market.store.gaps import id_gaps, unpublished
from market.store.merge import DAY_MS, MINUTE_MS, SECOND_MS, chosen, merged
from market.store.news import NewsReader
from market.store.pulse import PulseReader
from market.store.rows import (
    AnalyticsRow,
    AnalyticsSeries,
    Bar,
    CandleSeries,
    CrossSectionRow,
    Gap,
    GlobalMarket,
    History,
    LastCandle,
    Latest,
    Layer,
    Snapshot,
    StoreStatus,
)

# After a longer break than this the market table starts empty instead of a month old.
LOOKBACK_MS = 30 * DAY_MS
# Clocks of exchanges run ahead of ours; anything further in the future is a mistake.
LOOKAHEAD_MS = 10 * MINUTE_MS


@asynccontextmanager
async def open_store(
    settings: InfluxReadSettings, timeout_s: float
) -> AsyncIterator["StoreReader"]:
    """A reader that gives up a query after `timeout_s` of real time."""
    async with InfluxDBClientAsync(
        url=settings.influx_url,
        token=settings.influx_read_token.get_secret_value(),
        org=settings.influx_org,
        timeout=round(timeout_s * 1000),
        enable_gzip=False,
    ) as client:
        yield StoreReader(
            FluxClient(client),
            bucket=settings.influx_bucket,
            speed_bucket=settings.influx_speed_bucket,
            seconds_bucket=settings.influx_seconds_bucket,
        )


class StoreReader:
    """Answers typed rows."""

    def __init__(
        self, client: FluxClient, *, bucket: str, speed_bucket: str, seconds_bucket: str
    ) -> None:
        self._client = client
        self._buckets: dict[Layer, str] = {"speed": speed_bucket, "external": bucket}
        self._marks: dict[tuple[str, str], object] = {}
        self._snapshots: tuple[Snapshot, ...] = ()
        self._beginnings = BeginningsReader(client, buckets=self._buckets)
        self._anomalies = AnomaliesReader(client, bucket=speed_bucket)
        self.news = NewsReader(client, bucket=bucket)
        self.pulse = PulseReader(client, bucket=speed_bucket)
        self._bars = BarsReader(client, buckets=self._buckets, seconds_bucket=seconds_bucket)

    async def status(self) -> StoreStatus:
        """Whether InfluxDB answers, how fast, and its version."""
        return await self._client.status()

    async def latest(self, *, now_ms: int) -> Latest:
        """The newest snapshot of each coin and source, the newest minute of each market."""
        snapshots, traded, external = await asyncio.gather(
            self._latest_snapshots(now_ms),
            self._last_candles("speed", now_ms),
            self._last_candles("external", now_ms),
        )
        newest = {(one.source, one.symbol): one for one in (*external, *traded)}
        return Latest(snapshots=snapshots, candles=tuple(newest[key] for key in sorted(newest)))

    async def _latest_snapshots(self, now_ms: int) -> tuple[Snapshot, ...]:
        """Read whole only when the marks (20 times cheaper) say that something was written."""
        span = {"start": instant(now_ms - LOOKBACK_MS), "stop": instant(now_ms + LOOKAHEAD_MS)}
        tables = await self._client.tables(
            flux.SNAPSHOT_MARKS, bucket=self._buckets["external"], **span
        )
        marks: dict[tuple[str, str], object] = {
            (table.tags["coin_id"], table.tags["source"]): (table.times[-1], table.cells[-1])
            for table in tables
        }
        if marks != self._marks:
            whole = await self._client.tables(
                flux.SNAPSHOTS, bucket=self._buckets["external"], **span
            )
            self._snapshots, self._marks = shapes.snapshots(whole), marks
        return self._snapshots

    async def _last_candles(self, layer: Layer, now_ms: int) -> list[LastCandle]:
        tables = await self._client.tables(
            flux.LAST_CANDLES,
            bucket=self._buckets[layer],
            layer=layer,
            start=instant(now_ms - LOOKBACK_MS),
            stop=instant(now_ms + LOOKAHEAD_MS),
        )
        return shapes.last_candles(tables, layer)

    async def history(
        self, coin_id: str, source: str, *, from_ms: int, to_ms: int, every_ms: int
    ) -> History:
        """Snapshots of a coin in [from_ms, to_ms), the last of each window of `every_ms`."""
        tables = await self._client.tables(
            flux.HISTORY,
            bucket=self._buckets["external"],
            coin_id=coin_id,
            source=source,
            start=instant(from_ms),
            stop=instant(to_ms),
            every=timedelta(milliseconds=every_ms),
        )
        newest = (time_ms(table.times[-1]) for table in tables if table.result == "newest")
        return History(
            rows=shapes.history_rows(shapes.columns_of(tables)),
            observed_at_ms=max(newest, default=None),
        )

    async def candles(
        self, market: Market, *, interval_ms: int, from_ms: int, to_ms: int, now_ms: int
    ) -> CandleSeries:
        """Bars that open in [from_ms, to_ms), `from_ms` on a bar's border, merged from layers."""
        decided_by = "1s" if interval_ms == SECOND_MS else "1m"
        beginnings, final_through_ms = await asyncio.gather(
            self._beginnings.of(market, now_ms), self._final_through(decided_by, now_ms)
        )
        span = Span(interval_ms, from_ms, ceil_ms(to_ms, interval_ms), now_ms)
        pieces = await self._bars.pieces(market, span, beginnings)
        used = chosen(pieces)
        bars = await asyncio.to_thread(merged, used, interval_ms)
        gaps = [
            *_unpublished(used.published, span, beginnings),
            *id_gaps(pieces.trades, final_through_ms),
        ]
        return CandleSeries(
            bars=tuple(bar for bar in bars if bar.open_time_ms >= from_ms),
            gaps=tuple(gap for gap in gaps if gap.to_ms > from_ms),
            final_through_ms=final_through_ms,
            external_through_ms=max((bar.close_time_ms for bar in used.published), default=None),
        )

    async def _final_through(self, interval: str, now_ms: int) -> int | None:
        """The watermark of the query that makes bars of `interval`, 1s or 1m."""
        tables = await self._client.tables(
            flux.FINAL_THROUGH,
            bucket=self._buckets["external"],
            interval=interval,
            start=instant(now_ms - LOOKBACK_MS),
            stop=instant(now_ms + LOOKAHEAD_MS),
        )
        cells = [cell for table in tables for cell in table.cells if isinstance(cell, int)]
        return max(cells, default=None)

    async def analytics(
        self, market: Market, *, interval: str, from_ms: int, to_ms: int, now_ms: int
    ) -> AnalyticsSeries:
        """Indicators at the bars that open in [from_ms, to_ms)."""
        external, speed, final_through_ms = await asyncio.gather(
            self._analytics("external", market, interval, from_ms, to_ms),
            self._analytics("speed", market, interval, from_ms, to_ms),
            self._final_through("1m", now_ms),
        )
        return AnalyticsSeries(speed_first(external, speed), final_through_ms)

    async def _analytics(
        self, layer: Layer, market: Market, interval: str, from_ms: int, to_ms: int
    ) -> list[AnalyticsRow]:
        tables = await self._client.tables(
            flux.ANALYTICS,
            bucket=self._buckets[layer],
            kind="market",
            layer=layer,
            source=market.source,
            symbol=market.symbol,
            interval=interval,
            start=instant(from_ms),
            stop=instant(to_ms),
        )
        return await asyncio.to_thread(
            lambda: analytics_rows(shapes.columns_of(tables), interval=interval, layer=layer)
        )

    async def cross_sections(
        self, *, interval: str, from_ms: int, to_ms: int
    ) -> tuple[CrossSectionRow, ...]:
        """All coins together at the bars that open in [from_ms, to_ms), with the chained index."""
        rows = await self._cross_sections(flux.CROSS_SECTIONS, interval, from_ms, to_ms)
        return chained(rows)

    async def global_market(self, *, now_ms: int) -> GlobalMarket:
        """The newest totals of each source, and the newest cross-sections of a minute and hour."""
        from_ms, to_ms = now_ms - LOOKBACK_MS, now_ms + LOOKAHEAD_MS
        tables, *newest = await asyncio.gather(
            self._client.tables(
                flux.GLOBAL,
                bucket=self._buckets["external"],
                start=instant(from_ms),
                stop=instant(to_ms),
            ),
            self._cross_sections(flux.LAST_CROSS_SECTION, "1m", from_ms, to_ms),
            self._cross_sections(flux.LAST_CROSS_SECTION, "1h", from_ms, to_ms),
        )
        return GlobalMarket(
            totals=totals(tables), cross_sections=tuple(rows[-1] for rows in newest if rows)
        )

    async def anomalies(self, asked: AnomalySearch) -> tuple[Anomaly, ...]:
        """Episodes, newest first."""
        return await self._anomalies.search(asked)

    async def anomaly(self, anomaly_id: str, *, now_ms: int) -> Anomaly | None:
        """One episode, None where there is none."""
        return await self._anomalies.with_id(anomaly_id, now_ms=now_ms)

    async def _cross_sections(
        self, query: str, interval: str, from_ms: int, to_ms: int
    ) -> list[CrossSectionRow]:
        tables = await self._client.tables(
            query,
            bucket=self._buckets["speed"],
            kind="cross_section",
            interval=interval,
            start=instant(from_ms),
            stop=instant(to_ms),
        )
        return cross_section_rows(shapes.columns_of(tables), interval=interval)


def _unpublished(published: Sequence[Bar], span: Span, beginnings: Beginnings) -> list[Gap]:
    """Holes of a span in the exchange's history and between it and the stream."""
    history_from_ms = beginnings.history_from_ms(span.interval_ms)
    if history_from_ms is None:
        return []
    began_ms = beginnings.stream_began_ms
    return unpublished(
        published,
        from_ms=max(span.from_ms, history_from_ms),
        until_ms=None if began_ms is None else min(began_ms, span.to_ms),
    )
