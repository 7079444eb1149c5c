"""Which markets are followed: `markets.toml`, by venue the venue's own symbols.

    [binance]
    symbols = ["BTCUSDT", "BTCUSDC"]

The file is judged as a whole: an error names everything that is wrong with it, and nobody follows
half of a file.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

from market.coins import market_of
from market.errors import Fatal

VENUES = ("binance",)
SYMBOLS = {"symbols"}
PACKAGED = "market/markets.toml"


def read_markets(path: Path | None = None) -> Mapping[str, tuple[str, ...]]:
    """Symbols by venue, in the file's order; None means the packaged file. Raises Fatal."""
    if path is None:
        return _packaged()
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Fatal(f"{path} cannot be read: {error}") from error
    return parse_markets(text, where=str(path))


@cache
def _packaged() -> Mapping[str, tuple[str, ...]]:
    text = files("market").joinpath("markets.toml").read_text("utf-8")
    return parse_markets(text, where=PACKAGED)


def parse_markets(text: str, *, where: str) -> Mapping[str, tuple[str, ...]]:
    """Symbols by venue of a file's text. Raises Fatal that names every wrong line's content."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Fatal(f"{where} is not TOML: {error}") from error
    wrong = [
        f"{name}: no such venue; known: {', '.join(VENUES)}" for name in tables.keys() - {*VENUES}
    ]
    for venue in VENUES:
        wrong += _wrong_in(venue, tables.get(venue))
    if wrong:
        raise Fatal(f"{where}: " + "; ".join(sorted(wrong)))
    return {venue: tuple(tables[venue]["symbols"]) for venue in VENUES}


def _wrong_in(venue: str, table: object) -> list[str]:
    if not isinstance(table, dict) or "symbols" not in table:
        return [f"[{venue}] with symbols = [...] is missing"]
    wrong = [f"[{venue}] {name}: unknown; only symbols is known" for name in table.keys() - SYMBOLS]
    symbols = table["symbols"]
    if not isinstance(symbols, list) or not symbols:
        return [*wrong, f'[{venue}] symbols is no list of markets such as ["BTCUSDT"]']
    for position, symbol in enumerate(symbols):
        if not isinstance(symbol, str):
            wrong.append(f"[{venue}] {symbol!r} is not a symbol")
        elif symbol in symbols[:position]:
            wrong.append(f"[{venue}] {symbol} is named twice")
        else:
            wrong += _unknown(venue, symbol)
    return wrong


def _unknown(venue: str, symbol: str) -> list[str]:
    try:
        market_of(venue, symbol)
    except Fatal as error:
        return [f"[{venue}] {error}"]
    return []
