"""Ctrl-C, SIGTERM and SIGHUP, asked for at places where nothing is half done.

A handler only sets a flag; `pause` raises `Interrupted`. So no child is ever started without its
record, and no file is left half written.
"""

import signal
import threading
from types import FrameType

_asked = threading.Event()


class Interrupted(Exception):  # noqa: N818 - reads as what happened
    """Somebody asked this command to stop."""


def install() -> None:
    """Take the stop signals over. `is_asked` and `pause` tell of them."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _ask)


def _ask(_number: int, _frame: FrameType | None) -> None:
    _asked.set()


def is_asked() -> bool:
    """Whether somebody asked to stop."""
    return _asked.is_set()


def reset() -> None:
    """Forget the question; the next signal asks anew."""
    _asked.clear()


def pause(seconds: float) -> None:
    """Wait; raises Interrupted as soon as somebody asks to stop."""
    if _asked.wait(seconds):
        raise Interrupted("stopped")
