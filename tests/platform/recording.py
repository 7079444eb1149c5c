"""A small recording of three markets of one coin, made here: a walk with quiet minutes."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

START = datetime(2023, 3, 11, 3, tzinfo=UTC)
SYMBOLS = ("BTCUSD", "BTCUSDC", "BTCUSDT")
# One minute in three has no trade, as in the quieter of the real markets.
QUIET_SHARE = 0.33


def write_recording(folder: Path, *, seed: int, minutes: int) -> list[tuple[str, Path]]:
    """One CSV a market, `minutes` bars from START."""
    return [
        (symbol, _write_market(folder / f"{symbol}.csv", random.Random(f"{seed}{symbol}"), minutes))
        for symbol in SYMBOLS
    ]


def _write_market(path: Path, rng: random.Random, minutes: int) -> Path:
    lines = ["open_time,open,high,low,close,volume"]
    close = 20_000.0
    for minute in range(minutes):
        moment = (START + timedelta(minutes=minute)).isoformat()
        if rng.random() < QUIET_SHARE:
            lines.append(f"{moment},{close},{close},{close},{close},0.0")
            continue
        opening = round(close + rng.uniform(-5, 5), 2)
        close = round(opening + rng.gauss(0, 20), 2)
        high = round(max(opening, close) + abs(rng.gauss(0, 8)), 2)
        low = round(min(opening, close) - abs(rng.gauss(0, 8)), 2)
        volume = round(rng.expovariate(2.0), rng.choice([2, 5, 6])) or 2e-06
        lines.append(f"{moment},{opening},{high},{low},{close},{volume:.6f}")
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path
