"""A lock file that the kernel frees when its holder dies, however it dies."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


class Busy(Exception):  # noqa: N818 - reads as what the lock is
    """Somebody else holds the lock."""


@contextmanager
def held(path: Path, *, wait: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold the lock. Without `wait` raises Busy at once; `wait` is called between tries."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if wait is None:
                    raise Busy(str(path)) from None
                wait()
            else:
                break
        yield
    finally:
        os.close(descriptor)
