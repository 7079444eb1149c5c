"""The truth about a scenario's anomalies: what was planted, and what follows from it.

Whoever detects anomalies is held against this list. All times are milliseconds UTC.
"""

from dataclasses import dataclass
from typing import Literal

from market.anomaly import AnomalyKind

Unit = Literal["pct", "usd", "times", "s"]


@dataclass(frozen=True, slots=True)
class PlantedAnomaly:
    """One anomaly over [started_at_ms, ended_at_ms).

    `peak` is signed where it has a direction. `is_planted` False: not drawn on purpose, but true
    all the same (a pump's volume, two coins that cross by themselves); whoever finds it is right,
    whoever does not is not wrong.
    """

    kind: AnomalyKind
    source: str
    coin_id: str
    symbol: str | None
    started_at_ms: int
    ended_at_ms: int
    peak: float
    unit: Unit
    is_planted: bool = True
    other_symbol: str | None = None
    other_coin_id: str | None = None
