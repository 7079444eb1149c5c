"""Planted anomalies against the episodes that the platform found. Pure.

An episode is right where the truth has something of its kind and subject at its time. What was
planted must be found, once; what follows from a plant by itself (a pump's volume) may be found.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

MINUTE_MS = 60_000
# An episode begins where its detector saw the first sign: a window before, or some polls after.
LEEWAY_MS = 3 * MINUTE_MS
# Detectors that learn what is usual get two hours to do so, the longest that docs/methodology.md
# names; plants before it may be missed.
LEARNING_MS = 120 * MINUTE_MS
LEARNED = frozenset({"volume", "whale", "pump"})
# Kinds of which everything planted must be found.
CERTAIN = ("price_move", "divergence", "whale", "silence")
LEAST_PRECISION = 0.95


@dataclass(frozen=True, slots=True)
class Truth:
    """One anomaly of the simulator's list, over [started_at_ms, ended_at_ms)."""

    kind: str
    coin_id: str
    symbol: str | None
    other_coin_id: str | None
    started_at_ms: int
    ended_at_ms: int
    is_planted: bool

    @classmethod
    def of(cls, told: Mapping[str, object]) -> "Truth":
        """Out of `/control/planted`."""
        return cls(**{name: told[name] for name in cls.__slots__})  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Episode:
    """One episode as the API lists it."""

    anomaly_id: str
    kind: str
    source: str
    coin_id: str | None
    symbol: str | None
    other_source: str | None
    other_symbol: str | None
    other_coin_id: str | None
    started_at_ms: int
    detected_at_ms: int
    sentence: str

    @property
    def pair(self) -> frozenset[tuple[str, str | None]]:
        """What it is between; a divergence of two other quotes of the coin is another episode."""
        return frozenset(
            {(self.source, self.symbol), (self.other_source or self.source, self.other_symbol)}
        )

    def is_of(self, truth: Truth) -> bool:
        """Whether it is about the same thing at the same time."""
        if self.kind != truth.kind or self.coin_id != truth.coin_id:
            return False
        # A divergence is between two quotes of a coin, named in either order.
        if self.kind != "divergence" and self.symbol != truth.symbol:
            return False
        if self.kind == "overtake" and self.other_coin_id != truth.other_coin_id:
            return False
        begin_ms, end_ms = truth.started_at_ms - LEEWAY_MS, truth.ended_at_ms + LEEWAY_MS
        return begin_ms <= self.started_at_ms <= end_ms


@dataclass(slots=True)
class KindReport:
    """One kind. `early`: planted before its detector could know what is usual."""

    planted: int = 0
    found: int = 0
    early: int = 0
    episodes: int = 0
    right: int = 0
    doubled: int = 0
    delays_s: list[float] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    false: list[str] = field(default_factory=list)

    @property
    def delay_s_median(self) -> float | None:
        """From the plant's begin to when it was certain, event time."""
        return round(median(self.delays_s), 1) if self.delays_s else None

    @property
    def delay_s_max(self) -> float | None:
        """The slowest."""
        return round(max(self.delays_s), 1) if self.delays_s else None


def judge(
    truths: Sequence[Truth], episodes: Sequence[Episode], *, from_ms: int, kinds: Sequence[str]
) -> dict[str, KindReport]:
    """By kind. `from_ms` is where the scenario began."""
    reports = {kind: KindReport() for kind in kinds}
    _count_episodes(truths, episodes, reports)
    for truth in truths:
        if not truth.is_planted:
            continue
        report = reports[truth.kind]
        hits = [one for one in episodes if one.is_of(truth)]
        is_early = truth.kind in LEARNED and truth.started_at_ms < from_ms + LEARNING_MS
        report.doubled += len(hits) - len({one.pair for one in hits})
        if is_early and not hits:
            report.early += 1
            continue
        report.planted += 1
        if hits:
            report.found += 1
            first_ms = min(one.detected_at_ms for one in hits)
            report.delays_s.append((first_ms - truth.started_at_ms) / 1000)
        else:
            report.missed.append(f"{truth.symbol or truth.coin_id} at {truth.started_at_ms}")
    return reports


def _count_episodes(
    truths: Sequence[Truth], episodes: Sequence[Episode], reports: Mapping[str, KindReport]
) -> None:
    seen: set[str] = set()
    for one in episodes:
        report = reports[one.kind]
        report.episodes += 1
        report.doubled += one.anomaly_id in seen
        seen.add(one.anomaly_id)
        if any(one.is_of(truth) for truth in truths):
            report.right += 1
        else:
            report.false.append(f"{one.started_at_ms}: {one.sentence}")


def precision(reports: Mapping[str, KindReport]) -> float | None:
    """Right episodes over all, None without any."""
    episodes = sum(one.episodes for one in reports.values())
    return sum(one.right for one in reports.values()) / episodes if episodes else None


def holds(reports: Mapping[str, KindReport]) -> bool:
    """All that must be found is, nearly nothing else is, and nothing twice."""
    found_all = all(reports[kind].planted == reports[kind].found > 0 for kind in CERTAIN)
    none_twice = not any(one.doubled for one in reports.values())
    return found_all and none_twice and (precision(reports) or 0.0) >= LEAST_PRECISION
