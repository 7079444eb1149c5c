"""What the platform says of itself: jobs, latency, sources, gaps, quality.

The pipeline is in real time, all else in the platform's; milliseconds UTC. Every method raises
StoreUnavailable when InfluxDB does not answer in time.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from market.store import flux
from market.store.annotated import Cell, Table, time_ms
from market.store.client import FluxClient, instant
from market.store.shapes import newest_points

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MINUTE_MS = 60_000
# Clocks run ahead of ours; anything further in the future is a mistake.
LOOKAHEAD_MS = 10 * MINUTE_MS


@dataclass(frozen=True, slots=True)
class JobRow:
    """A query of the driver; fields as in `measurements.PIPELINE_JOBS`."""

    job: str
    observed_at_ms: int
    state: str | None = None
    records_per_s: float | None = None
    lag_records: int | None = None
    batches: int | None = None
    batch_p50_ms: float | None = None
    batch_p95_ms: float | None = None
    batch_longest_ms: float | None = None
    last_batch_at_ms: int | None = None
    watermark_delay_s: float | None = None
    restarts: int | None = None
    window_s: int | None = None


@dataclass(frozen=True, slots=True)
class StageRow:
    """How long trades took in one stage; fields as in `measurements.PIPELINE_STAGES`."""

    stage: str
    observed_at_ms: int
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    n: int | None = None
    window_s: int | None = None


@dataclass(frozen=True, slots=True)
class LettersRow:
    """Dead letters of one topic and reason in the hour before the question."""

    topic: str
    reason: str
    letters: int


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The newest of each."""

    jobs: tuple[JobRow, ...]
    stages: tuple[StageRow, ...]
    letters: tuple[LettersRow, ...]


@dataclass(frozen=True, slots=True)
class SourceRow:
    """The newest heartbeat of an agent; fields as in `measurements.SOURCES`."""

    source: str
    observed_at_ms: int
    state: str | None = None
    reason: str | None = None
    breaker: str | None = None
    last_event_at_ms: int | None = None
    last_success_at_ms: int | None = None
    lag_ms: int | None = None
    minute_calls_left: int | None = None
    month_calls_left: int | None = None
    month_calls_projected: int | None = None
    accepted: int | None = None
    duplicate: int | None = None
    rejected: int | None = None
    passed_over: int | None = None
    torn_fills: int | None = None
    open_gaps: int | None = None
    repaired_trades: int | None = None
    silent_symbols: str | None = None


@dataclass(frozen=True, slots=True)
class GapRow:
    """A hole in the trades of a market as its agent recorded it."""

    coin_id: str
    source: str
    symbol: str
    from_ms: int
    to_ms: int
    from_id: int
    to_id: int
    missing_trades: int
    repaired_trades: int
    cause: str
    state: str
    observed_at_ms: int


@dataclass(frozen=True, slots=True)
class QualityRow:
    """The newest quality of a series; a part that cannot be judged is None."""

    kind: str
    coin_id: str
    source: str
    symbol: str | None
    through_ms: int
    """End of the minute that is judged."""
    score: float
    reason: str
    freshness: float | None = None
    coverage: float | None = None
    agreement: float | None = None
    source_health: float | None = None
    repairs: float | None = None


