"""Where an evaluation speaks: its result on stdout, how far it has come on stderr."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from batch.plain_csv import BadRows

Tell = Callable[[str, str], None]
"""Called with what is being done and how far it has come, as often as one likes."""

SPEAK_EVERY_S = 15.0


def console() -> Console:
    """Of the result."""
    return Console(highlight=False, soft_wrap=True)


@contextmanager
def progress() -> Iterator[Tell]:
    """A line with the time elapsed on a terminal; elsewhere a line a step and every 15 s."""
    stderr = Console(stderr=True, highlight=False, soft_wrap=True)
    if not stderr.is_terminal:
        yield _lines(stderr)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=stderr, transient=True) as bar:
        task = bar.add_task("starting", total=None)
        yield lambda doing, note: bar.update(task, description=f"{doing} {note}".strip())


def _lines(stderr: Console) -> Tell:
    began = time.monotonic()
    spoken: dict[str, float] = {}

    def tell(doing: str, note: str) -> None:
        now = time.monotonic()
        if doing not in spoken or now - spoken[doing] >= SPEAK_EVERY_S:
            spoken[doing] = now
            stderr.print(f"{doing} {note} ({now - began:.0f} s)", markup=False)

    return tell


def print_json(report: Mapping[str, Any]) -> None:
    """One object; a number that is missing is null."""
    sys.stdout.buffer.write(orjson.dumps(report, option=orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()


def bad_rows_json(files: Sequence[BadRows]) -> dict[str, Any]:
    """Fields of every report about rows that did not count."""
    named = [
        {"file": bad.file, "row": bad.row, "column": bad.column, "problem": bad.problem}
        for file in files
        for bad in file.named
    ]
    return {"bad_rows": sum(file.count for file in files), "bad_rows_named": named}


def show_bad_rows(out: Console, files: Sequence[BadRows]) -> None:
    """The same for people."""
    for file in files:
        if not file.count:
            continue
        out.print(f"{file.count:,} bad rows of {file.named[0].file} do not count:", markup=False)
        out.print(in_words(file), markup=False)


def in_words(file: BadRows) -> str:
    """A line for each bad row that is named."""
    lines = [
        f"  row {bad.row}: {bad.column} {bad.problem}".replace(":  ", ": ") for bad in file.named
    ]
    if file.count > len(file.named):
        lines.append(f"  and {file.count - len(file.named):,} more")
    return "\n".join(lines)
