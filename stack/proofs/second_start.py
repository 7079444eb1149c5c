"""How long a second start takes until the viewer shows a number observed after that start."""

import re
import time
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from stack.console import StepBoard
from stack.failure import Failure
from stack.proofs.demo import Demo, Residence

# The viewer writes the moment of each price beside it.
OBSERVED = re.compile(r'data-observed-at="([^"]+)"')
LIMIT_S = 300.0
POLL_S = 0.25


@dataclass(frozen=True, slots=True)
class StartReport:
    """Seconds of real time from the command; memory once the number is there."""

    first_start_s: float
    second_start_s: float
    resident_mb: float
    resident_by_part_mb: dict[str, float]

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return asdict(self)


def run_second_start(home_root: Path, settle_s: float, board: StepBoard) -> StartReport:
    """Start, stop, start again; `settle_s` is how long the second run lives before its memory."""
    residence = Residence.new(home_root)
    first = board.step("first start")
    with Demo(residence, ()) as demo:
        first_s = _until_shown(demo)
    first.done(f"a price in the viewer after {first_s:.1f} s")
    second = board.step("second start")
    with Demo(residence, ()) as demo:
        second_s = _until_shown(demo)
        second.done(f"a new price in the viewer after {second_s:.1f} s")
        settle = board.step(f"memory after {settle_s:.0f} s")
        time.sleep(settle_s)
        parts = demo.resident_mb()
        settle.done(f"{sum(parts.values()):.0f} MB resident")
    return StartReport(
        first_start_s=round(first_s, 1),
        second_start_s=round(second_s, 1),
        resident_mb=round(sum(parts.values())),
        resident_by_part_mb={name: round(size) for name, size in parts.items()},
    )


def _until_shown(demo: Demo) -> float:
    """Seconds until the viewer shows a price observed after this start."""
    started = time.monotonic()
    after_ms = demo.stood_still_ms()
    while time.monotonic() - started < LIMIT_S:
        demo.fail_if_ended()
        if (newest := _newest_shown_ms(demo)) is not None and newest > after_ms:
            return time.monotonic() - started
        time.sleep(POLL_S)
    raise Failure(f"the viewer showed no new price within {LIMIT_S:.0f} s", log=demo.log)


def _newest_shown_ms(demo: Demo) -> int | None:
    try:
        page = httpx.get(demo.web, timeout=5.0)
    except httpx.TransportError:
        return None
    moments = [datetime.fromisoformat(text) for text in OBSERVED.findall(page.text)]
    return round(max(moments).timestamp() * 1000) if moments else None
