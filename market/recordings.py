"""A folder of recorded bodies and frames, as `up --demo recording --folder DIR` plays it.

The format is documented in docs/recordings.md: bodies by vendor and route, frames as lines of
`recv_time: json`. Files may be links, and packed with gzip. Nothing here knows a vendor's fields,
save that a trade frame names its symbol.
"""

import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from market.errors import Fatal

FRAMES = "frames"
# Folders of bodies, each of one route; `rss` has one folder a feed.
BODY_ROUTES = (
    "coingecko/coins_markets",
    "coingecko/global",
    "coinmarketcap/listings_latest",
    "alternative_me/fng",
)
FEEDS = "rss"
# Frames are held while they are played.
MAX_FRAMES_BYTES = 1_000_000_000

STAMP = re.compile(r"(?<!\d)(\d{13}|\d{10}|\d{8}(?:T\d{6}Z?|T\d{4}Z?)?)(?!\d)")
LINE = re.compile(rb"^(\d{9,10}(?:\.\d+)?): (\{.*\})\s*$")
TRADE_SYMBOL = re.compile(rb'"e":\s*"aggTrade".*?"s":\s*"([A-Z0-9]+)"')


@dataclass(frozen=True, slots=True)
class RecordedBody:
    """One file. `observed_at_ms` stands in its name; None means that it was always there."""

    path: Path
    observed_at_ms: int | None


@dataclass(frozen=True, slots=True)
class RecordedFrame:
    """One line: when it was received, milliseconds UTC, and its JSON."""

    received_at_ms: int
    text: bytes


def observed_at_ms(name: str) -> int | None:
    """The moment in a file's name: epoch ms or s, or YYYYMMDD[THHMM[SS]] UTC. None without one."""
    for found in STAMP.findall(name):
        if found.isdecimal() and len(found) > 8:
            return int(found) * (1 if len(found) == 13 else 1000)
        digits = found.replace("T", "").rstrip("Z")
        try:
            moment = datetime.strptime(digits.ljust(14, "0") + "+0000", "%Y%m%d%H%M%S%z")
        except ValueError:
            continue
        return round(moment.timestamp() * 1000)
    return None


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """A file's bytes, unpacked where it is gzip. Raises Fatal where it cannot be read."""
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if packed else path.open("rb") as content:
            yield content  # type: ignore[misc]
    except (OSError, EOFError, zlib.error) as error:
        raise Fatal(f"{path} cannot be read: {error}") from error


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    inside = (path for path in folder.iterdir() if not path.name.startswith("."))
    return sorted(path for path in inside if path.is_file())


def bodies(folder: Path, route: str) -> list[RecordedBody]:
    """The bodies of a route, oldest first; those without a moment come first, by name."""
    found = [RecordedBody(path, observed_at_ms(path.name)) for path in _files(folder / route)]
    return sorted(found, key=lambda body: (body.observed_at_ms or 0, body.path.name))


def feeds(folder: Path) -> tuple[str, ...]:
    """Names of the recorded feeds."""
    root = folder / FEEDS
    named = (path for path in root.iterdir() if path.is_dir()) if root.is_dir() else ()
    return tuple(sorted(path.name for path in named if _files(path)))


def routes(folder: Path) -> tuple[str, ...]:
    """Every route that the folder has a body for."""
    plain = (route for route in BODY_ROUTES if _files(folder / route))
    return (*plain, *(f"{FEEDS}/{feed}" for feed in feeds(folder)))


def frames(folder: Path) -> Iterator[RecordedFrame]:
    """Every frame of every file, file by file; lines of another form are passed over.

    Raises Fatal where a file cannot be read or all together are larger than MAX_FRAMES_BYTES.
    """
    size = 0
    for path in _files(folder / FRAMES):
        with opened(path) as lines:
            for line in lines:
                match = LINE.match(line)
                if match is None:
                    continue
                size += len(line)
                if size > MAX_FRAMES_BYTES:
                    raise Fatal(
                        f"{folder / FRAMES}: more than {MAX_FRAMES_BYTES:,} bytes of frames; "
                        "play a part of them"
                    )
                yield RecordedFrame(round(float(match[1]) * 1000), match[2])


@dataclass(frozen=True, slots=True)
class Recording:
    """What a folder holds, for whoever starts it."""

    first_ms: int | None
    """First frame, else the oldest moment in a body's name."""
    symbols: tuple[str, ...]
    """Symbols with trade frames."""
    feeds: tuple[str, ...]


def survey(folder: Path) -> Recording:
    """Look through a folder. Raises Fatal where it is none or holds nothing of the format."""
    if not folder.is_dir():
        raise Fatal(f"{folder} is no folder")
    held = routes(folder)
    received: int | None = None
    symbols: set[str] = set()
    for frame in frames(folder):
        received = frame.received_at_ms if received is None else min(received, frame.received_at_ms)
        found = TRADE_SYMBOL.search(frame.text)
        if found:
            symbols.add(found[1].decode())
    if received is None and not held:
        raise Fatal(
            f"{folder} holds no recording: neither {FRAMES}/ with lines of `recv_time: json` nor "
            f"bodies in {', '.join(BODY_ROUTES)} or {FEEDS}/NAME"
        )
    moments = [
        body.observed_at_ms
        for route in held
        for body in bodies(folder, route)
        if body.observed_at_ms is not None
    ]
    first_ms = received if received is not None else min(moments, default=None)
    return Recording(first_ms=first_ms, symbols=tuple(sorted(symbols)), feeds=feeds(folder))
