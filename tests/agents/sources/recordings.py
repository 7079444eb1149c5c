"""Recordings beside the project; tests that use them skip where they are absent."""

import gzip
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[4] / "shared" / "data"


def recording(name: str) -> bytes:
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"no recording ../shared/data/{name} beside the project")
    raw = path.read_bytes()
    return gzip.decompress(raw) if path.suffix == ".gz" else raw


def frames(name: str) -> list[bytes]:
    """Frames of a WebSocket recording: a first line with the address, then `recv_time: json`."""
    lines = recording(name).splitlines()[1:]
    return [line.partition(b": ")[2] for line in lines if line.strip()]
