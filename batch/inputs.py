"""What the files of an evaluation hold: columns, and what each cell must be."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from batch.plain_csv import LINE, BadRow, Column, CsvFile
from batch.terminal import Tell, in_words
from market.errors import Fatal
from schemas.validity import EARLIEST_MS

NUMBER = r"-?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?"
WHOLE = r"\d{1,18}"
# 2100-01-01. A later number counts something else than milliseconds.
LATEST_MS = 4_102_444_800_000

Key = tuple[str, int]
"""(symbol, open time in milliseconds)."""
BarFields = Mapping[str, Any]
"""A row of BARS with its line."""


def _is_positive(numbers: pa.Array) -> pa.Array:
    return pc.and_(pc.is_finite(numbers), pc.greater(numbers, 0.0))


def _is_not_negative(numbers: pa.Array) -> pa.Array:
    return pc.and_(pc.is_finite(numbers), pc.greater_equal(numbers, 0.0))


def _is_moment(moments: pa.Array) -> pa.Array:
    return pc.and_(pc.greater_equal(moments, EARLIEST_MS), pc.less(moments, LATEST_MS))


def _symbol() -> Column:
    return Column("symbol", pa.string(), ".+", "a market's name")


def _price(name: str) -> Column:
    return Column(name, pa.float64(), NUMBER, "a finite number above 0", _is_positive)


def _moment(name: str) -> Column:
    words = "whole milliseconds UTC between 2009-01-03 and 2100-01-01"
    return Column(name, pa.int64(), WHOLE, words, _is_moment)


TRADES = (
    _symbol(),
    Column("trade_id", pa.int64(), WHOLE, "a whole number, or empty", may_be_empty=True),
    _price("price"),
    _price("quantity"),
    Column("aggressor", pa.string(), "buy|sell", "buy, sell or empty", may_be_empty=True),
    _moment("traded_at_ms"),
)
"""One row a trade: price in the quote currency, quantity in the base currency."""

BARS = (
    _symbol(),
    _moment("open_time_ms"),
    *(_price(name) for name in ("open", "high", "low", "close")),
    Column("volume", pa.float64(), NUMBER, "a finite number from 0 on", _is_not_negative),
    Column("trades", pa.int64(), WHOLE, "a whole number, or empty", may_be_empty=True),
)
"""One row a bar: prices in the quote currency, volume in the base currency."""

EVENTS = (_symbol(), _moment("started_at_ms"))
"""One row an event that somebody announced of a market."""

QUOTES = (
    Column("source", pa.string(), ".+", "a source's name"),
    _symbol(),
    _moment("observed_at_ms"),
    _price("price"),
)
"""One row a quote: a price in the symbol's quote currency."""


def read_bars(file: CsvFile, tell: Tell) -> dict[Key, BarFields]:
    """Bars by symbol and open time. Raises Fatal where none is good."""
    bars: dict[Key, BarFields] = {}
    for batch in file.batches(tell):
        for bar in batch.to_pylist():
            key = bar["symbol"], bar["open_time_ms"]
            if key in bars:
                problem = f"repeats the bar of row {bars[key][LINE]}"
                row = BadRow(file.path.name, bar[LINE], "open_time_ms", problem)
                file.bad_rows.add([row])
            else:
                bars[key] = bar
    if not bars:
        raise nothing_usable(file)
    return bars


def nothing_usable(file: CsvFile) -> Fatal:
    """Says why a file has no row that counts."""
    if not file.rows:
        return Fatal(f"{file.path}: it holds no row.")
    return Fatal(f"{file.path}: none of its {file.rows:,} rows is good.\n{in_words(file.bad_rows)}")
