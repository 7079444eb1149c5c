"""Files and rows valid by default; a test overrides the one fact it is about."""

import gzip
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

# 2023-03-11T03:00:00Z, a whole minute.
START_MS = 1_678_503_600_000
TRADE_NAMES = ("symbol", "trade_id", "price", "quantity", "aggressor", "traded_at_ms")
BAR_NAMES = ("symbol", "open_time_ms", "open", "high", "low", "close", "volume", "trades")

Row = Mapping[str, object]


def a_trade(trade_id: int | str = 1, **facts: object) -> Row:
    return {
        "symbol": "BTCUSDC",
        "trade_id": trade_id,
        "price": 20_000.0,
        "quantity": 1.0,
        "aggressor": "buy",
        "traded_at_ms": START_MS,
    } | facts


def a_bar(**facts: object) -> Row:
    """The bar of `a_trade()` alone."""
    prices = dict.fromkeys(("open", "high", "low", "close"), 20_000.0)
    return {
        "symbol": "BTCUSDC",
        "open_time_ms": START_MS,
        **prices,
        "volume": 1.0,
        "trades": 1,
    } | facts


def write_csv(path: Path, names: Sequence[str], rows: Iterable[Row]) -> Path:
    """A header and a line a row; compressed where the path ends in .gz."""
    lines = [",".join(names), *(",".join(str(row[name]) for name in names) for row in rows)]
    text = "\n".join(lines).encode() + b"\n"
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def write_trades(path: Path, rows: Iterable[Row]) -> Path:
    return write_csv(path, TRADE_NAMES, rows)


def write_bars(path: Path, rows: Iterable[Row]) -> Path:
    return write_csv(path, BAR_NAMES, rows)
