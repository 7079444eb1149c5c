"""What went wrong, in words for the person at the terminal, and what to do about it."""

import re
from pathlib import Path

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_ALREADY_RUNNING = 3
TAIL_LINES = 12
ERROR = re.compile(r"\b(error|fatal|missing|cannot|failed)\b", re.IGNORECASE)


class Failure(Exception):  # noqa: N818 - reads as what happened
    """Ends the command with `exit_code`. `tail` holds the last lines of a tool's own output."""

    def __init__(
        self,
        message: str,
        *,
        fix: str | None = None,
        log: Path | None = None,
        tail: str = "",
        exit_code: int = EXIT_FAILED,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        self.log = log
        self.tail = tail
        self.exit_code = exit_code


def said(log: Path) -> str:
    """What a tool said of its failure: the first lines that name an error, and its last words."""
    lines = tail_of(log, 200, limit_bytes=65_536).splitlines()
    last = lines[-TAIL_LINES:]
    errors = [line for line in lines if ERROR.search(line)][:TAIL_LINES]
    early = [line for line in errors if line not in last]
    return "\n".join([*early, *(["..."] if early else []), *last])


def tail_of(log: Path, lines: int = 15, *, limit_bytes: int | None = 16_384) -> str:
    """The last lines of a log, empty where there is none; within its last `limit_bytes`."""
    try:
        with log.open("rb") as content:
            size = content.seek(0, 2)
            content.seek(0 if limit_bytes is None else max(0, size - limit_bytes))
            text = content.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
