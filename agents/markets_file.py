"""Notices that the markets file has changed. A file that cannot be followed changes nothing."""

import time
from collections.abc import Callable
from pathlib import Path

import structlog

from market.errors import Fatal
from market.markets import read_markets

log = structlog.get_logger()

LOOK_EVERY_S = 5.0


class MarketsFile:
    """One venue's symbols in the file, read again when its time of change is another."""

    def __init__(
        self, path: Path, venue: str, *, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._venue = venue
        self._now_s = now_s
        self._looked_s = now_s()
        self._changed_ns = self._stamp()
        self._symbols: tuple[str, ...] | None = None
        self.problem: str | None = None
        """What is wrong with the file, None while it is followed."""

    def changed(self) -> tuple[str, ...] | None:
        """The symbols of the file as it was last read well, None while it is as at the start."""
        if self._now_s() - self._looked_s >= LOOK_EVERY_S:
            self._looked_s = self._now_s()
            stamp = self._stamp()
            if stamp != self._changed_ns:
                self._changed_ns = stamp
                self._read()
        return self._symbols

    def _stamp(self) -> int:
        try:
            return self._path.stat().st_mtime_ns
        except OSError:
            return -1

    def _read(self) -> None:
        try:
            self._symbols = read_markets(self._path)[self._venue]
            self.problem = None
        except Fatal as error:
            self.problem = f"the markets stay as they were: {error}"
            log.error("markets_file_refused", error=str(error))  # noqa: TRY400 - no trace
