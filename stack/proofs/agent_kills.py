"""kill -9 of the trade agent at seeded random moments; then Kafka holds what the venue told."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack.console import StepBoard
from stack.demo import MARKET_FROM_MS
from stack.failure import Failure
from stack.home import Scenario
from stack.interrupt import pause
from stack.proofs.collection import Broker, Stage
from stack.proofs.ledger import Difference
from stack.proofs.source_faults import SOURCES, TRADES
from stack.proofs.truth import Truth

SPEED = 60.0
# An agent is up within a second and a half: moments before, at and after its first records.
LONGEST_LIFE_S = 7.0
FIRST_TRADES_S = 60.0
WHOLE_WITHIN_S = 60.0
LOOK_S = 0.5


@dataclass(frozen=True, slots=True)
class KillReport:
    """Outcome. `difference.doubled` counts records before any dedup."""

    kills: int
    before_first_record: int
    difference: Difference
    seconds: float

    @property
    def holds(self) -> bool:
        """Nothing lost, nothing that was not told; doubles are what dedup is for."""
        return self.difference.lost == 0 and self.difference.unexplained_count == 0

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {
            "kills": self.kills,
            "before_first_record": self.before_first_record,
            "told": self.difference.told,
            "held": self.difference.held,
            "lost": self.difference.lost,
            "doubled_before_dedup": self.difference.doubled,
            "unexplained": self.difference.unexplained_count,
            "first": self.difference.unexplained,
            "seconds": self.seconds,
        }


def run_kills(
    home_root: Path,
    board: StepBoard,
    *,
    kills: int,
    seed: int,
    report: Callable[[str], None] = lambda _line: None,
) -> KillReport:
    """Kill it again and again. Raises Failure where it gives no trade at all."""
    chance = random.Random(seed)  # noqa: S311 - moments to be repeated, no secret
    began = time.monotonic()
    idle = 0
    scenario = Scenario("market", seed, MARKET_FROM_MS, SPEED)
    with (
        Broker(home_root, board) as broker,
        Stage(broker, "market", scenario) as stage,
        Truth(stage, SOURCES[TRADES]) as truth,
    ):
        child = stage.start_agent(TRADES)
        if not stage.wait_until(lambda: truth.records() > 0, timeout_s=FIRST_TRADES_S):
            raise Failure("No trade came into Kafka.", log=child.log)
        for number in range(kills):
            before = truth.records()
            life_s = chance.uniform(0.0, LONGEST_LIFE_S)
            pause(life_s)
            stage.kill_agent(TRADES)
            new = truth.records() - before
            idle += new == 0
            report(f"kill {number + 1} of {kills} after {life_s:.2f} s: {new:,} trades")
            stage.start_agent(TRADES)
        to_ms = stage.now_ms()
        give_up = time.monotonic() + WHOLE_WITHIN_S
        difference = truth.difference(to_ms)
        while not difference.holds and time.monotonic() < give_up:
            stage.check()
            pause(LOOK_S)
            difference = truth.difference(to_ms)
    return KillReport(kills, idle, difference, round(time.monotonic() - began, 1))
