"""Tables of the database as rows: the pivot that Flux would do slowly. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from market.store.annotated import Cell, Table, time_ms
from market.store.compose import floor_ms
from market.store.rows import Bar, HistoryRow, LastCandle, Layer, Snapshot

_SNAPSHOT_FIELDS = {one.name for one in fields(Snapshot)} - {"coin_id", "source", "observed_at_ms"}
# In the order of Bar, with `coverage` in the place of what it tells. Minutes have no `is_partial`.
_BAR_COLUMNS = (
    "open",
    "high",
    "low",
    "close",
    "volume",
    "quote_volume",
    "trades",
    "vwap",
    "buy_volume",
    "sell_volume",
    "first_trade_id",
    "last_trade_id",
    "coverage",
    "is_partial",
)
_WINDOW_PRICES = ("first.open", "max.high", "min.low", "last.close", "sum.volume")
Columns = Mapping[str, Mapping[str, Cell]]


def newest_points(tables: Iterable[Table]) -> Iterator[tuple[dict[str, str], int, dict[str, Any]]]:
    """(tags, time, fields) of the newest point of each series, out of `last()` by field.

    A field that the newest point lacks is absent, even where an older point has it.
    """
    grouped: dict[tuple[tuple[str, str], ...], list[Table]] = defaultdict(list)
    for table in tables:
        grouped[tuple(sorted(table.tags.items()))].append(table)
    for tags, several in grouped.items():
        newest = max(time_ms(table.times[-1]) for table in several)
        point = {
            table.field_name: table.cells[-1]
            for table in several
            if time_ms(table.times[-1]) == newest
        }
        yield dict(tags), newest, point


def snapshots(tables: Iterable[Table]) -> tuple[Snapshot, ...]:
    """The newest snapshot of each coin and source."""
    return tuple(
        Snapshot(
            coin_id=tags["coin_id"],
            source=tags["source"],
            observed_at_ms=at_ms,
            **{name: cell for name, cell in point.items() if name in _SNAPSHOT_FIELDS},
        )
        for tags, at_ms, point in newest_points(tables)
    )


def last_candles(tables: Iterable[Table], layer: Layer) -> list[LastCandle]:
    """The newest bar of each market in one layer."""
    return [
        LastCandle(
            source=tags["source"],
            symbol=tags["symbol"],
            coin_id=tags["coin_id"],
            quote=tags["quote"],
            layer=layer,
            open_time_ms=at_ms,
            price=point["close"],
            last_traded_at_ms=point.get("last_traded_at_ms"),
        )
        for tags, at_ms, point in newest_points(tables)
        if "close" in point
    ]


def columns_of(tables: Iterable[Table]) -> dict[str, dict[str, Cell]]:
    """Cells by field and time; fields of a named result are `result.field`."""
    columns: dict[str, dict[str, Cell]] = {}
    for table in tables:
        plain = table.result == "_result"
        name = table.field_name if plain else f"{table.result}.{table.field_name}"
        columns.setdefault(name, {}).update(zip(table.times, table.cells, strict=True))
    return columns


def bars(columns: Columns, *, interval_ms: int, layer: Layer) -> list[Bar]:
    """Stored bars, ascending. A row without all of open, high, low, close, volume is left out."""
    ordered = _whole(columns, _BAR_COLUMNS[:5])
    cells: list[list[Any]] = [
        [columns.get(name, {}).get(at) for at, _ in ordered] for name in _BAR_COLUMNS
    ]
    partial = cells.pop()
    coverages = cells.pop()
    rows: Iterator[tuple[Any, ...]] = (
        (
            *(at_ms, at_ms + interval_ms, *prices, layer, *others),
            *(_held(others, coverage), is_partial is True),
        )
        for (_, at_ms), prices, others, coverage, is_partial in zip(
            ordered,
            zip(*cells[:5], strict=True),
            zip(*cells[5:], strict=True),
            coverages,
            partial,
            strict=True,
        )
    )
    return [Bar(*row) for row in rows]


def _whole(columns: Columns, required: Sequence[str]) -> list[tuple[str, int]]:
    """Times at which all required columns have a cell, as sent and in milliseconds, ascending.

    A provisional row may be seen half written; the next reading has it whole.
    """
    held = [columns.get(name, {}) for name in required]
    whole = set(held[0]).intersection(*held[1:])
    return sorted(((at, time_ms(at)) for at in whole), key=lambda time: time[1])


def _held(others: Sequence[Any], coverage: float | None) -> int | None:
    """Ids in a bar, out of its first and last id, which close the row, and its coverage."""
    first_id: int | None = others[-2]
    last_id: int | None = others[-1]
    if first_id is None or last_id is None or coverage is None:
        return None
    return round(coverage * (last_id - first_id + 1))


def composed_bars(columns: Columns, *, interval_ms: int) -> list[Bar]:
    """Bars of trades out of the windows of `flux.COMPOSED_BARS`, ascending.

    A window that the range cuts opens where the range begins.
    `held_ids` is right where every minute is whole; where a minute is not, it is None and the
    minutes must be read. A window without all of open, high, low, close, volume is left out.
    """

    def cell(name: str, at: str) -> Any:  # noqa: ANN401 -- cells of the database
        return columns.get(name, {}).get(at)

    found = []
    for at, at_ms in _whole(columns, _WINDOW_PRICES):
        volume, quote_volume = cell("sum.volume", at), cell("sum.quote_volume", at)
        found.append(
            Bar(
                open_time_ms=at_ms,
                close_time_ms=floor_ms(at_ms, interval_ms) + interval_ms,
                open=cell("first.open", at),
                high=cell("max.high", at),
                low=cell("min.low", at),
                close=cell("last.close", at),
                volume=volume,
                layer="speed",
                quote_volume=quote_volume,
                trades=cell("sum.trades", at),
                vwap=quote_volume / volume if quote_volume is not None and volume > 0 else None,
                buy_volume=cell("sum.buy_volume", at),
                sell_volume=cell("sum.sell_volume", at),
                first_trade_id=cell("first.first_trade_id", at),
                last_trade_id=cell("last.last_trade_id", at),
                held_ids=_held_ids(columns, at),
            )
        )
    return found


def _held_ids(columns: Columns, at: str) -> int | None:
    """Ids of the window's minutes, None unless every minute holds each of its ids once."""
    names = ("sum.first_trade_id", "sum.last_trade_id", "count.first_trade_id", "count.close")
    firsts, lasts, count, minutes = (columns.get(name, {}).get(at) for name in names)
    coverages = {columns.get(name, {}).get(at) for name in ("min.coverage", "max.coverage")}
    if coverages != {1.0} or not (
        isinstance(firsts, int) and isinstance(lasts, int) and isinstance(count, int)
    ):
        return None
    return lasts - firsts + count if count == minutes else None


def history_rows(columns: Columns) -> tuple[HistoryRow, ...]:
    """Windows of `flux.HISTORY`, ascending."""
    names = ("windows.price_usd", "windows.market_cap_usd", "windows.volume_24h_usd")
    by_field: list[Mapping[str, Any]] = [columns.get(name, {}) for name in names]
    times = sorted(set().union(*by_field), key=time_ms)
    return tuple(HistoryRow(time_ms(at), *(column.get(at) for column in by_field)) for at in times)
