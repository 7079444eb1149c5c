"""Records of started processes: `run/<name>.json` with pid and time of birth.

Each child leads a session of its own, so its descendants are found by their session, also after
the leader died. Nothing is ever signalled that a record does not lead to.
"""

import json
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from stack.home import SCHEDULING_SLACK_S, write_whole

STOP_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Record:
    """One process as it was started. Times of birth in seconds since the epoch."""

    name: str
    pid: int
    create_time: float
    home: str
    state: str  # starting, running, restarting, finished
    restarts: int
    stop_grace_s: float
    stop_script: str | None
    last_exit: int | None = None

    def write(self, run: Path) -> None:
        """Keep it in the home's `run` folder."""
        write_whole(run / f"{self.name}.json", json.dumps(asdict(self)))


def records_in(run: Path) -> Iterator[Record]:
    """All records of a home, by name."""
    for path in sorted(run.glob("*.json")):
        yield Record(**json.loads(path.read_text("utf-8")))


def members(record: Record) -> list[psutil.Process]:
    """The recorded process and what it started, as far as they live."""
    leader = _process(record.pid)
    if leader is not None and abs(leader.create_time() - record.create_time) > SCHEDULING_SLACK_S:
        return []
    return [
        process
        for process in psutil.process_iter()
        if _is_member(process, record, leader_lives=leader is not None)
    ]


def _process(pid: int) -> psutil.Process | None:
    try:
        return psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None


def _is_member(process: psutil.Process, record: Record, *, leader_lives: bool) -> bool:
    try:
        if os.getsid(process.pid) != record.pid or process.status() == psutil.STATUS_ZOMBIE:
            return False
        # Without its leader a session's number proves little: the environment must name our home.
        return leader_lives or process.environ().get("CRYPTOVIZ_HOME") == record.home
    except (psutil.Error, ProcessLookupError, PermissionError):
        return False


def ask_to_stop(record: Record) -> None:
    """SIGTERM to the whole session, or to the one descendant that knows how to end it."""
    alive = members(record)
    if record.stop_script is not None:
        alive = [process for process in alive if _runs(process, record.stop_script)] or alive
    _signal(alive, signal.SIGTERM)


def kill(record: Record) -> None:
    """SIGKILL to what is left of the session."""
    _signal(members(record), signal.SIGKILL)


def _runs(process: psutil.Process, script: str) -> bool:
    try:
        line = process.cmdline()
    except psutil.Error:
        return False
    # The JVM names the script too, behind the class org.apache.spark.deploy.SparkSubmit.
    return script in line[1:2]


def _signal(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        try:
            process.send_signal(number)  # psutil checks the time of birth before it signals
        except psutil.NoSuchProcess:
            continue


def stop(
    records: Iterable[Record],
    *,
    report: Callable[[str], None],
    reap: Callable[[], None] = lambda: None,
    hurry: Callable[[], bool] = lambda: False,
) -> list[str]:
    """Stop what is recorded: SIGTERM, each its grace, then SIGKILL. Names of what was stopped.

    `reap` collects exit codes of own children; `hurry` true means that nobody waits any longer.
    """
    waiting = [record for record in records if members(record)]
    stopped = [record.name for record in waiting]
    for record in waiting:
        ask_to_stop(record)
    began = time.monotonic()
    while waiting:
        reap()
        waiting = [record for record in waiting if members(record)]
        for record in waiting:
            waited_s = time.monotonic() - began
            if hurry() or waited_s > record.stop_grace_s:
                report(f"{record.name} did not stop within {waited_s:.0f} s: killed")
                kill(record)
        if waiting:
            time.sleep(STOP_POLL_S)
    return stopped
