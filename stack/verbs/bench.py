"""`bench`: speed, measured; one function a subject."""

import json
import shutil
import time

from stack.console import StepBoard, console, say
from stack.proofs.second_start import run_second_start
from stack.settings import StackSettings


def bench_start(settings: StackSettings, *, settle_s: float, as_json: bool) -> None:
    """Time a second start of the default demo, and its memory after `settle_s`."""
    home_root = settings.home_root / "proofs" / time.strftime("start-%Y%m%dT%H%M%S")
    with StepBoard() as board:
        report = run_second_start(home_root, settle_s, board)
    shutil.rmtree(home_root)
    if as_json:
        console.print_json(json.dumps(report.as_json()))
        return
    parts = ", ".join(f"{name} {size:,}" for name, size in report.resident_by_part_mb.items())
    say(f"First start to a price in the viewer: {report.first_start_s} s.")
    say(f"Second start to a price observed after it: {report.second_start_s} s.")
    say(f"Resident memory {settle_s:.0f} s later: {report.resident_mb:,.0f} MB ({parts}).")
