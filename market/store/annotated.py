"""InfluxDB's annotated CSV as tables. Pure; knows the format, not the measurements.

A body is blocks, each with `#datatype`, `#group`, `#default` and a header, followed by the rows
of one or more tables. Rows of one table stand together and share their group columns.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

Cell = float | int | str | None

_CONVERTERS: Mapping[str, Callable[[str], Cell]] = {
    "double": float,
    "long": int,
    "unsignedLong": int,
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
    times: list[str] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)


def time_ms(rfc3339: str) -> int:
    """Milliseconds UTC of a time as InfluxDB writes it."""
    return round(datetime.fromisoformat(rfc3339).timestamp() * 1000)


def read_tables(body: str) -> Iterator[Table]:
    """The tables of a body. Raises QueryFailed where the database reports an error."""
    block: _Block | None = None
    annotations: dict[str, list[str]] = {}
    for row in csv.reader(io.StringIO(body, newline="")):
        if not row:
            continue
        if row[0].startswith("#"):
            if block is not None:
                yield from block.finish()
                block = None
            annotations[row[0]] = row
        elif block is None:
            block = _Block.of(row, annotations)
        else:
            yield from block.take(row)
    if block is not None:
        yield from block.finish()


class _Block:
    """Rows under one header."""

    def __init__(
        self, header: Sequence[str], datatypes: Sequence[str], defaults: Sequence[str]
    ) -> None:
        at = {name: index for index, name in enumerate(header) if name}
        self._defaults = defaults
        self._result = at.pop("result")
        self._table = at.pop("table")
        self._time = at.pop("_time")
        self._value = at.pop("_value")
        self._field = at.pop("_field")
        self._tags = {name: index for name, index in at.items() if not name.startswith("_")}
        self._convert = _CONVERTERS.get(datatypes[self._value], str)
        self._open: Table | None = None
        self._open_id = ""

    @classmethod
    def of(cls, header: Sequence[str], annotations: Mapping[str, Sequence[str]]) -> "_Block":
        if "error" in header or "_time" not in header:
            raise QueryFailed("the database reported an error instead of rows")
        return cls(header, annotations["#datatype"], annotations["#default"])

    def take(self, row: Sequence[str]) -> Iterator[Table]:
        if self._open is None or row[self._table] != self._open_id:
            yield from self.finish()
            self._open_id = row[self._table]
            self._open = Table(
                result=row[self._result] or self._defaults[self._result],
                field_name=row[self._field],
                tags={name: row[index] for name, index in self._tags.items()},
            )
        cell = row[self._value]
        self._open.times.append(row[self._time])
        self._open.cells.append(self._convert(cell) if cell else None)

    def finish(self) -> Iterator[Table]:
        if self._open is not None:
            yield self._open
            self._open = None
