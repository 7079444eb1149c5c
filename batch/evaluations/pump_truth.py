"""Detections of pumps held against announced ones: which match, how soon, how many are false."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any, NamedTuple

DAY_MS = 86_400_000
BEFORE_MS, AFTER_MS = 60_000, 300_000


class Found(NamedTuple):
    """A market at a moment: a detection or an announcement."""

    symbol: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Score:
    """Counts over all events; delays of those that were found, seconds."""

    events: int
    matched: int
    false_alarms: int
    failed_events: int
    failed_matched: int
    delays_s: Sequence[float]
    days: float

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 0 where there is neither."""
        everything = self.events + self.matched + self.false_alarms
        return 2 * self.matched / everything if everything else 0.0

    def report(self) -> dict[str, Any]:
        """What `--json` prints; null where it is not defined."""
        found = self.matched + self.false_alarms
        return {
            "recall": self.matched / self.events if self.events else None,
            "precision": self.matched / found if found else None,
            "f1": self.f1,
            "delay_s_median": median(self.delays_s) if self.delays_s else None,
            "delay_s_p90": _p90(self.delays_s),
            "false_alarms_per_day": self.false_alarms / self.days if self.days else None,
            "events": self.events,
            "matched": self.matched,
            "false_alarms": self.false_alarms,
            "failed_events": self.failed_events,
            "failed_matched": self.failed_matched,
        }

    def words(self) -> str:
        """The same in a sentence or two."""
        told = self.report()
        delay = told["delay_s_median"]
        soon = "" if delay is None else f", half of them within {delay:.1f} s"
        return (
            f"{self.matched} of {self.events} pumps found{soon};"
            f" {self.false_alarms} false alarms in {self.days:,.1f} days of markets; F1"
            f" {self.f1:.3f}. Of {self.failed_events} announcements that failed"
            f" {self.failed_matched} were found."
        )


def score_of(
    found: Sequence[Found], events: Sequence[Found], failed: Sequence[Found], *, days: float
) -> Score:
    """Each event matches the first detection that is in its reach and no other's."""
    left = sorted(found)
    delays = [delay for event in sorted(events) if (delay := _take(left, event)) is not None]
    failures = [delay for event in sorted(failed) if (delay := _take(left, event)) is not None]
    return Score(
        events=len(events),
        matched=len(delays),
        false_alarms=len(left),
        failed_events=len(failed),
        failed_matched=len(failures),
        delays_s=[delay / 1000 for delay in delays],
        days=days,
    )


def _take(left: list[Found], event: Found) -> int | None:
    """Milliseconds from an event to the first detection in its reach, which is taken out."""
    for position, one in enumerate(left):
        delay = one.at_ms - event.at_ms
        if one.symbol == event.symbol and -BEFORE_MS <= delay <= AFTER_MS:
            del left[position]
            return delay
    return None


def _p90(delays_s: Sequence[float]) -> float | None:
    if len(delays_s) < 2:
        return delays_s[0] if delays_s else None
    return quantiles(delays_s, n=10, method="inclusive")[-1]
