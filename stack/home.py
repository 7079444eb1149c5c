"""Folders of a run, and the run that is on now.

`var/live` or `var/demo/<name>` is the home of one run's state. `var/run/up.json` names the run that
is on; the lock `var/run/up.lock` is held as long as its supervisor lives.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

FOLDERS = ("logs", "run", "kafka", "influxdb", "checkpoints", "locks")
SCHEDULING_SLACK_S = 2.0


@dataclass(frozen=True, slots=True)
class Home:
    """The state of one run."""

    path: Path

    @property
    def logs(self) -> Path:
        """One log a process."""
        return self.path / "logs"

    @property
    def run(self) -> Path:
        """One record a process: pid and time of birth."""
        return self.path / "run"

    @property
    def clock_file(self) -> Path:
        """Scenario time, written by the simulator."""
        return self.path / "clock.json"

    @property
    def tokens_file(self) -> Path:
        """InfluxDB's tokens, mode 0600."""
        return self.path / "influxdb" / "tokens.json"

    def make(self) -> None:
        """Make all folders, for the owner only: logs and tokens are nobody else's business."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in FOLDERS:
            (self.path / name).mkdir(exist_ok=True, mode=0o700)


@dataclass(frozen=True, slots=True)
class Scenario:
    """What a demo plays. `bars` are (symbol, absolute file) pairs.

    `folder` is that of a recording; `symbols` and `feeds` are those of ours in it.
    """

    name: str
    seed: int
    from_ms: int
    speed: float
    bars: tuple[tuple[str, str], ...] = ()
    folder: str | None = None
    symbols: tuple[str, ...] = ()
    feeds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ActiveRun:
    """Content of `up.json`: who supervises what, since when, and where to look."""

    home: str
    pid: int
    create_time: float
    started_at_ms: int
    web_address: str
    api_address: str
    scenario: Scenario | None

    def is_alive(self) -> bool:
        """Whether that very supervisor still runs."""
        return same_process(self.pid, self.create_time) is not None

    def write(self, home_root: Path) -> None:
        """Replace the file whole."""
        write_whole(up_file(home_root), json.dumps(asdict(self), indent=1))

    @classmethod
    def read(cls, home_root: Path) -> "ActiveRun | None":
        """The run that `up.json` names, None where there is no file."""
        try:
            fields = json.loads(up_file(home_root).read_text("utf-8"))
        except FileNotFoundError:
            return None
        scenario = fields.pop("scenario")
        if scenario is not None:
            scenario["bars"] = tuple((symbol, path) for symbol, path in scenario["bars"])
            for name in ("symbols", "feeds"):
                scenario[name] = tuple(scenario.get(name, ()))
            scenario = Scenario(**scenario)
        return cls(scenario=scenario, **fields)


def up_file(home_root: Path) -> Path:
    """Where the active run is named."""
    return home_root / "run" / "up.json"


def write_whole(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a file so that nobody ever sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as target:
        target.write(text)
        target.flush()
        os.fsync(target.fileno())
    temporary.replace(path)


def same_process(pid: int, create_time: float) -> psutil.Process | None:
    """The process with that pid if it was born then: a number used again is somebody else."""
    try:
        process = psutil.Process(pid)
        if abs(process.create_time() - create_time) > SCHEDULING_SLACK_S:
            return None
        return None if process.status() == psutil.STATUS_ZOMBIE else process
    except psutil.NoSuchProcess:
        return None


def all_homes(home_root: Path) -> Iterator[Home]:
    """Every home that has ever run here."""
    for run in [home_root / "live" / "run", *sorted((home_root / "demo").glob("*/run"))]:
        if run.is_dir():
            yield Home(run.parent)


def latest_home(home_root: Path) -> Home | None:
    """The home that ran last, by the time of its newest record."""
    homes = list(all_homes(home_root))
    return max(homes, key=lambda home: home.run.stat().st_mtime) if homes else None
