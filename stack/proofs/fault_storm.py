"""Scenario hours under a random, seeded mix of faults over all sources, all agents on.

The storm's plan is drawn before it starts, so that a seed is a plan. At its end all faults are
stopped and the agents get time to mend what they can; what is then missing needs a cause.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack.console import Step, StepBoard
from stack.demo import MARKET_FROM_MS
from stack.home import Scenario
from stack.interrupt import pause
from stack.proofs.collection import Broker, Stage
from stack.proofs.conformance import FREE
from stack.proofs.ledger import Difference
from stack.proofs.source_faults import CELLS, FAULTS, SOURCES, requests_of
from stack.proofs.truth import Truth
from stack.proofs.venue import Venue

# Real seconds between two faults, drawn evenly.
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 8.0
QUIET_BEFORE_S = 15.0
# Where an agent rests for long because it was refused for good, a person mends that after so long.
OPERATOR_AFTER_S = 20.0
# A host that refused for good is asked again after five minutes, and its holes then.
MENDS_WITHIN_S = 420.0
LOOK_S = 5.0
PROGRESS_S = 30.0
HOUR_MS = 3_600_000
# Runs once at the start; it has nothing to collect afterwards.
STORMED = tuple(name for name, row in SOURCES.items() if row.kind is not None)


@dataclass(frozen=True, slots=True)
class Strike:
    """One planned fault. `at_s` is in real seconds from the storm's start."""

    at_s: float
    source: str
    fault: str
    seed: int


@dataclass(frozen=True, slots=True)
class StormReport:
    """Outcome. `strikes` counts by fault what it did, not what was asked."""

    hours: float
    seconds: float
    asked: int
    strikes: Counter[str]
    differences: dict[str, Difference]

    @property
    def holds(self) -> bool:
        """Nothing lost, nothing doubled, nothing without a cause."""
        return all(one.holds and one.lost == 0 for one in self.differences.values())

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {
            "hours": self.hours,
            "seconds": self.seconds,
            "faults_asked": self.asked,
            "strikes": dict(self.strikes),
            "sources": {
                name: {
                    "told": one.told,
                    "held": one.held,
                    "lost": one.lost,
                    "doubled": one.doubled,
                    "explained": dict(one.explained),
                    "unexplained": one.unexplained_count,
                    "first": one.unexplained,
                }
                for name, one in self.differences.items()
            },
        }


def plan_of(seed: int, seconds: float) -> list[Strike]:
    """The storm of a seed. No cell comes a second time before each has come once."""
    chance = random.Random(seed)  # noqa: S311 - a plan to be repeated, no secret
    deck: list[tuple[str, str]] = []
    strikes: list[Strike] = []
    at_s = chance.uniform(SHORTEST_PAUSE_S, LONGEST_PAUSE_S)
    while at_s < seconds:
        if not deck:
            deck = [pair for pair in CELLS if pair[0] in STORMED]
            chance.shuffle(deck)
        source, fault = deck.pop()
        strikes.append(Strike(at_s, source, fault, chance.randrange(2**31)))
        at_s += chance.uniform(SHORTEST_PAUSE_S, LONGEST_PAUSE_S)
    return strikes


def run_storm(
    home_root: Path,
    board: StepBoard,
    *,
    hours: float,
    speed: float,
    seed: int,
    report: Callable[[str], None] = lambda _line: None,
) -> StormReport:
    """Run it."""
    began = time.monotonic()
    scenario = Scenario("market", seed, MARKET_FROM_MS, speed)
    plan = plan_of(seed, hours * 3600 / speed - QUIET_BEFORE_S)
    with ExitStack() as stack:
        broker = stack.enter_context(Broker(home_root, board))
        stage = stack.enter_context(Stage(broker, "market", scenario))
        truths = {name: stack.enter_context(Truth(stage, SOURCES[name])) for name in STORMED}
        for name in STORMED:
            stage.start_agent(name, FREE)
        _blow(stage, truths, plan, MARKET_FROM_MS + int(hours * HOUR_MS), report)
        step = board.step("mending")
        differences = _mended(stage, truths, step)
        entries = next(iter(truths.values())).venue.fault_log()
    strikes = Counter(str(one["kind"]) for one in entries if one["event"] == "applied")
    seconds = round(time.monotonic() - began, 1)
    return StormReport(hours, seconds, len(plan), strikes, differences)


def _blow(
    stage: Stage,
    truths: dict[str, Truth],
    plan: Sequence[Strike],
    end_ms: int,
    report: Callable[[str], None],
) -> None:
    """The storm itself, until scenario time reaches its end."""
    venue = next(iter(truths.values())).venue
    began = said = time.monotonic()
    waiting = list(plan)
    mend_at_s: dict[str, float] = {}
    while (now_ms := stage.now_ms()) < end_ms:
        stage.check()
        at_s = time.monotonic() - began
        while waiting and waiting[0].at_s <= at_s:
            strike = waiting.pop(0)
            _strike(venue, strike)
            if FAULTS[strike.fault].by_operator:
                mend_at_s.setdefault(strike.source, at_s + OPERATOR_AFTER_S)
        for name in [one for one, due_s in mend_at_s.items() if due_s <= at_s]:
            del mend_at_s[name]
            stage.stop_agent(name)
            stage.start_agent(name, FREE)
        if time.monotonic() - said > PROGRESS_S:
            said = time.monotonic()
            held = ", ".join(f"{name} {truth.records():,}" for name, truth in truths.items())
            left_h = (end_ms - now_ms) / HOUR_MS
            report(f"{left_h:.1f} h left, {len(plan) - len(waiting)} faults; held: {held}")
        pause(0.1)
    venue.stop_faults()


def _strike(venue: Venue, strike: Strike) -> None:
    """Ask for a fault, unless one of its kind still waits there for its occasion: a dozen cuts in
    store for a line that reconnects every half minute would be no storm but a dead line."""
    waiting = {(one["kind"], one["options"].get("route")) for one in venue.running().values()}
    for asked in requests_of(strike.source, strike.fault):
        if (asked["kind"], asked.get("route")) not in waiting:
            venue.start_fault({**asked, "seed": strike.seed})


def _mended(stage: Stage, truths: dict[str, Truth], step: Step) -> dict[str, Difference]:
    """Each source's difference once nothing is lost any more, or when patience ends."""
    to_ms = stage.now_ms()
    give_up = time.monotonic() + MENDS_WITHIN_S
    differences = {name: truth.difference(to_ms) for name, truth in truths.items()}
    while time.monotonic() < give_up:
        open_ones = [name for name, one in differences.items() if one.lost or not one.holds]
        if not open_ones:
            break
        step.tell(f"waiting for {', '.join(open_ones)}")
        stage.check()
        pause(LOOK_S)
        differences |= {name: truths[name].difference(to_ms) for name in open_ones}
    step.done("compared")
    return differences
