"""One instance a source: two of them would both pass dedup and write every record twice.

The lock is the kernel's (`flock`), so a killed process leaves none behind; the file stays.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from market.errors import Fatal


@contextmanager
def one_instance(home: Path, name: str) -> Iterator[None]:
    """Hold HOME/locks/agent-NAME.lock. Raises Fatal that names the holder."""
    path = home / "locks" / f"agent-{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise Fatal(
                f"agent {name} already runs as process {holder} on {home}; "
                f"stop that one first, or set CRYPTOVIZ_HOME to another folder"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
