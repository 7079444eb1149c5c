"""A started process: its own session, its output in a log, its record in `run/`."""

import os
import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import psutil

from stack.home import Home
from stack.processes.command import Command
from stack.processes.records import Record

LOG_LIMIT_BYTES = 50_000_000


class Child:
    """One life of a process. A restart is a new Child."""

    def __init__(self, command: Command, home: Home, *, restarts: int = 0) -> None:
        """Start it. Raises OSError where its program is missing."""
        self.command = command
        self.log = home.logs / f"{command.name}.log"
        self._run = home.run
        self.started = time.monotonic()
        limit_log(self.log)
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own commands
                command.argv,
                cwd=command.cwd,
                env={**os.environ, **command.env, "CRYPTOVIZ_HOME": str(home.path)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.record = Record(
            name=command.name,
            pid=self._process.pid,
            create_time=psutil.Process(self._process.pid).create_time(),
            home=str(home.path),
            state="running" if command.is_ready is None else "starting",
            restarts=restarts,
            stop_grace_s=command.stop_grace_s,
            stop_script=command.stop_script,
        )
        self.record.write(self._run)

    def mark(self, state: str) -> None:
        """Note its state for `status`."""
        self.record = replace(self.record, state=state, last_exit=self._process.returncode)
        self.record.write(self._run)

    def poll(self) -> int | None:
        """Exit code, None while it lives; minus the number of the signal that killed it."""
        return self._process.poll()

    @property
    def age_s(self) -> float:
        """Seconds since its start."""
        return time.monotonic() - self.started


def limit_log(log: Path) -> None:
    """Keep one older log and begin anew once a log is too long; writers append, so none is lost."""
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        shutil.copyfile(log, log.with_suffix(".log.1"))
        os.truncate(log, 0)
