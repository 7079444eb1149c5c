"""What the supervisor must know about a process."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx


@dataclass(frozen=True, slots=True)
class Command:
    """A process to run. `env` is added to the environment of the supervisor."""

    name: str
    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict)
    is_ready: Callable[[], bool] | None = None
    one_shot: bool = False  # ends with exit code 0 when its work is done
    stop_grace_s: float = 10.0
    # Where set, SIGTERM goes only to the descendant that runs this script: spark-submit's JVM
    # would otherwise die under the feet of a driver that is ending its queries.
    stop_script: str | None = None


def answers(url: str, *, below: int = 300) -> bool:
    """Whether a GET of the address gives a status under `below` within two seconds."""
    try:
        return httpx.get(url, timeout=2.0, trust_env=False).status_code < below
    except httpx.HTTPError:
        return False
