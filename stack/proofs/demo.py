"""A demo of its own, in a temporary home on free ports, started as a person starts it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx
import psutil

from market.clock import Anchor, wall_ms
from stack.failure import Failure, tail_of
from stack.home import ActiveRun, Home
from stack.settings import ROOT

PORTS = ("KAFKA", "KAFKA_CONTROLLER", "INFLUX", "SIMULATOR", "API", "WEB")
# The first start on a new machine builds InfluxDB.
START_LIMIT_S = 1_800.0
STOP_LIMIT_S = 60.0
ANSWER_LIMIT_S = 15.0


@dataclass(frozen=True, slots=True)
class Residence:
    """Where a demo lives: its home and its ports, the same for each start."""

    home_root: Path
    ports: Mapping[str, int]

    @classmethod
    def new(cls, home_root: Path) -> "Residence":
        """A residence on ports that are free now."""
        sockets = [socket.create_server(("127.0.0.1", 0)) for _ in PORTS]
        ports = {name: taken.getsockname()[1] for name, taken in zip(PORTS, sockets, strict=True)}
        for taken in sockets:
            taken.close()
        return cls(home_root=home_root, ports=ports)

    def environment(self) -> dict[str, str]:
        """What `cryptoviz` needs to find it."""
        ports = {f"CRYPTOVIZ_{name}_PORT": str(port) for name, port in self.ports.items()}
        return {**os.environ, **ports, "CRYPTOVIZ_HOME": str(self.home_root)}


class Demo:
    """A running `cryptoviz up --demo ...`. Use as a context; leaving it stops everything."""

    def __init__(self, residence: Residence, arguments: Sequence[str]) -> None:
        self._residence = residence
        self._arguments = arguments
        self.log = residence.home_root / "up.log"
        self._left_ms = 0

    def __enter__(self) -> "Demo":
        self._residence.home_root.mkdir(parents=True, exist_ok=True)
        clocks = self._residence.home_root.glob("demo/*/clock.json")
        self._left_ms = max((Anchor.read(path).scenario_ms for path in clocks), default=0)
        with self.log.open("ab") as output:
            self._up = subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, "-m", "stack", "up", "--demo", *self._arguments],
                cwd=ROOT,
                env=self._residence.environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._up.poll() is None:
            self._up.send_signal(signal.SIGTERM)
        try:
            self._up.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._up.kill()
            raise Failure("the demo did not stop", log=self.log) from None

    @property
    def api(self) -> str:
        """Address of its API."""
        return f"http://127.0.0.1:{self._residence.ports['API']}"

    @property
    def web(self) -> str:
        """Address of its viewer."""
        return f"http://127.0.0.1:{self._residence.ports['WEB']}"

    @property
    def simulator(self) -> str:
        """Address of its simulator."""
        return f"http://127.0.0.1:{self._residence.ports['SIMULATOR']}"

    def wait_until_ready(self) -> None:
        """Return when the API calls itself ready. Raises Failure when `up` ends before."""
        give_up = time.monotonic() + START_LIMIT_S
        while time.monotonic() < give_up:
            self.fail_if_ended()
            if self._answers_ready():
                return
            time.sleep(0.5)
        raise Failure("the demo did not become ready", log=self.log, tail=tail_of(self.log))

    def fail_if_ended(self) -> None:
        """Raises Failure with the last words of `up` when it is gone."""
        if self._up.poll() is not None:
            raise Failure("`up` ended by itself", log=self.log, tail=tail_of(self.log))

    def home(self) -> Home:
        """The home of this run."""
        run = ActiveRun.read(self._residence.home_root)
        if run is None:
            raise Failure("nothing runs in this home yet", log=self.log)
        return Home(Path(run.home))

    def now_ms(self) -> int:
        """Scenario time."""
        return Anchor.read(self.home().clock_file).at(wall_ms())

    def stood_still_ms(self) -> int:
        """Scenario time that an earlier run of this residence left behind."""
        return self._left_ms

    def kill(self, name: str) -> int:
        """kill -9 the process of that name by its record; returns its pid."""
        record = json.loads((self.home().run / f"{name}.json").read_text("utf-8"))
        pid = int(record["pid"])
        os.kill(pid, signal.SIGKILL)
        return pid

    def resident_mb(self) -> dict[str, float]:
        """Resident memory of each part with its descendants, MB."""
        parts: dict[str, float] = {"supervisor": resident_mb(self._up.pid, descend=False)}
        for path in sorted(self.home().run.glob("*.json")):
            record = json.loads(path.read_text("utf-8"))
            if "pid" in record:
                parts[path.stem] = resident_mb(int(record["pid"]), descend=True)
        return {name: size for name, size in parts.items() if size > 0}

    def get(self, path: str, **parameters: str) -> dict[str, Any]:
        """An answer of its API. Raises httpx.HTTPError where there is none."""
        response = httpx.get(f"{self.api}{path}", params=parameters, timeout=ANSWER_LIMIT_S)
        response.raise_for_status()
        return dict(response.json())

    def _answers_ready(self) -> bool:
        try:
            return bool(self.get("/health")["data"]["is_ready"])
        except httpx.HTTPError:
            return False


def resident_mb(pid: int, *, descend: bool) -> float:
    """Resident memory of a process, with its descendants if asked, MB; 0 where it is gone.

    A page that processes share is counted once, where the system tells (Linux): a child that has
    just been forked off a JVM would otherwise be a second one.
    """
    try:
        process = psutil.Process(pid)
        family = [process, *(process.children(recursive=True) if descend else [])]
        return sum(map(_own_bytes, family)) / 1e6
    except psutil.NoSuchProcess:
        return 0.0


def _own_bytes(process: psutil.Process) -> int:
    try:
        held = process.memory_full_info()
    except psutil.NoSuchProcess:
        return 0  # a descendant that ended in between
    return int(getattr(held, "pss", held.rss))
