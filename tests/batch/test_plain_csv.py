"""What counts of a file, and that everything else is counted and named."""

import gzip
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batch import plain_csv
from batch.inputs import BARS, LATEST_MS, TRADES
from batch.plain_csv import LINE, CsvFile
from market.errors import Fatal
from schemas.validity import EARLIEST_MS
from tests.batch.builders import START_MS, a_trade, write_bars, write_trades

HEADER = "symbol,trade_id,price,quantity,aggressor,traded_at_ms"
GOOD = f"BTCUSDC,1,20000.5,0.25,buy,{START_MS}"


def rows_of(file: CsvFile) -> list[dict[str, Any]]:
    return [row for batch in file.batches(lambda _doing, _note: None) for row in batch.to_pylist()]


def read(path: Path, content: str | bytes) -> tuple[list[dict[str, Any]], CsvFile]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    file = CsvFile(path, TRADES)
    return rows_of(file), file


def test_a_good_row_is_read_with_its_line(tmp_path):
    rows, file = read(tmp_path / "trades.csv", f"{HEADER}\n{GOOD}\n")
    assert rows == [
        {
            "symbol": "BTCUSDC",
            "trade_id": 1,
            "price": 20000.5,
            "quantity": 0.25,
            "aggressor": "buy",
            "traded_at_ms": START_MS,
            LINE: 2,
        }
    ]
    assert (file.rows, file.bad_rows.count) == (1, 0)


