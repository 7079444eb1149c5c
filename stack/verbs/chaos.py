"""`chaos`: guarantees tried; one function a verb."""

import json
import shutil
import time

from rich.table import Table

from stack.console import StepBoard, console, say
from stack.failure import Failure
from stack.proofs.replayed_bars import Replay, ReplayReport, iso, run_replay
from stack.settings import StackSettings

# Of the differences of one market; the rest is in --json.
SHOWN = 5


def chaos_bars(settings: StackSettings, replay: Replay, *, as_json: bool) -> None:
    """Recorded bars through the whole platform in a home of its own on free ports, parts killed.
    Raises Failure where a bar is not equal."""
    home_root = settings.home_root / "proofs" / time.strftime("bars-%Y%m%dT%H%M%S")
    with StepBoard() as board:
        report = run_replay(replay, home_root, board)
    if as_json:
        console.print_json(json.dumps(report.as_json()))
    else:
        _show(replay, report)
    if not report.holds:
        raise Failure("Bars differ from the recording.", fix=f"The state is kept in {home_root}.")
    shutil.rmtree(home_root)


def _show(replay: Replay, report: ReplayReport) -> None:
    say(f"{iso(replay.from_ms)} to {iso(replay.to_ms)} at speed {replay.speed:g}")
    markets = Table("market", box=None)
    for heading in ("bars with trades", "equal", "different", "missing", "extra", "quiet minutes"):
        markets.add_column(heading, justify="right")
    markets.add_column("quiet called a gap", justify="right")
    for market in report.markets:
        counts = (
            market.recorded,
            market.equal,
            len(market.different),
            len(market.missing),
            len(market.extra),
            market.without_trades,
            market.called_gaps,
        )
        markets.add_row(market.symbol, *(f"{count:,}" for count in counts))
    console.print(markets)
    for market in report.markets:
        for difference in market.different[:SHOWN]:
            say(f"{market.symbol} {difference}", style="red")
        for name, moments in (("missing", market.missing), ("extra", market.extra)):
            for moment in moments[:SHOWN]:
                say(f"{market.symbol} {iso(moment)} {name}", style="red")
    for kill in report.kills:
        say(
            f"kill -9 {kill['process']} (pid {kill['pid']}) at {kill['at']}:"
            f" bars final again after {kill['recovered_after_s']} s"
        )
    parts = ", ".join(f"{name} {size:,}" for name, size in report.peak_by_part_mb.items())
    say(f"Ready after {report.ready_after_s} s, replayed in {report.took_s} s.")
    say(f"Peak resident memory {report.peak_resident_mb:,.0f} MB (each part's peak: {parts}).")
