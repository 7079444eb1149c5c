"""Starts children, restarts those that die, stops them in reverse order.

One thread: `tick` looks at every child. A child that dies with an exit code other than 0 comes back
after 0.5 s, then 1 s, 2 s ... up to 30 s; a minute of life sets the wait back.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stack.console import Step
from stack.failure import Failure, tail_of
from stack.home import Home
from stack.interrupt import is_asked, pause, reset
from stack.processes.child import Child, limit_log
from stack.processes.command import Command
from stack.processes.records import Record, stop

FIRST_BACKOFF_S = 0.5
LONGEST_BACKOFF_S = 30.0
HEALTHY_AFTER_S = 60.0
DEATHS_AT_START = 3
TICK_S = 0.2
LOG_CHECK_S = 30.0


@dataclass
class Supervised:
    """A command and its present life."""

    command: Command
    child: Child
    backoff_s: float = FIRST_BACKOFF_S
    restart_at: float | None = None
    restarts: int = 0
    was_ready: bool = False
    is_finished: bool = False


def next_backoff(backoff_s: float, age_s: float) -> tuple[float, float]:
    """(wait before this restart, wait before the one after it) in seconds."""
    wait_s = FIRST_BACKOFF_S if age_s >= HEALTHY_AFTER_S else backoff_s
    return wait_s, min(wait_s * 2, LONGEST_BACKOFF_S)


class Supervisor:
    """The children of one run."""

    def __init__(self, home: Home, report: Callable[[str], None]) -> None:
        self._home = home
        self.report = report
        self._supervised: dict[str, Supervised] = {}
        self._logs_checked = time.monotonic()

    def start(self, command: Command) -> None:
        """Start a child; from now on it is kept alive."""
        try:
            child = Child(command, self._home)
        except OSError as error:
            raise Failure(f"{command.name} cannot be started: {error}") from error
        self._supervised[command.name] = Supervised(command, child)

    def record_of(self, name: str) -> Record:
        """The record of a child's present life."""
        return self._supervised[name].child.record

    def tick(self) -> None:
        """Look at every child once."""
        for one in self._supervised.values():
            if one.is_finished:
                continue
            if one.restart_at is None:
                self._look(one)
            elif time.monotonic() >= one.restart_at:
                self._restart(one)
        if time.monotonic() - self._logs_checked > LOG_CHECK_S:
            self._logs_checked = time.monotonic()
            for one in self._supervised.values():
                limit_log(one.child.log)

    def wait_ready(self, name: str, *, step: Step, timeout_s: float) -> None:
        """Supervise until the child is ready. Raises Failure if it keeps dying or is too slow."""
        one = self._supervised[name]
        probe = one.command.is_ready
        while probe is not None and not probe():
            self.tick()
            step.tell("starting" if not one.restarts else f"restarted {one.restarts} times")
            if one.restarts >= DEATHS_AT_START:
                self._give_up(one, f"{name} died {one.restarts} times before it was ready")
            if step.elapsed_s > timeout_s:
                self._give_up(one, f"{name} was not ready after {timeout_s:.0f} s")
            pause(TICK_S)
        self._is_ready(one)
        step.done()

    def supervise_until(self, is_reached: Callable[[], bool], *, timeout_s: float) -> bool:
        """Supervise until something outside is so; False when it takes too long."""
        give_up = time.monotonic() + timeout_s
        while not is_reached():
            if time.monotonic() > give_up:
                return False
            self.tick()
            pause(TICK_S)
        return True

    def run(self) -> None:
        """Supervise until somebody asks to stop (raises Interrupted)."""
        while True:
            self.tick()
            pause(TICK_S)

    def stop_all(self, groups: Sequence[Sequence[str]]) -> None:
        """Stop the groups one after the other; a second Ctrl-C kills at once."""
        reset()
        for group in groups:
            records = [self._supervised[n].child.record for n in group if n in self._supervised]
            stopped = stop(records, report=self.report, reap=self._reap, hurry=is_asked)
            if stopped:
                self.report(f"stopped {', '.join(stopped)}")
            for name in group:
                if name in self._supervised:
                    self._supervised[name].child.mark("stopped")

    def _look(self, one: Supervised) -> None:
        code = one.child.poll()
        if code is None:
            return
        # What a dead leader leaves behind would hold its ports and locks against its successor.
        stop([one.child.record], report=self.report)
        if code == 0 and one.command.one_shot:
            one.is_finished = True
            one.child.mark("finished")
            return
        wait_s, one.backoff_s = next_backoff(one.backoff_s, one.child.age_s)
        one.restart_at = time.monotonic() + wait_s
        one.child.mark("restarting")
        self.report(
            f"{one.command.name} {_ending(code)} after {one.child.age_s:.0f} s; "
            f"restart in {wait_s:.1f} s; log: {one.child.log}"
        )

    def _restart(self, one: Supervised) -> None:
        one.restarts += 1
        one.restart_at = None
        try:
            one.child = Child(one.command, self._home, restarts=one.restarts)
        except OSError as error:
            wait_s, one.backoff_s = next_backoff(one.backoff_s, 0.0)
            one.restart_at = time.monotonic() + wait_s
            self.report(f"{one.command.name} cannot be started: {error}")
            return
        if one.was_ready:
            one.child.mark("running")

    def _is_ready(self, one: Supervised) -> None:
        one.was_ready = True
        one.child.mark("running")

    def _give_up(self, one: Supervised, why: str) -> None:
        raise Failure(why, log=one.child.log, tail=tail_of(one.child.log))

    def _reap(self) -> None:
        for one in self._supervised.values():
            one.child.poll()


def _ending(code: int) -> str:
    return f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