@pytest.mark.parametrize(
    ("column", "cell", "is_good"),
    [
        ("symbol", "", False),
        ("symbol", '"BTCUSDC"', True),
        ("trade_id", "", True),
        ("trade_id", "0", True),
        ("trade_id", "a1", False),
        ("trade_id", "-1", False),
        ("trade_id", "1.5", False),
        ("trade_id", "1" + "0" * 18, False),
        ("price", " 1.5 ", True),
        ("price", "1e-8", True),
        ("price", ".5", True),
        ("price", "", False),
        ("price", "0", False),
        ("price", "-1", False),
        ("price", "NaN", False),
        ("price", "inf", False),
        ("price", "1e999", False),
        ("price", "1e-999", False),
        ("price", "0x10", False),
        ("price", "1_000", False),
        ("price", "twenty", False),
        ("quantity", "0", False),
        ("aggressor", "", True),
        ("aggressor", "sell", True),
        ("aggressor", "BUY", False),
        ("traded_at_ms", "", False),
        ("traded_at_ms", str(EARLIEST_MS), True),
        ("traded_at_ms", str(EARLIEST_MS - 1), False),
        ("traded_at_ms", str(START_MS // 1000), False),
        ("traded_at_ms", str(LATEST_MS - 1), True),
        ("traded_at_ms", str(LATEST_MS), False),
        ("traded_at_ms", str(START_MS * 1000), False),
        ("traded_at_ms", "9" * 30, False),
        ("traded_at_ms", f"{START_MS}.0", False),
    ],
)
def test_a_cell_that_cannot_be_true_makes_its_row_bad_and_is_named(tmp_path, column, cell, is_good):
    path = write_trades(tmp_path / "trades.csv", [a_trade(), a_trade(**{column: cell})])
    file = CsvFile(path, TRADES)
    assert len(rows_of(file)) == 1 + is_good
    named = [(bad.file, bad.row, bad.column) for bad in file.bad_rows.named]
    assert named == ([] if is_good else [("trades.csv", 3, column)])
    assert file.bad_rows.count == len(named)


def test_a_bar_may_lack_volume_and_the_number_of_trades_but_no_price(tmp_path):
    quiet = {"open_time_ms": START_MS, **dict.fromkeys(("open", "high", "low", "close"), 2)}
    bars = [
        {"symbol": "A", **quiet, "volume": "0.0", "trades": ""},
        {"symbol": "B", **quiet, "volume": "-1", "trades": "0"},
        {"symbol": "C", **quiet, "low": "", "volume": "1", "trades": "1"},
    ]
    file = CsvFile(write_bars(tmp_path / "bars.csv", bars), BARS)
    assert [bar["symbol"] for bar in rows_of(file)] == ["A"]
    assert [(bad.row, bad.column) for bad in file.bad_rows.named] == [(3, "volume"), (4, "low")]


def test_lines_are_those_of_an_editor_whatever_stands_between(tmp_path):
    """Blank lines, rows too short and too long, a stray quote; nothing swallows its neighbours."""
    lines = [HEADER, GOOD, "", "1,2", GOOD, f"{GOOD},9", f'"{GOOD}', "", GOOD, "", ""]
    rows, file = read(tmp_path / "trades.csv", "\r\n".join(lines))
    assert [row[LINE] for row in rows] == [2, 5, 7, 9]
    assert [(bad.row, bad.problem) for bad in file.bad_rows.named] == [
        (4, "2 cells under a header of 6"),
        (6, "7 cells under a header of 6"),
    ]
    assert (file.rows, file.bad_rows.count) == (6, 2)


def test_lines_go_on_from_block_to_block(tmp_path, monkeypatch):
    monkeypatch.setattr(plain_csv, "BLOCK_BYTES", 200)
    lines = [HEADER, *(f"S{n},{n},1,1,,{START_MS}" if n % 7 else "short" for n in range(2, 400))]
    rows, file = read(tmp_path / "trades.csv", "\n".join(lines))
    assert [row[LINE] for row in rows] == [row["trade_id"] for row in rows]
    assert len(rows) + file.bad_rows.count == file.rows == 398
    assert [bad.row for bad in file.bad_rows.named] == [7 * n for n in range(1, 21)]


def test_columns_may_come_in_any_order_with_others_between(tmp_path):
    header = "note,traded_at_ms,aggressor,quantity,price,trade_id,symbol"
    rows, _ = read(tmp_path / "trades.csv", f"\ufeff{header}\nx,{START_MS},,1,2,,ETH\n")
    assert [(row["symbol"], row["price"], row["trade_id"]) for row in rows] == [("ETH", 2.0, None)]


@pytest.mark.parametrize("pieces", [1, 2])
def test_a_compressed_file_is_read_also_in_several_members(tmp_path, pieces):
    text = f"{HEADER}\n" + f"{GOOD}\n" * 10
    half = len(text) // pieces
    members = [text[:half], text[half:]]
    content = b"".join(gzip.compress(part.encode()) for part in members)
    rows, _ = read(tmp_path / "trades.csv.gz", content)
    assert len(rows) == 10


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", "no column symbol, trade_id"),
        ("a.csv", b"symbol;price\n", "no column symbol"),
        ("a.csv", HEADER.replace("price", "Price").encode(), "no column price. Needed: symbol,"),
        ("a.csv", f"{HEADER},price\n{GOOD},1\n".encode(), "twice price"),
        ("a.csv", f"{HEADER}\nB\xdc,{GOOD}\n".encode("utf-16"), "not UTF-8"),
        ("a.csv", f"{HEADER}\nB\xdc,1,1,1,buy,{START_MS}\n".encode("latin-1"), "not UTF-8"),
        ("a.csv.gz", f"{HEADER}\n{GOOD}\n".encode(), "Not a gzipped file"),
        ("a.csv.gz", gzip.compress(f"{HEADER}\n{GOOD}\n".encode() * 99)[:-20], "cut short"),
        ("a.csv", f"{HEADER}\n{GOOD}".encode() + b"0" * (1 << 25), "cannot be read as CSV"),
    ],
)
def test_a_file_that_is_something_else_is_refused_with_its_name(tmp_path, name, content, words):
    with pytest.raises(Fatal, match=words) as caught:
        read(tmp_path / name, content)
    assert str(tmp_path / name) in str(caught.value)


def test_a_file_that_is_not_there_or_a_folder_is_refused_with_its_name(tmp_path):
    for path, words in ((tmp_path / "no.csv", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(Fatal, match=words):
            rows_of(CsvFile(path, TRADES))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(
            st.floats(min_value=0, exclude_min=True, allow_infinity=False).map(repr),
            st.decimals(min_value="1e-12", max_value="1e12", places=12).map(str),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_a_number_is_the_same_double_as_python_reads(tmp_path, cells):
    path = write_trades(tmp_path / "trades.csv", [a_trade(price=cell) for cell in cells])
    file = CsvFile(path, TRADES)
    assert [row["price"] for row in rows_of(file)] == [float(cell) for cell in cells]
