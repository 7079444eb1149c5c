"""Running other people's tools: output in a log, elapsed time on the screen, words on failure."""

import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from stack.console import Step
from stack.failure import Failure, said
from stack.interrupt import pause

POLL_S = 0.1
KILL_AFTER_S = 5.0

NO_SPACE = re.compile(r"No space left on device|ENOSPC|not enough space|Disk quota", re.IGNORECASE)
NO_NETWORK = re.compile(
    r"Could not transfer|Could not resolve|Unknown host|dial tcp|ENOTFOUND|ECONNRE|ETIMEDOUT"
    r"|Network is unreachable|name resolution|Connection (reset|refused|timed out)"
    r"|Read timed out|unexpected EOF|Premature end|EAI_AGAIN|TLS handshake|Could not connect",
    re.IGNORECASE,
)


def run_logged(
    argv: Sequence[str],
    *,
    log: Path,
    what: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    step: Step | None = None,
) -> None:
    """Run a tool to its end. Raises Failure with the tail of its output when it fails."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        try:
            process = subprocess.Popen(  # noqa: S603 - our own commands
                argv,
                cwd=cwd,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise Failure(f"{what} failed: {argv[0]} cannot be run: {error}") from error
    try:
        while process.poll() is None:
            if step is not None:
                step.tell(what)
            pause(POLL_S)
    finally:
        _end(process)
    if process.returncode:
        tail = said(log)
        raise Failure(
            f"{what} failed: {Path(argv[0]).name} ended with exit code {process.returncode}.",
            fix=advice(tail),
            log=log,
            tail=tail,
        )


def advice(tail: str) -> str:
    """What to do, by what the tool said."""
    if NO_SPACE.search(tail):
        return "The disk is full: free some space, then run the same command again."
    if NO_NETWORK.search(tail):
        return "A download failed: check the network or proxy, then run the same command again."
    return (
        "Run the same command again; it starts this step anew. `./cryptoviz doctor` checks tools."
    )


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Take the tool and what it started down with us, when we are interrupted."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(KILL_AFTER_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
