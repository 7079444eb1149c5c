"""Recorded one-minute bars against those that the API returns.

Equal means: open, high, low and close the same doubles, volume within 1e-9 relative. A recorded
minute of volume 0 is a minute without a trade: there must be no bar for it.
"""

import csv
import gzip
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

MINUTE_MS = 60_000
VOLUME_TOLERANCE = 1e-9
PRICES = ("open", "high", "low", "close")


@dataclass(slots=True)
class Comparison:
    """What came of one market; moments are open times in milliseconds UTC."""

    symbol: str
    recorded: int = 0
    without_trades: int = 0
    equal: int = 0
    different: list[str] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    extra: list[int] = field(default_factory=list)
    called_gaps: int = 0

    @property
    def holds(self) -> bool:
        """Every bar equal, none missing, none extra, no quiet minute called a gap."""
        faults = self.different or self.missing or self.extra or self.called_gaps
        return self.recorded > 0 and self.equal == self.recorded and not faults


def read_bars(path: Path, *, from_ms: int, to_ms: int) -> dict[int, dict[str, float]]:
    """Bars of a CSV (or .gz) whose open time is in [from, to), by open time."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as lines:
        rows = ((_open_time_ms(row["open_time"]), row) for row in csv.DictReader(lines))
        return {
            moment: {name: float(row[name]) for name in (*PRICES, "volume")}
            for moment, row in rows
            if from_ms <= moment < to_ms
        }


def compare(
    symbol: str, recorded: Mapping[int, Mapping[str, float]], answer: Mapping[str, Any]
) -> Comparison:
    """`answer` is the body of `/coins/{coin_id}/candles` for the same stretch."""
    result = Comparison(symbol=symbol, called_gaps=len(answer["meta"]["gaps"]))
    returned = {
        _open_time_ms(bar["open_time"]): bar
        for bar in answer["data"]
        if bar["is_final"] and bar["layer"] == "speed"
    }
    traded = {moment: bar for moment, bar in recorded.items() if bar["volume"] > 0}
    result.recorded = len(traded)
    result.without_trades = len(recorded) - len(traded)
    result.missing = sorted(traded.keys() - returned.keys())
    result.extra = sorted(returned.keys() - traded.keys())
    for moment in sorted(traded.keys() & returned.keys()):
        differences = list(_differences(traded[moment], returned[moment]))
        if differences:
            result.different.append(f"{_iso(moment)} {'; '.join(differences)}")
        else:
            result.equal += 1
    return result


def _differences(expected: Mapping[str, float], got: Mapping[str, Any]) -> Iterator[str]:
    for name in PRICES:
        if got[name] != expected[name]:
            yield f"{name} {got[name]!r} instead of {expected[name]!r}"
    if not math.isclose(got["volume"], expected["volume"], rel_tol=VOLUME_TOLERANCE):
        yield f"volume {got['volume']!r} instead of {expected['volume']!r}"


def _open_time_ms(text: str) -> int:
    if text.isdigit():
        # Seconds have ten digits until the year 2286, milliseconds thirteen since 2001.
        return int(text) * (1000 if len(text) <= 10 else 1)
    moment = datetime.fromisoformat(text)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _iso(moment_ms: int) -> str:
    return datetime.fromtimestamp(moment_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%MZ")
