"""Tables of indicators and of the whole market as rows. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from typing import Any

from market.intervals import INTERVAL_MS
from market.store.annotated import Table, time_ms
from market.store.measurements import ANALYTICS, CROSS_SECTION, INDICATOR_FIELDS
from market.store.rows import AnalyticsRow, CrossSectionRow, GlobalTotals, Layer
from market.store.shapes import Columns, newest_points

INDEX_START = 100.0
_TOTALS_FIELDS = {one.name for one in fields(GlobalTotals)} - {"source", "observed_at_ms"}


def analytics_rows(columns: Columns, *, interval: str, layer: Layer) -> list[AnalyticsRow]:
    """Rows with a close, ascending; a field that a row lacks is None."""
    cells: dict[str, Any] = {name: columns.get(name, {}) for name in ANALYTICS.fields}
    return [
        AnalyticsRow(
            open_time_ms=at_ms,
            close_time_ms=at_ms + INTERVAL_MS[interval],
            layer=layer,
            close=cells["close"][at],
            bars=cells["bars"].get(at),
            indicators={name: cells[name].get(at) for name in INDICATOR_FIELDS},
        )
        for at, at_ms in sorted(((at, time_ms(at)) for at in cells["close"]), key=lambda at: at[1])
    ]


def speed_first(
    external: Iterable[AnalyticsRow], speed: Iterable[AnalyticsRow]
) -> tuple[AnalyticsRow, ...]:
    """One row a time, ascending; where both layers have one it is the speed layer's."""
    by_time = {row.open_time_ms: row for row in (*external, *speed)}
    return tuple(by_time[at_ms] for at_ms in sorted(by_time))


def cross_section_rows(columns: Columns, *, interval: str) -> list[CrossSectionRow]:
    """Cross-sections, ascending, without an index."""
    cells: list[Any] = [columns.get(name, {}) for name in CROSS_SECTION.fields]
    times = sorted({(time_ms(at), at) for column in cells for at in column})
    return [
        CrossSectionRow(
            interval, at_ms, at_ms + INTERVAL_MS[interval], *(column.get(at) for column in cells)
        )
        for at_ms, at in times
    ]


def chained(rows: Sequence[CrossSectionRow]) -> tuple[CrossSectionRow, ...]:
    """The rows with their weighted returns chained to an index, 100 before the first of them."""
    index, indexed = INDEX_START, []
    for row in rows:
        index *= 1 + (row.weighted_return_pct or 0.0) / 100
        indexed.append(replace(row, index=index))
    return tuple(indexed)


def totals(tables: Iterable[Table]) -> tuple[GlobalTotals, ...]:
    """The newest totals of each source."""
    return tuple(
        GlobalTotals(
            source=tags["source"],
            observed_at_ms=at_ms,
            **{name: cell for name, cell in point.items() if name in _TOTALS_FIELDS},
        )
        for tags, at_ms, point in newest_points(tables)
    )
