"""Episodes of anomalies: the newest revision of each, newest episode first.

A point is one episode at its start. How many there are a day nobody knows beforehand, and the
database cannot stop at the newest few; so a search reads backwards in windows that grow until it
has enough. All times are milliseconds UTC.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from market.anomaly import AnomalyKind, Phase, Severity
from market.store import flux
from market.store.annotated import Cell, Table, time_ms
from market.store.client import FluxClient, instant
from market.store.measurements import ANOMALIES

HOUR_MS = 3_600_000
FIRST_WINDOW_MS = HOUR_MS
LONGEST_WINDOW_MS = 7 * 24 * HOUR_MS
# An episode asked for by its id may be as old as a year.
FOUND_BACK_MS = 366 * 24 * HOUR_MS
LISTS = ("sources", "trade_ids", "coordinates")


@dataclass(frozen=True, slots=True)
class Anomaly:
    """An episode as its newest revision tells it; fields as in `schemas/anomaly.v1.avsc`."""

    anomaly_id: str
    revision: int
    phase: Phase
    kind: AnomalyKind
    severity: Severity
    source: str
    started_at_ms: int
    detected_at_ms: int
    peaked_at_ms: int
    observed_at_ms: int
    value: float
    peak_value: float
    unit: str
    sentence: str
    coin_id: str | None = None
    symbol: str | None = None
    quote: str | None = None
    other_source: str | None = None
    other_symbol: str | None = None
    other_coin_id: str | None = None
    resolved_at_ms: int | None = None
    collected_at_ms: int | None = None
    expected: float | None = None
    score: float | None = None
    threshold: float | None = None
    n: int | None = None
    window_ms: int | None = None
    sources: tuple[str, ...] = ()
    trade_ids: tuple[int, ...] = ()
    coordinates: tuple[str, ...] = ()

    @property
    def place(self) -> tuple[int, str]:
        """Where it stands in a list, the newest largest."""
        return self.started_at_ms, self.anomaly_id


@dataclass(frozen=True, slots=True)
class AnomalySearch:
    """Episodes that began in [from_ms, to_ms), newest first, at most `limit`.

    No kinds, no severities and no coin mean all of them. A coin's are those it is the subject of,
    and those of coins that overtook it. `before` is the place of the last one of the page before.
    """

    from_ms: int
    to_ms: int
    limit: int
    kinds: frozenset[AnomalyKind] = field(default_factory=frozenset)
    coin_id: str | None = None
    severities: frozenset[Severity] = field(default_factory=frozenset)
    before: tuple[int, str] | None = None

    def admits(self, one: Anomaly) -> bool:
        """Whether an episode is asked for."""
        return (
            (not self.kinds or one.kind in self.kinds)
            and (not self.severities or one.severity in self.severities)
            and (self.coin_id is None or self.coin_id in (one.coin_id, one.other_coin_id))
            and (self.before is None or one.place < self.before)
        )


class AnomaliesReader:
    """Reads them from the bucket of the speed layer."""

    def __init__(self, client: FluxClient, *, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    async def search(self, asked: AnomalySearch) -> tuple[Anomaly, ...]:
        """The episodes of a search. Raises StoreUnavailable."""
        found: list[Anomaly] = []
        window_ms = FIRST_WINDOW_MS
        # A place is a millisecond and an id: what shares the millisecond is still to come.
        end_ms = asked.to_ms if asked.before is None else min(asked.to_ms, asked.before[0] + 1)
        while end_ms > asked.from_ms and len(found) < asked.limit:
            start_ms = max(end_ms - window_ms, asked.from_ms)
            inside = filter(asked.admits, await self._between(start_ms, end_ms))
            found += sorted(inside, key=lambda one: one.place, reverse=True)
            end_ms, window_ms = start_ms, min(window_ms * 2, LONGEST_WINDOW_MS)
        return tuple(found[: asked.limit])

    async def _between(self, start_ms: int, end_ms: int) -> list[Anomaly]:
        tables = await self._client.tables(
            flux.ANOMALIES, bucket=self._bucket, start=instant(start_ms), stop=instant(end_ms)
        )
        return anomalies(tables)

    async def with_id(self, anomaly_id: str, *, now_ms: int) -> Anomaly | None:
        """One episode, None where there is none. Raises StoreUnavailable."""
        tables = await self._client.tables(
            flux.ANOMALY_WITH_ID,
            bucket=self._bucket,
            anomaly_id=anomaly_id,
            start=instant(now_ms - FOUND_BACK_MS),
            stop=instant(now_ms + HOUR_MS),
        )
        for started_ms in sorted({time_ms(at) for table in tables for at in table.times}):
            # Its stamp lies within the millisecond; rounding may have gone to the next one.
            for one in await self._between(started_ms - 1, started_ms + 2):
                if one.anomaly_id == anomaly_id:
                    return one
        return None


def anomalies(tables: Iterable[Table]) -> list[Anomaly]:
    """The episodes of tables by field, in no order; a point that lacks what all have is none."""
    points: dict[tuple[tuple[tuple[str, str], ...], str], dict[str, Cell]] = defaultdict(dict)
    for table in tables:
        tags = tuple((name, table.tags.get(name, "")) for name in ANOMALIES.tags)
        for at, cell in zip(table.times, table.cells, strict=True):
            points[tags, at][table.field_name] = cell
    return [
        _anomaly(dict(tags), cells)
        for (tags, _), cells in points.items()
        if cells.get("anomaly_id") is not None and cells.get("sentence") is not None
    ]


def _anomaly(tags: Mapping[str, str], cells: Mapping[str, Cell]) -> Anomaly:
    named: dict[str, Any] = {name: cells.get(name) for name in ANOMALIES.fields}
    lists = {name: tuple(json.loads(cast(str, named[name] or "[]"))) for name in LISTS}
    return Anomaly(**named | lists | {name: text or None for name, text in tags.items()})
