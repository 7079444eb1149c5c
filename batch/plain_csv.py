"""Plain CSV of anyone's data (also .gz) as typed Arrow batches that hold only good rows.

One header line, UTF-8, one row a line: a cell holds neither comma nor line break, quotes round a
cell are taken off, blank lines are passed over. Columns may come in any order; others than those
asked for are ignored. A cell that cannot be true makes its whole row bad. Bad rows are counted,
and the first ones named; nothing is guessed in their place.
"""

import gzip
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from market.errors import Fatal

LINE = "line"
"""Column with the row's line in its file; the header is line 1."""

NAMED_AT_MOST = 20
CELL_SHOWN = 40
HEADER_AT_MOST = 65_536
# The longest line that can be read, and what is held in memory at a time.
BLOCK_BYTES = 1 << 23


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its cells match `shape` and, once parsed to `type`, are `possible`."""

    name: str
    type: pa.DataType
    shape: str
    must_be: str
    possible: Callable[[pa.Array], pa.Array] | None = None
    may_be_empty: bool = False


@dataclass(frozen=True, slots=True, order=True)
class BadRow:
    """A row that does not count. `column` is empty where the row as a whole is wrong."""

    file: str
    row: int
    column: str
    problem: str


@dataclass(slots=True)
class BadRows:
    """How many of a file, and the first of them."""

    count: int = 0
    named: list[BadRow] = field(default_factory=list)

    def add(self, bad: Sequence[BadRow], *, count: int | None = None) -> None:
        """Bad rows in any order; `count` where not all of them are given."""
        self.count += len(bad) if count is None else count
        self.named = sorted([*self.named, *bad])[:NAMED_AT_MOST]


@dataclass(slots=True)
class CsvFile:
    """A file of `columns`. Read `batches` once; `bad_rows` and `rows` grow meanwhile."""

    path: Path
    columns: Sequence[Column]
    bad_rows: BadRows = field(default_factory=BadRows)
    rows: int = 0
    """Rows so far, good and bad, without blank lines."""

    def batches(self, tell: Callable[[str, str], None]) -> Iterator[pa.RecordBatch]:
        """Good rows with `line`. Raises Fatal for a file that is none of these columns."""
        try:
            with self.path.open("rb") as raw:
                names = self._header(self._text(raw))
                raw.seek(0)
                yield from self._read(raw, names, tell)
        except OSError as error:
            raise Fatal(f"{self.path}: {error.strerror or error}") from error
        except (EOFError, zlib.error) as error:
            raise Fatal(
                f"{self.path}: the compressed file is cut short or broken: {error}"
            ) from error
        except pa.ArrowInvalid as error:
            words = "it is not UTF-8" if "UTF8" in str(error) else "it cannot be read as CSV"
            raise Fatal(f"{self.path}: {words}: {error}") from error

    def _text(self, raw: BinaryIO) -> BinaryIO:
        return gzip.GzipFile(fileobj=raw) if self.path.suffix == ".gz" else raw  # type: ignore[return-value]

    def _header(self, text: BinaryIO) -> list[str]:
        line = text.readline(HEADER_AT_MOST)
        try:
            held = [_bare(name) for name in line.decode("utf-8-sig").split(",")]
        except UnicodeDecodeError as error:
            raise Fatal(f"{self.path}: it is not UTF-8: {error}") from error
        wanted = [column.name for column in self.columns]
        missing = [name for name in wanted if name not in held]
        twice = [name for name in wanted if held.count(name) > 1]
        if missing or twice:
            wrong = f"no column {', '.join(missing)}" if missing else f"twice {', '.join(twice)}"
            raise Fatal(
                f"{self.path}: its header has {wrong}. Needed: {','.join(wanted)}. "
                f"Found: {','.join(held)[:200] or 'an empty line'}"
            )
        return held

    def _read(
        self, raw: BinaryIO, names: list[str], tell: Callable[[str, str], None]
    ) -> Iterator[pa.RecordBatch]:
        uneven: list[int] = []

        def refuse(row: csv.InvalidRow) -> str:
            uneven.append(row.number)
            problem = f"{row.actual_columns} cells under a header of {row.expected_columns}"
            self.bad_rows.add([BadRow(self.path.name, row.number, "", problem)])
            return "skip"

        size = max(self.path.stat().st_size, 1)
        wanted = [column.name for column in self.columns]
        reader = csv.open_csv(
            self._text(raw),
            read_options=csv.ReadOptions(
                use_threads=False, block_size=BLOCK_BYTES, column_names=names, skip_rows=1
            ),
            # Quotes are no syntax here: a stray one would swallow the lines up to the next.
            parse_options=csv.ParseOptions(
                quote_char=False, invalid_row_handler=refuse, ignore_empty_lines=False
            ),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(wanted, pa.string()), include_columns=wanted
            ),
        )
        next_line = 2
        for cells in reader:
            lines = _lines(next_line, cells.num_rows, uneven)
            next_line = int(lines[-1]) + 1 if len(lines) else next_line
            yield self._judge(cells, lines)
            tell(f"reading {self.path.name}", f"{100 * raw.tell() // size} %")
        self.rows += len(uneven)

    def _judge(self, cells: pa.RecordBatch, lines: np.ndarray) -> pa.RecordBatch:
        """The good rows of a block; the others are counted and named."""
        bare = {column.name: pc.utf8_trim(cells[column.name], ' \t"') for column in self.columns}
        blank = np.logical_and.reduce([_flags(pc.equal(texts, "")) for texts in bare.values()])
        is_good = ~blank
        arrays = []
        bad: list[BadRow] = []
        for column in self.columns:
            parsed, fits = _parse(column, bare[column.name])
            wrong = np.flatnonzero(is_good & ~fits)
            is_good &= fits
            arrays.append(parsed)
            bad += [
                _bad_row(self.path.name, int(lines[at]), column, bare[column.name][at].as_py())
                for at in wrong[:NAMED_AT_MOST]
            ]
        rows = len(lines) - int(blank.sum())
        self.rows += rows
        self.bad_rows.add(bad, count=rows - int(is_good.sum()))
        names = [*(column.name for column in self.columns), LINE]
        return pa.RecordBatch.from_arrays([*arrays, pa.array(lines)], names).filter(
            pa.array(is_good)
        )


def _lines(first: int, count: int, uneven: Sequence[int]) -> np.ndarray:
    """Line of each row of a block that begins at line `first` and has lost the lines `uneven`."""
    lost = [line for line in uneven if line >= first]
    lines = np.arange(first, first + count + len(lost), dtype=np.int64)
    return lines[~np.isin(lines, lost)][:count]


def _parse(column: Column, texts: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """Values, null where there is none, and which rows are good."""
    is_shaped = pc.match_substring_regex(texts, f"^({column.shape})$")
    values = pc.if_else(is_shaped, texts, pa.scalar(None, pa.string())).cast(column.type)
    fits = is_shaped if column.possible is None else pc.and_(is_shaped, column.possible(values))
    if column.may_be_empty:
        fits = pc.or_(pc.fill_null(fits, False), pc.equal(texts, ""))
    return values, _flags(fits)


def _flags(flags: pa.Array) -> np.ndarray:
    return np.asarray(pc.fill_null(flags, False).to_numpy(zero_copy_only=False), dtype=bool)


def _bad_row(file: str, line: int, column: Column, cell: str) -> BadRow:
    shown = cell if len(cell) <= CELL_SHOWN else f"{cell[:CELL_SHOWN]}..."
    return BadRow(file, line, column.name, f"{shown!r} must be {column.must_be}")


def _bare(name: str) -> str:
    return name.strip().strip('"')
