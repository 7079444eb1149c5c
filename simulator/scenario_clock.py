"""The demo's clock: the simulator owns `clock.json`, everybody else reads it.

Scenario time never goes backwards, also over restarts: a new start goes on exactly where readers
of the last anchor believe it to stand (`Anchor.at`, which stops 5 s after the last renewal). It
stands until the first trade subscriber comes, and stands still again from `stop` on. Time runs by
the monotonic clock; a jump of the wall clock moves nothing.
"""

import time
from collections.abc import Callable
from pathlib import Path

from market.clock import Anchor, wall_ms
from simulator.scenario import WrongScenario


class MasterClock:
    """Scenario time, and its anchor on disk."""

    def __init__(
        self,
        path: Path,
        *,
        scenario: str,
        start_ms: int,
        speed: float,
        wall: Callable[[], int] = wall_ms,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.speed = speed
        self.is_running = False
        self._path = path
        self._scenario = scenario
        self._wall = wall
        self._monotonic = monotonic
        self._base_ms = self._resumed(start_ms)
        self._base_s = monotonic()
        path.parent.mkdir(parents=True, exist_ok=True)
        self.renew()

    def _resumed(self, start_ms: int) -> int:
        try:
            last = Anchor.read(self._path)
        except FileNotFoundError:
            return start_ms
        except (ValueError, TypeError) as error:
            raise WrongScenario(
                f"{self._path}: not a clock of ours ({error}); remove this demo's home"
            ) from error
        if last.scenario != self._scenario:
            raise WrongScenario(
                f"{self._path}: the clock of scenario {last.scenario}, not {self._scenario}; "
                "each scenario has a home of its own"
            )
        return max(last.at(self._wall()), start_ms)

    def now_ms(self) -> int:
        """Scenario time, milliseconds UTC."""
        if not self.is_running:
            return self._base_ms
        return self._base_ms + int((self._monotonic() - self._base_s) * self.speed * 1000)

    def run(self) -> None:
        """Let time pass; nothing changes where it already does."""
        if not self.is_running:
            self._base_s = self._monotonic()
            self.is_running = True
            self.renew()

    def stop(self) -> None:
        """Stand still where we are, and say so on disk."""
        self._base_ms = self.now_ms()
        self.is_running = False
        self.renew()

    def renew(self) -> None:
        """Write the anchor; to be called every second while time runs."""
        Anchor(
            scenario=self._scenario,
            scenario_ms=self.now_ms(),
            wall_ms=self._wall(),
            speed=self.speed,
            running=self.is_running,
        ).write(self._path)
