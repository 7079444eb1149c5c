"""Every source against every fault that applies to it, with real processes throughout.

A cell: the fault is asked of the simulator, it strikes, the agent lives on or is started anew
where it rests for long, and then what Kafka holds equals what was told, or the ledgers say why.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from stack.console import StepBoard
from stack.demo import MARKET_FROM_MS
from stack.home import Scenario
from stack.interrupt import pause
from stack.proofs.collection import Broker, Stage
from stack.proofs.ledger import Difference
from stack.proofs.source_faults import FAULTS, SOURCES, FaultRow, SourceRow, requests_of
from stack.proofs.truth import Truth, bar_markets

# Records of a source before its first fault, so that the topic has a memory.
FIRST_RECORDS_S = 40.0
STRIKES_WITHIN_S = 40.0
LOOK_S = 0.3
# Budgets are proven elsewhere; here they would only make cells slow.
FREE: dict[str, object] = {
    f"{vendor}_CALLS_PER_{span}": 10_000_000
    for vendor in ("COINGECKO", "COINMARKETCAP", "BINANCE")
    for span in ("MINUTE", "MONTH")
}


def environment_of(row: SourceRow) -> dict[str, object]:
    """Settings of the agent in a proof; bars of a few markets say as much as those of fifty."""
    return {**FREE, "BINANCE_SYMBOLS": ",".join(bar_markets())} if row.kind is None else dict(FREE)


@dataclass(frozen=True, slots=True)
class Cell:
    """Outcome of one source and one fault. `strikes` is how often the fault did something."""

    source: str
    fault: str
    strikes: int
    difference: Difference
    lives: bool
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether the fault struck, the source goes on, and every difference has a cause."""
        return self.strikes > 0 and self.lives and self.difference.holds

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {
            "source": self.source,
            "fault": self.fault,
            "holds": self.holds,
            "strikes": self.strikes,
            "lives": self.lives,
            "seconds": self.seconds,
            "told": self.difference.told,
            "held": self.difference.held,
            "lost": self.difference.lost,
            "doubled": self.difference.doubled,
            "explained": dict(self.difference.explained),
            "unexplained": self.difference.unexplained_count,
            "first": self.difference.unexplained,
        }


def run_cells(
    home_root: Path,
    board: StepBoard,
    cells: Sequence[tuple[str, str]],
    *,
    seed: int,
    report: Callable[[Cell], None] = lambda _cell: None,
) -> list[Cell]:
    """All cells, one simulator a source, on one broker."""
    found: list[Cell] = []
    with Broker(home_root, board) as broker:
        for name, pairs in groupby(sorted(cells, key=_order), key=lambda pair: pair[0]):
            row = SOURCES[name]
            scenario = Scenario("market", seed, MARKET_FROM_MS, row.speed)
            with Stage(broker, name, scenario) as stage, Truth(stage, row) as truth:
                for cell in _source(stage, truth, row, [fault for _, fault in pairs], seed):
                    found.append(cell)
                    report(cell)
    return found


def _order(pair: tuple[str, str]) -> int:
    return list(SOURCES).index(pair[0])


def _source(
    stage: Stage, truth: Truth, row: SourceRow, faults: Iterable[str], seed: int
) -> Iterable[Cell]:
    if row.kind != "trades":
        stage.start_clock()
    if row.kind is not None:
        stage.start_agent(row.name, environment_of(row))
        stage.wait_until(lambda: truth.records() > 0, timeout_s=FIRST_RECORDS_S)
    for fault in faults:
        truth.forgive_doubles()
        yield _cell(stage, truth, row, FAULTS[fault], seed)


def _cell(stage: Stage, truth: Truth, row: SourceRow, fault: FaultRow, seed: int) -> Cell:
    began = time.monotonic()
    number, *_ = [
        truth.venue.start_fault({**asked, "seed": seed})
        for asked in requests_of(row.name, fault.name)
    ]
    if row.kind is None:
        stage.start_agent(row.name, environment_of(row))
    stage.wait_until(lambda: number not in truth.venue.running(), timeout_s=STRIKES_WITHIN_S)
    truth.venue.stop_faults()
    if fault.by_operator:
        stage.stop_agent(row.name)
        stage.start_agent(row.name, environment_of(row))
    to_ms = stage.now_ms()
    is_alive = _signs_of_life(stage, truth, row)
    give_up = time.monotonic() + fault.patience_s
    lives, difference = is_alive(), truth.difference(to_ms)
    while not (lives and difference.holds) and time.monotonic() < give_up:
        stage.check()
        pause(LOOK_S)
        lives, difference = lives or is_alive(), truth.difference(to_ms)
    if row.kind is None:
        stage.stop_agent(row.name)
    strikes = sum(
        one["fault"] == number and one["event"] == "applied" for one in truth.venue.fault_log()
    )
    seconds = round(time.monotonic() - began, 1)
    return Cell(row.name, fault.name, strikes, difference, lives, seconds)


def _signs_of_life(stage: Stage, truth: Truth, row: SourceRow) -> Callable[[], bool]:
    """A source that runs once has done its work; any other brings new records."""
    if row.kind is None:
        return lambda: stage.has_finished(row.name)
    before = truth.records()
    return lambda: truth.records() > before
