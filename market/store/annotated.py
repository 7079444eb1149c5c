"""InfluxDB's annotated CSV as tables. Pure; knows the format, not the measurements.

A body is blocks, each with `#datatype`, `#group`, `#default` and a header, followed by the rows
of one or more tables. Rows of one table stand together and share their group columns.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

Cell = float | int | str | None

_CONVERTERS: Mapping[str, Callable[[str], Cell]] = {
    "double": float,
    "long": int,
    "unsignedLong": int,
    "boolean": "true".__eq__,
}


class QueryFailed(Exception):  # noqa: N818 -- named as the database says it
    """The database gave up in the middle of an answer."""


@dataclass(slots=True)
class Table:
    """One series of one result: a field with its tags, ascending in time.

    `times` are RFC 3339 as sent, `cells` the values, None where null.
    """

    result: str
    field_name: str
    tags: dict[str, str]
    times: list[str]
    cells: list[Cell]


def time_ms(rfc3339: str) -> int:
    """Milliseconds UTC of a time as InfluxDB writes it."""
    return round(datetime.fromisoformat(rfc3339).timestamp() * 1000)


def read_tables(body: str) -> Iterator[Table]:
    """The tables of a body. Raises QueryFailed where the database reports an error."""
    layout: _Layout | None = None
    annotations: dict[str, list[str]] = {}
    opened: list[str] = []
    times: list[str] = []
    raw: list[str] = []
    # One flat loop: a large answer has a hundred thousand rows, and a call for each would take
    # longer than the query.
    for row in csv.reader(io.StringIO(body, newline="")):
        if not row:
            continue
        if row[0]:
            if layout is not None and opened:
                yield layout.table(opened, times, raw)
            layout, opened = None, []
            annotations[row[0]] = row
        elif layout is None:
            layout = _Layout(row, annotations)
            table_at, time_at, value_at = layout.table_at, layout.time_at, layout.value_at
        else:
            if not opened or row[table_at] != opened[table_at]:
                if opened:
                    yield layout.table(opened, times, raw)
                opened, times, raw = row, [], []
            times.append(row[time_at])
            raw.append(row[value_at])
    if layout is not None and opened:
        yield layout.table(opened, times, raw)


class _Layout:
    """Where the columns of a block are, and how its values are read."""

    def __init__(self, header: Sequence[str], annotations: Mapping[str, Sequence[str]]) -> None:
        if "_time" not in header:  # the block of an error has the columns error and reference
            raise QueryFailed("the database reported an error instead of rows")
        at = {name: index for index, name in enumerate(header) if name}
        self.table_at = at["table"]
        self.time_at = at["_time"]
        self.value_at = at["_value"]
        self._result_at = at["result"]
        self._field_at = at["_field"]
        self._default_result = annotations["#default"][self._result_at]
        self._tags_at = {
            name: index
            for name, index in at.items()
            if not name.startswith("_") and name not in ("result", "table")
        }
        self._convert = _CONVERTERS.get(annotations["#datatype"][self.value_at], str)

    def table(self, row: Sequence[str], times: list[str], raw: list[str]) -> Table:
        """The table that one of its rows and its collected columns make."""
        convert = self._convert
        return Table(
            result=row[self._result_at] or self._default_result,
            field_name=row[self._field_at],
            tags={name: row[index] for name, index in self._tags_at.items()},
            times=times,
            cells=[convert(cell) if cell else None for cell in raw],
        )
