"""Reading one-minute bars: CSV or .gz with the header open_time, open, high, low, close, volume.

`open_time` is ISO 8601 (UTC unless it says otherwise) or an epoch in s, ms or µs, told by its
size. Rows may come in any order; other columns are ignored. A row that cannot be true is an error
that names file, line and reason; nothing is guessed or skipped.
"""

import csv
import gzip
import zlib
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import IO

from simulator.scenario import MINUTE_MS, WrongScenario

COLUMNS = ("open_time", "open", "high", "low", "close", "volume")
# A file that is wrong is usually wrong everywhere; ten rows show how.
MAX_PROBLEMS = 10
# Epochs of our time: below the first bound seconds, below the second ms, else µs.
FIRST_MS = 100_000_000_000
FIRST_US = 100_000_000_000_000
# Wider numbers than any market has would make every sum below slow and every string absurd.
MAX_DECIMALS = 30
MAX_NUMBER = Decimal(10) ** 18


@dataclass(frozen=True, slots=True)
class Bar:
    """One recorded minute, in the words of its file."""

    open_time_ms: int
    open: str
    high: str
    low: str
    close: str
    volume: str


class BarTable:
    """The bars of one file by time, kept as packed text: about 70 bytes a bar."""

    def __init__(self, bars: list[Bar]) -> None:
        self.open_times_ms = array("q", (bar.open_time_ms for bar in bars))
        self._row_by_minute = {bar.open_time_ms // MINUTE_MS: i for i, bar in enumerate(bars)}
        self._packed = [
            ",".join((bar.open, bar.high, bar.low, bar.close, bar.volume)).encode() for bar in bars
        ]

    def __len__(self) -> int:
        return len(self.open_times_ms)

    def __getitem__(self, row: int) -> Bar:
        return Bar(self.open_times_ms[row], *self._packed[row].decode().split(","))

    def row_of(self, minute: int) -> int | None:
        """Row of a minute (number since the epoch), None where the file has none."""
        return self._row_by_minute.get(minute)


def open_time_ms(text: str) -> int:
    """Milliseconds UTC of ISO 8601 or an epoch. Raises ValueError."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        return round(moment.timestamp() * 1000)
    if not number.is_finite() or number != number.to_integral_value():
        raise ValueError(f"open_time {text} is neither ISO 8601 nor a whole epoch")
    if abs(number) < FIRST_MS:
        return int(number) * 1000
    return int(number) if abs(number) < FIRST_US else int(number) // 1000


def _number(name: str, text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{name} {text!r} is not a number") from None
    if not number.is_finite():
        raise ValueError(f"{name} {text} is not a finite number")
    exponent = number.as_tuple().exponent
    if number >= MAX_NUMBER or (isinstance(exponent, int) and exponent < -MAX_DECIMALS):
        raise ValueError(f"{name} {text} is out of any market's range")
    return number


def bar_of(row: list[str]) -> Bar:
    """The bar of six texts in the order of COLUMNS. Raises ValueError with what is wrong."""
    bar = Bar(open_time_ms(row[0]), *row[1:])
    if bar.open_time_ms % MINUTE_MS:
        raise ValueError(f"open_time {row[0]} is not on a minute")
    opened, high, low, close, volume = (
        _number(name, text) for name, text in zip(COLUMNS[1:], row[1:], strict=True)
    )
    if min(opened, high, low, close) <= 0:
        raise ValueError("a price is not above 0")
    if volume < 0:
        raise ValueError(f"volume {bar.volume} is negative")
    if low > min(opened, close):
        raise ValueError(f"low {bar.low} is above open {bar.open} or close {bar.close}")
    if high < max(opened, close):
        raise ValueError(f"high {bar.high} is below open {bar.open} or close {bar.close}")
    return bar


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    opener = gzip.open if packed else open
    with opener(path, "rt", encoding="utf-8-sig", newline="") as lines:
        yield lines


def _indices(path: Path, header: list[str] | None) -> list[int]:
    names = [name.strip().lower() for name in header or []]
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise WrongScenario(f"{path}: line 1: no column {', '.join(missing)} in the header")
    return [names.index(name) for name in COLUMNS]


def _rows(path: Path, lines: IO[str], problems: list[str]) -> Iterator[tuple[int, Bar]]:
    reader = csv.reader(lines)
    indices = _indices(path, next(reader, None))
    for row in reader:
        if not row:
            continue
        try:
            if len(row) <= max(indices):
                raise ValueError(f"{len(row)} columns, the header has more")  # noqa: TRY301
            yield reader.line_num, bar_of([row[index].strip() for index in indices])
        except ValueError as error:
            problems.append(f"{path}: line {reader.line_num}: {error}")
            if len(problems) >= MAX_PROBLEMS:
                return


def read_bars(path: Path) -> BarTable:
    """The bars of a file by time. Raises WrongScenario that names each wrong line."""
    problems: list[str] = []
    line_of: dict[int, int] = {}
    bars: list[Bar] = []
    try:
        with _opened(path) as lines:
            for line, bar in _rows(path, lines, problems):
                first = line_of.setdefault(bar.open_time_ms, line)
                if first != line:
                    problems.append(f"{path}: line {line}: duplicate of line {first}'s open_time")
                bars.append(bar)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error) as error:
        raise WrongScenario(f"{path}: cannot be read: {error}") from error
    if problems:
        raise WrongScenario("\n".join(problems[:MAX_PROBLEMS]))
    if not bars:
        raise WrongScenario(f"{path}: no bar in it")
    bars.sort(key=lambda bar: bar.open_time_ms)
    return BarTable(bars)
