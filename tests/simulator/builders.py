"""Scenarios, clocks and files for the simulator's tests, valid by default."""

from dataclasses import dataclass
from pathlib import Path

from simulator.recorded_bars.bar_file import Bar
from simulator.scenario import MINUTE_MS, Scenario
from simulator.scenario_clock import MasterClock
from simulator.scenarios.bars import BarsScenario, open_bars
from simulator.scenarios.market import MarketScenario
from simulator.scenarios.offer import ScenarioRequest
from simulator.simulation import Simulation

# 2023-03-11T03:00:00Z
START_MS = 1_678_503_600_000
# 2026-01-05T12:00:00Z
NOON_MS = 1_767_614_400_000
HEADER = "open_time,open,high,low,close,volume\n"


def bar(
    *,
    open_time_ms: int = START_MS,
    open_: str = "100.5",
    high: str = "103.25",
    low: str = "99",
    close: str = "101.75",
    volume: str = "12.5",
) -> Bar:
    return Bar(open_time_ms, open_, high, low, close, volume)


@dataclass
class Hands:
    """The hands of a clock that only a test moves, in real seconds."""

    seconds: float = 1_000.0

    def monotonic(self) -> float:
        return self.seconds

    def wall(self) -> int:
        return int(self.seconds * 1000)


def write_bars(path: Path, rows: list[str]) -> Path:
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows), "utf-8")
    return path


def three_minutes(path: Path) -> Path:
    """A minute that rose, a minute without a trade, a minute that fell."""
    return write_bars(
        path,
        [
            f"{START_MS},20000.1,20010.0,19990.5,20005.25,1.25",
            f"{START_MS + MINUTE_MS},20005.25,20005.25,20005.25,20005.25,0.0",
            f"{START_MS + 2 * MINUTE_MS},20004,20006,19980.75,19981,2e-06",
        ],
    )


def bars_scenario(folder: Path, **symbols: Path) -> BarsScenario:
    files = symbols or {"BTCUSDC": three_minutes(folder / "btcusdc.csv")}
    return open_bars(ScenarioRequest(bars=files))


def market_scenario(*, seed: int = 7, start_ms: int = NOON_MS) -> MarketScenario:
    return MarketScenario(seed=seed, start_ms=start_ms)


def simulation(
    scenario: Scenario, folder: Path, *, hands: Hands, speed: float = 60.0, max_lag_s: float = 10.0
) -> Simulation:
    clock = MasterClock(
        folder / "clock.json",
        scenario=scenario.name,
        start_ms=scenario.start_ms,
        speed=speed,
        wall=hands.wall,
        monotonic=hands.monotonic,
    )
    return Simulation(scenario=scenario, clock=clock, max_lag_s=max_lag_s)
