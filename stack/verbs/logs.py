"""`logs`: the last lines of a process's log, and what comes after them."""

import json
from pathlib import Path

from stack.console import say
from stack.failure import EXIT_USAGE, Failure, tail_of
from stack.home import ActiveRun, Home, latest_home
from stack.interrupt import Interrupted, install, pause
from stack.settings import StackSettings

POLL_S = 0.3


def logs(settings: StackSettings, name: str, *, lines: int, follow: bool) -> None:
    """Print them. Raises Failure that lists the logs where there is none of that name."""
    path = log_path(settings, name)
    for line in tail_of(path, lines, limit_bytes=None).splitlines():
        say(readable(line))
    if follow:
        install()
        try:
            _follow(path)
        except Interrupted:
            return


def log_path(settings: StackSettings, name: str) -> Path:
    """The log in the active home, else in the home that ran last."""
    run = ActiveRun.read(settings.home_root)
    home = Home(Path(run.home)) if run is not None else latest_home(settings.home_root)
    if home is None:
        raise Failure("Nothing has run here yet.", fix="Start it with `./cryptoviz up --demo`.")
    path = home.logs / f"{name}.log"
    if not path.exists():
        known = ", ".join(sorted(log.stem for log in home.logs.glob("*.log")))
        raise Failure(
            f"No log of {name} in {home.logs}.", fix=f"Logs: {known}.", exit_code=EXIT_USAGE
        )
    return path


def readable(line: str) -> str:
    """A JSON log line as `time level event key=...`; any other line as it is."""
    try:
        keys = json.loads(line)
    except ValueError:
        return line
    if not isinstance(keys, dict):
        return line
    head = [str(keys.pop(name, "")) for name in ("timestamp", "level", "event")]
    keys.pop("process", None)
    return " ".join([*head, *(f"{name}={setting}" for name, setting in keys.items())])


def _follow(path: Path) -> None:
    position = path.stat().st_size
    rest = b""
    while True:
        pause(POLL_S)
        if path.stat().st_size < position:  # the supervisor began it anew
            position = 0
        with path.open("rb") as log:
            log.seek(position)
            content = log.read()
        position += len(content)
        *whole, rest = (rest + content).split(b"\n")
        for line in whole:
            say(readable(line.decode("utf-8", "replace")))
