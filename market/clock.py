"""The platform's clock: wall time when live, the scenario's time in a demo.

Stamps, poll cadence, freshness and schedules go by this clock. Timeouts, retries, breakers and
supervision go by real time and never ask it. The simulator writes `clock.json`; everybody else
reads it. The file is an anchor: at `wall_ms` it was `scenario_ms`, and since then time runs at
`speed` while `running`.
"""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

# The simulator renews its anchor every second. Without renewal for this long it is down, and
# scenario time stands still with it.
ANCHOR_VALID_MS = 5_000
# Further from the anchor than this the scenario may have stood still in between.
CONVERTIBLE_MS = 60_000


class Clock(Protocol):
    """Milliseconds UTC of the platform, and how fast they pass."""

    @property
    def speed(self) -> float:
        """Platform seconds per real second."""

    @property
    def scenario(self) -> str | None:
        """Name of the scenario in a demo, None when live."""

    def now_ms(self) -> int:
        """The platform's time, milliseconds UTC."""


class ConvertibleClock(Clock, Protocol):
    """A clock that also tells when it showed a time."""

    def wall_of(self, platform_ms: int) -> float | None:
        """Real time at which it showed that, milliseconds UTC; None where it cannot be known."""


def wall_ms() -> int:
    """Real time, milliseconds UTC."""
    return time.time_ns() // 1_000_000


class WallClock:
    """Real time."""

    speed = 1.0
    scenario: str | None = None

    def now_ms(self) -> int:
        """Real time, milliseconds UTC."""
        return wall_ms()

    def wall_of(self, platform_ms: int) -> float | None:
        """The same moment."""
        return float(platform_ms)


@dataclass(frozen=True, slots=True)
class Anchor:
    """Content of `clock.json`."""

    scenario: str
    scenario_ms: int
    wall_ms: int
    speed: float
    running: bool

    def at(self, now_wall_ms: int) -> int:
        """Scenario time at a real time."""
        if not self.running:
            return self.scenario_ms
        elapsed_ms = min(max(now_wall_ms - self.wall_ms, 0), ANCHOR_VALID_MS)
        return self.scenario_ms + int(elapsed_ms * self.speed)

    def wall_of(self, scenario_ms: int) -> float | None:
        """The reverse of `at`; None while it stands still and far from the anchor."""
        apart_ms = (scenario_ms - self.scenario_ms) / self.speed
        is_known = self.running and abs(apart_ms) <= CONVERTIBLE_MS
        return self.wall_ms + apart_ms if is_known else None

    def write(self, path: Path) -> None:
        """Replace the file whole, so that no reader sees half of it."""
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(asdict(self)), "utf-8")
        temporary.replace(path)

    @classmethod
    def read(cls, path: Path) -> "Anchor":
        """The anchor in `path`. Raises FileNotFoundError before a simulator has run."""
        return cls(**json.loads(path.read_text("utf-8")))


class ScenarioClock:
    """Scenario time out of `clock.json`, read again when the file changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mtime_ns = 0
        self._anchor = Anchor.read(path)

    def _current(self) -> Anchor:
        mtime_ns = self._path.stat().st_mtime_ns
        if mtime_ns != self._mtime_ns:
            self._anchor = Anchor.read(self._path)
            self._mtime_ns = mtime_ns
        return self._anchor

    @property
    def speed(self) -> float:
        """Scenario seconds per real second."""
        return self._current().speed

    @property
    def scenario(self) -> str | None:
        """Name of the scenario."""
        return self._current().scenario

    def now_ms(self) -> int:
        """Scenario time, milliseconds UTC."""
        return self._current().at(wall_ms())

    def wall_of(self, platform_ms: int) -> float | None:
        """By the anchor as it stands now."""
        return self._current().wall_of(platform_ms)


def open_clock(path: Path | None) -> ConvertibleClock:
    """The scenario's clock where a demo names its file, else real time."""
    return WallClock() if path is None else ScenarioClock(path)