class PulseReader:
    """Reads one bucket."""

    def __init__(self, client: FluxClient, *, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    async def pipeline(self, *, wall_ms: int) -> Pipeline:
        """Jobs and latency as last written within an hour of real time, letters of that hour."""
        from_ms, to_ms = wall_ms - HOUR_MS, wall_ms + LOOKAHEAD_MS
        newest, letters = await asyncio.gather(
            self._tables(flux.PIPELINE, from_ms=from_ms, to_ms=to_ms),
            self._tables(flux.DEAD_LETTERS, from_ms=from_ms, to_ms=to_ms),
        )
        return Pipeline(
            jobs=tuple(sorted(_newest(JobRow, newest, "job"), key=lambda row: row.job)),
            stages=tuple(_newest(StageRow, newest, "stage")),
            letters=tuple(_letters(letters)),
        )

    async def sources(self, *, now_ms: int) -> tuple[SourceRow, ...]:
        """The newest heartbeat of each agent within a day."""
        tables = await self._tables(
            flux.SOURCES, from_ms=now_ms - DAY_MS, to_ms=now_ms + LOOKAHEAD_MS
        )
        return tuple(sorted(_newest(SourceRow, tables, "source"), key=lambda row: row.source))

    async def gaps(self, *, from_ms: int, to_ms: int) -> tuple[GapRow, ...]:
        """Gaps that begin in [from_ms, to_ms), the newest first."""
        found = _gaps(await self._tables(flux.GAPS, from_ms=from_ms, to_ms=to_ms))
        return tuple(sorted(found, key=lambda gap: (gap.from_ms, gap.from_id), reverse=True))

    async def quality(self, *, coin_id: str | None, from_ms: int, to_ms: int) -> list[QualityRow]:
        """The newest minute of each series within the range, the worst first."""
        query = flux.QUALITY if coin_id is None else flux.QUALITY_OF_COIN
        named = {} if coin_id is None else {"coin_id": coin_id}
        tables = await self._tables(query, from_ms=from_ms, to_ms=to_ms, **named)
        found = await asyncio.to_thread(lambda: list(_qualities(tables)))
        return sorted(found, key=lambda row: (row.score, row.coin_id, row.source, row.symbol or ""))

    async def _tables(self, query: str, *, from_ms: int, to_ms: int, **named: str) -> list[Table]:
        return await self._client.tables(
            query, bucket=self._bucket, start=instant(from_ms), stop=instant(to_ms), **named
        )


R = TypeVar("R", JobRow, StageRow, SourceRow)


def _newest(kind: type[R], tables: Iterable[Table], tag: str) -> list[R]:
    """Rows of the series that bear a tag."""
    known = {one.name for one in fields(kind)} - {tag, "observed_at_ms"}
    rows = []
    for tags, at_ms, point in newest_points(table for table in tables if tag in table.tags):
        held: dict[str, Any] = {name: cell for name, cell in point.items() if name in known}
        rows.append(kind(tags[tag], at_ms, **held))
    return rows


def _letters(tables: Iterable[Table]) -> Iterator[LettersRow]:
    for table in tables:
        total = sum(cell for cell in table.cells if isinstance(cell, int))
        yield LettersRow(table.tags["topic"], table.tags["reason"], total)


def _gaps(tables: Iterable[Table]) -> Iterator[GapRow]:
    points: dict[tuple[tuple[str, str], ...], dict[str, dict[str, Cell]]] = defaultdict(dict)
    for table in tables:
        held = points[tuple(sorted(table.tags.items()))]
        for at, cell in zip(table.times, table.cells, strict=True):
            held.setdefault(at, {})[table.field_name] = cell
    wanted = {one.name for one in fields(GapRow)} - {"coin_id", "source", "symbol", "from_ms"}
    for tags, several in points.items():
        named: Mapping[str, Any] = dict(tags)
        for at, point in several.items():
            if wanted <= point.keys():
                told: dict[str, Any] = {name: point[name] for name in wanted}
                market = (named["coin_id"], named["source"], named["symbol"])
                yield GapRow(*market, from_ms=_floored_ms(at), **told)


def _floored_ms(at: str) -> int:
    """The nanoseconds hold an identity, no time."""
    whole, _, fraction = at.removesuffix("Z").partition(".")
    return time_ms(f"{whole}.{fraction[:3]:0<3}Z")


def _qualities(tables: Iterable[Table]) -> Iterator[QualityRow]:
    parts = {one.name for one in fields(QualityRow)}
    for tags, at_ms, point in newest_points(tables):
        if "score" in point and "reason" in point:
            yield QualityRow(
                kind=tags["kind"],
                coin_id=tags["coin_id"],
                source=tags["source"],
                symbol=tags.get("symbol"),
                through_ms=at_ms + MINUTE_MS,
                **{name: cell for name, cell in point.items() if name in parts},
            )
