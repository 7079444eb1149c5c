"""The one place that prints: a console and a board of steps with their elapsed time.

On a terminal the board is redrawn in place; elsewhere each step prints a line when it starts, a
line every 15 s while it lasts, and a line when it ends.
"""

import json
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from stack.failure import Failure

HEARTBEAT_S = 15.0
MARKS = {"running": "…", "done": "✓", "failed": "✗"}
STYLES = {"running": "cyan", "done": "green", "failed": "red"}


class SteadyConsole(Console):
    """A console that outlives its reader: children must be stopped also when nobody listens."""

    def on_broken_pipe(self) -> None:
        """Go on without words."""
        self.quiet = True


console = SteadyConsole(highlight=False, soft_wrap=True)


def say(message: str, *, style: str | None = None) -> None:
    """One line for the person, if the terminal is still there."""
    with suppress(OSError):
        console.print(Text(message, style=style or ""))


def leave_stdout_to_programs() -> None:
    """From now on words go to stderr, so that a program that reads stdout finds JSON alone."""
    console.stderr = True


def tell_program(found: object) -> None:
    """The answer of `--json`, on stdout."""
    with suppress(OSError):
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
        sys.stdout.flush()


def say_failure(failure: Failure) -> None:
    """What went wrong, the tool's last words, where its log is, and what to do."""
    say(failure.message, style="bold red")
    if failure.tail:
        say("\n".join(f"  | {line}" for line in failure.tail.splitlines()), style="dim")
    if failure.log is not None:
        say(f"Log: {failure.log}")
    if failure.fix:
        say(failure.fix)


@dataclass
class Step:
    """One thing being done. Ends with `done` or `failed`."""

    name: str
    is_live: bool
    started: float = field(default_factory=time.monotonic)
    state: str = "running"
    note: str = ""
    ended: float | None = None
    spoken: float = field(default_factory=time.monotonic)

    @property
    def elapsed_s(self) -> float:
        """Seconds since its start, or how long it took."""
        return (self.ended or time.monotonic()) - self.started

    def tell(self, note: str) -> None:
        """Say what it is doing now; call often, it prints rarely."""
        self.note = note
        if not self.is_live and time.monotonic() - self.spoken >= HEARTBEAT_S:
            self.spoken = time.monotonic()
            say(f"  {self.name}: {note} ({self.elapsed_s:.0f} s)")

    def done(self, note: str = "ready") -> None:
        """It is finished."""
        self._end("done", note)

    def failed(self, note: str = "failed") -> None:
        """It has failed."""
        self._end("failed", note)

    def _end(self, state: str, note: str) -> None:
        self.state, self.note, self.ended = state, note, time.monotonic()
        if not self.is_live:
            say(f"{MARKS[state]} {self.name}: {note} ({self.elapsed_s:.1f} s)")


class StepBoard:
    """The steps of one command, in the order in which they began."""

    def __init__(self) -> None:
        self._steps: list[Step] = []
        self._live = (
            Live(self, console=console, refresh_per_second=8) if console.is_terminal else None
        )

    def step(self, name: str) -> Step:
        """Begin a step."""
        step = Step(name, is_live=self._live is not None)
        self._steps.append(step)
        if self._live is None:
            say(f"{MARKS['running']} {name}")
        return step

    def __enter__(self) -> "StepBoard":
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for step in self._steps:
            if error is not None and step.state == "running":
                step.failed("stopped")
        if self._live is not None:
            self._live.stop()

    def __rich__(self) -> Table:
        """The board as it stands."""
        table = Table.grid(padding=(0, 1))
        table.add_column(width=1)
        table.add_column(min_width=18, no_wrap=True)
        table.add_column(justify="right", min_width=7, no_wrap=True)
        table.add_column(no_wrap=True, overflow="ellipsis")
        for step in self._steps:
            table.add_row(
                Text(MARKS[step.state], style=STYLES[step.state]),
                step.name,
                f"{step.elapsed_s:.1f} s",
                Text(step.note, style="dim"),
            )
        return table
