"""The five parts of a series' quality, each 0 to 100 with a sentence for what is below. Pure.

A part that cannot be judged (coverage without trade ids, agreement with nobody to compare with) is
None and weighs nothing. The score is the geometric mean of the others by their weights, so a part
at 0 makes the score 0: a series of which no trade is missing is worth nothing when it stands still.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from statistics import median

from market.store.freshness import SNAPSHOT_FRESH_MS, TRADE_FRESH_MS

WEIGHTS: Mapping[str, float] = {
    "freshness": 0.30,
    "coverage": 0.20,
    "agreement": 0.20,
    "source_health": 0.15,
    "repairs": 0.15,
}
FRESH_MS: Mapping[str, int] = {"market": TRADE_FRESH_MS, "snapshot": SNAPSHOT_FRESH_MS}
# A number ten times older than it may be is worth nothing.
WORTHLESS_AFTER = 10
# Full marks up to half of what counts as a divergence (1 %), none at twice as much.
AGREES_PCT, DISAGREES_PCT = 0.5, 2.0
HEALTH_MARKS: Mapping[str, float] = {"running": 100.0, "done": 100.0, "degraded": 50.0, "off": 0.0}
BREAKER_OPEN_MARKS = 50.0
# Six heartbeats that did not come.
HEARD_WITHIN_MS = 60_000
GAP_MARKS: Mapping[str, float] = {"open": 30.0, "upstream_missing": 20.0, "repaired": 5.0}
WORST_REPAIRS = 10.0


@dataclass(frozen=True, slots=True)
class Part:
    """Marks of one part, and why they are not 100."""

    marks: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """The newest heartbeat of a series' agent, and how long ago it was."""

    agent: str
    age_ms: int
    state: str
    breaker: str
    reason: str
    is_silent: bool


def freshness(kind: str, age_ms: int, *, allowance_ms: int) -> Part:
    """By the age of the newest number: full marks while it is fresh, then falling to none."""
    limit_ms = FRESH_MS[kind] + allowance_ms
    if age_ms <= limit_ms:
        return Part(100.0)
    beyond = (age_ms - limit_ms) / ((WORTHLESS_AFTER - 1) * limit_ms)
    return Part(100 * max(1 - beyond, 0.0), f"its newest number is {_span(age_ms)} old")


def coverage(held: int, expected: int) -> Part:
    """Trade ids that are held of those of the trailing hour."""
    missing = max(expected - held, 0)
    reason = f"{missing:,} of {expected:,} trades of the last hour are missing" if missing else ""
    return Part(100 * (1 - missing / expected), reason)


def agreement(low: float, high: float, others: Sequence[float]) -> Part | None:
    """How far the median of the other quotes lies from what this one was in the same minute."""
    if not others:
        return None
    middle = median(others)
    nearest = min(max(middle, low), high)
    apart_pct = 100 * abs(nearest / middle - 1)
    beyond = (apart_pct - AGREES_PCT) / (DISAGREES_PCT - AGREES_PCT)
    if beyond <= 0:
        return Part(100.0)
    words = "another quote" if len(others) == 1 else f"the median of {len(others)} other quotes"
    return Part(100 * max(1 - beyond, 0.0), f"it is {apart_pct:.2f} % away from {words}")


def source_health(heard: Heard | None, *, limit_ms: int) -> Part | None:
    """What its agent says of itself; None before it has ever said anything."""
    if heard is None:
        return None
    if heard.age_ms > limit_ms:
        return Part(0.0, f"{heard.agent} has not been heard of for {_span(heard.age_ms)}")
    if heard.is_silent:
        return Part(0.0, "it is silent while others trade")
    marks = HEALTH_MARKS.get(heard.state, 0.0)
    if marks > BREAKER_OPEN_MARKS and heard.breaker != "closed":
        return Part(BREAKER_OPEN_MARKS, f"the circuit breaker of {heard.agent} is not closed")
    if marks >= 100:
        return Part(marks)
    told = f": {heard.reason}" if heard.reason else ""
    return Part(marks, f"{heard.agent} is {heard.state}{told}")


def repairs(gaps: Mapping[str, int]) -> Part:
    """Gaps of the trailing hour by state; open ones count however old they are."""
    marks = 100 - sum(GAP_MARKS[state] * n for state, n in gaps.items())
    words = {"open": "open", "upstream_missing": "not to be had", "repaired": "repaired"}
    told = ", ".join(f"{gaps[state]} {words[state]}" for state in words if gaps.get(state))
    return Part(max(marks, WORST_REPAIRS), f"gaps of the last hour: {told}" if told else "")


def score_of(parts: Mapping[str, Part | None]) -> tuple[float, str]:
    """The score, and the sentence of its worst part; the first of WEIGHTS where two are as bad."""
    judged = {name: part for name in WEIGHTS if (part := parts[name]) is not None}
    worst = min(judged.values(), key=lambda part: part.marks)
    if worst.marks <= 0:
        return 0.0, worst.reason
    weight = sum(WEIGHTS[name] for name in judged)
    logs = sum(WEIGHTS[name] * log(part.marks / 100) for name, part in judged.items())
    return 100 * exp(logs / weight), worst.reason


def _span(span_ms: int) -> str:
    seconds = span_ms // 1000
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7_200 else f"{seconds // 3600} h"
