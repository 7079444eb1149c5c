"""Anomalies: one file a detector, one line here. Pure; docs/methodology.md defines each.

A detector is a class with `watches`, `step(row, about)` and its state to JSON and back. Rows are
those of `seconds.py`, in event order; what it gives are revisions of episodes.
"""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal, Protocol

from spark_jobs.transforms.anomalies.divergence import Divergence
from spark_jobs.transforms.anomalies.episodes import About, Row
from spark_jobs.transforms.anomalies.overtake import Overtake
from spark_jobs.transforms.anomalies.price_move import PriceMove
from spark_jobs.transforms.anomalies.pump import Pump
from spark_jobs.transforms.anomalies.silence import Silence
from spark_jobs.transforms.anomalies.volume import Volume
from spark_jobs.transforms.anomalies.whale import Whale

Watches = Literal["market", "coin", "ranking", "sources"]
"""One detector a market, a coin, or for all: what its rows are about."""


class Detector(Protocol):
    """One kind of anomaly. Made without arguments."""

    watches: ClassVar[str]

    def step(self, row: Row, about: About, /) -> Iterator[Row]:
        """The revisions that the next row makes."""

    def save(self) -> list[Any]:
        """The state as JSON, bounded."""

    def restore(self, saved: list[Any]) -> None:
        """Take over a saved state."""


DETECTORS: tuple[type[Detector], ...] = (
    PriceMove,
    Volume,
    Divergence,
    Whale,
    Pump,
    Overtake,
    Silence,
)
