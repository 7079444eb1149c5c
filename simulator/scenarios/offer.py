"""A line of the table of scenarios: a name and how to open it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from simulator.scenario import Scenario


@dataclass(frozen=True, slots=True)
class ScenarioRequest:
    """What a user can say about a scenario. `start_ms` None means the scenario's own start."""

    seed: int = 7
    start_ms: int | None = None
    bars: Mapping[str, Path] = field(default_factory=dict)
    """Bar files by symbol, for the scenarios that play files."""
    folder: Path | None = None
    """The recording, for the scenario that plays one."""


@dataclass(frozen=True, slots=True)
class ScenarioOffer:
    """Opens a scenario; raises `WrongScenario` where the request does not make one."""

    name: str
    summary: str
    open: Callable[[ScenarioRequest], Scenario]
