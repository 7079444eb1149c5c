"""Episodes: opened, peaked, resolved, each revision a row of `measurements.ANOMALIES`. Pure.

An episode opens at a sighting beyond its threshold, holds while sightings are beyond a lower one
(hysteresis), and is resolved by the first that is not, `quiet_ms` or more after the last that was.
A peak is told again only when it has grown by a tenth of itself or of the threshold, so that an
episode has few revisions. Nothing is random and nothing asks a clock: a replay gives equal rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from market.anomaly import AnomalyKind, Severity, anomaly_id
from market.store.stamps import stamp_ns

Row = Mapping[str, Any]

GROWS_BY = 0.1
# How many trades and coordinates stand for the evidence.
EVIDENCE_AT_MOST = 20
# Times the threshold from which an episode is that severe.
SEVERE_FROM: tuple[tuple[float, Severity], ...] = (
    (5.0, "critical"),
    (2.5, "high"),
    (1.5, "medium"),
)


@dataclass(frozen=True, slots=True)
class About:
    """What an episode is about; None where it is about no such thing."""

    source: str
    coin_id: str | None = None
    symbol: str | None = None
    quote: str | None = None
    other_source: str | None = None
    other_symbol: str | None = None
    other_coin_id: str | None = None

    @property
    def subject(self) -> str:
        """Names it among all of a kind."""
        parts = (self.source, self.symbol or self.coin_id, self.other_source)
        others = (self.other_symbol, self.other_coin_id)
        return "|".join(part or "" for part in (*parts, *others))


@dataclass(frozen=True, slots=True)
class Sighting:
    """What was measured at a moment. `times` is how many times the threshold it is."""

    at_ms: int
    collected_at_ms: int
    started_at_ms: int
    value: float
    times: float
    threshold: float
    unit: str
    sentence: str
    expected: float | None = None
    score: float | None = None
    n: int | None = None
    window_ms: int | None = None
    sources: Sequence[str] = ()
    trade_ids: Sequence[int] = ()
    coordinates: Sequence[str] = ()


class Episodes:
    """The open episodes of one detector, by subject; one at a time each."""

    def __init__(self, kind: AnomalyKind, *, quiet_ms: int, facet: str = "") -> None:
        """`facet` tells apart two kinds of episodes of one detector about the same subjects."""
        self._kind = kind
        self._facet = facet
        self._quiet_ms = quiet_ms
        self._open: dict[str, dict[str, Any]] = {}

    def __contains__(self, subject: str) -> bool:
        return subject in self._open

    def __bool__(self) -> bool:
        return bool(self._open)

    def started_at_ms(self, subject: str) -> int:
        """Of an open episode."""
        found: int = self._open[subject]["row"]["started_at_ms"]
        return found

    def see(self, about: About, seen: Sighting, *, opens: bool, holds: bool) -> Iterator[Row]:
        """The revision that a sighting makes, if any."""
        episode = self._open.get(about.subject)
        if episode is None:
            if opens:
                row = self._opened(about, seen)
                self._open[about.subject] = {"row": row, "told": seen.value, "held_ms": seen.at_ms}
                yield row
            return
        if holds:
            episode["held_ms"] = seen.at_ms
            yield from self._held(episode, seen)
        elif seen.at_ms - episode["held_ms"] >= self._quiet_ms:
            yield self._resolved(about.subject, seen.at_ms, seen.collected_at_ms, seen.value)

    def lapse(self, at_ms: int, collected_at_ms: int, *, after_ms: int) -> Iterator[Row]:
        """Resolves what has not been seen to hold for that long."""
        for subject, episode in list(self._open.items()):
            if at_ms - episode["held_ms"] >= after_ms:
                yield self._resolved(subject, at_ms, collected_at_ms, None)

    def _opened(self, about: About, seen: Sighting) -> dict[str, Any]:
        identity = anomaly_id(self._kind, about.subject + self._facet, seen.started_at_ms)
        return {
            "kind": self._kind,
            **asdict(about),
            "anomaly_id": identity,
            "stamp_ns": stamp_ns(seen.started_at_ms, identity),
            "revision": 1,
            "phase": "opened",
            "started_at_ms": seen.started_at_ms,
            "detected_at_ms": seen.at_ms,
            "peaked_at_ms": seen.at_ms,
            "resolved_at_ms": None,
            "peak_value": seen.value,
            **_measured(seen),
        }

    def _held(self, episode: dict[str, Any], seen: Sighting) -> Iterator[Row]:
        row = episode["row"]
        if abs(seen.value) <= abs(row["peak_value"]):
            return
        row = episode["row"] = {**row, "peak_value": seen.value, "peaked_at_ms": seen.at_ms}
        told = abs(episode["told"])
        if abs(seen.value) >= told + GROWS_BY * max(told, seen.threshold):
            episode["told"] = seen.value
            changed = {"revision": row["revision"] + 1, "phase": "peaked"}
            episode["row"] = {**row, **_measured(seen), **changed}
            yield episode["row"]

    def _resolved(self, subject: str, at_ms: int, collected_at_ms: int, value: float | None) -> Row:
        episode = self._open.pop(subject)
        row = episode["row"]
        ended_ms = min(at_ms, max(episode["held_ms"] + self._quiet_ms, row["detected_at_ms"]))
        if self._quiet_ms == 0 and value is not None:
            ended_ms = at_ms
        lasted_s = (ended_ms - row["started_at_ms"]) / 1000
        words = f"Over after {lasted_s:,.0f} s, its peak {spoken(row['peak_value'], row['unit'])}"
        return {
            **row,
            "revision": row["revision"] + 1,
            "phase": "resolved",
            "value": row["value"] if value is None else value,
            "resolved_at_ms": ended_ms,
            "observed_at_ms": at_ms,
            "collected_at_ms": collected_at_ms,
            "sentence": f"{row['sentence']} {words} at {utc(row['peaked_at_ms'])}.",
        }

    def save(self) -> dict[str, dict[str, Any]]:
        """The open episodes."""
        return self._open

    def restore(self, saved: dict[str, dict[str, Any]]) -> None:
        """Take over what was saved."""
        self._open = saved


def _measured(seen: Sighting) -> dict[str, Any]:
    return {
        "severity": severity_of(seen.times),
        "observed_at_ms": seen.at_ms,
        "collected_at_ms": seen.collected_at_ms,
        "value": seen.value,
        "expected": seen.expected,
        "score": seen.score,
        "threshold": seen.threshold,
        "unit": seen.unit,
        "n": seen.n,
        "window_ms": seen.window_ms,
        "sources": list(seen.sources),
        "trade_ids": list(seen.trade_ids)[:EVIDENCE_AT_MOST],
        "coordinates": list(seen.coordinates)[:EVIDENCE_AT_MOST],
        "sentence": seen.sentence,
    }


def severity_of(times: float) -> Severity:
    """How severe something is that is so many times its threshold."""
    return next((name for least, name in SEVERE_FROM if times >= least), "low")


def utc(moment_ms: int) -> str:
    """2023-03-11 04:13:05 UTC."""
    return datetime.fromtimestamp(moment_ms // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def spoken(number: float, unit: str) -> str:
    """A number with four digits that count, and its unit: 6.214 %, 1,204,000 USDT."""
    digits = f"{number:,.0f}" if abs(number) >= 1_000 else f"{number:.4g}"
    return f"{digits} {'%' if unit == 'pct' else unit}".strip()
