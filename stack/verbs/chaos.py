"""`chaos`: guarantees tried; one function a verb."""

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict

from rich.table import Table

from stack.console import StepBoard, console, say
from stack.failure import EXIT_USAGE, Failure
from stack.interrupt import install
from stack.proofs.agent_kills import run_kills
from stack.proofs.conformance import Cell, run_cells
from stack.proofs.driver_kills import run_driver_kills
from stack.proofs.fault_storm import StormReport, run_storm
from stack.proofs.ledger import Difference
from stack.proofs.planted import PlantedReport, PlantedRun, run_planted
from stack.proofs.replayed_bars import Replay, ReplayReport, iso, run_replay
from stack.proofs.source_faults import CELLS, FAULTS, SOURCES
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


def chaos_sources(
    settings: StackSettings,
    *,
    sources: Sequence[str] | None,
    faults: Sequence[str] | None,
    seed: int,
    as_json: bool,
) -> None:
    """Sources against faults. Raises Failure where a cell does not hold."""
    for asked, known in ((sources, SOURCES), (faults, FAULTS)):
        if unknown := sorted(set(asked or ()) - known.keys()):
            raise Failure(
                f"Unknown: {', '.join(unknown)}.",
                fix=f"Known: {', '.join(known)}.",
                exit_code=EXIT_USAGE,
            )
    cells = [
        (source, fault)
        for source, fault in CELLS
        if source in (sources or SOURCES) and fault in (faults or FAULTS)
    ]
    install()
    home_root = settings.home_root / "proofs" / time.strftime("sources-%Y%m%dT%H%M%S")
    with StepBoard() as board:
        found = run_cells(home_root, board, cells, seed=seed, report=_say_cell)
    if as_json:
        console.print_json(json.dumps([cell.as_json() for cell in found]))
    else:
        _show_cells(found)
    broken = [f"{cell.source} x {cell.fault}" for cell in found if not cell.holds]
    if broken:
        raise Failure(f"Not whole: {', '.join(broken)}.", fix=f"The state is kept in {home_root}.")
    shutil.rmtree(home_root)


def _say_cell(cell: Cell) -> None:
    mark = "ok" if cell.holds else "NOT WHOLE"
    say(f"{cell.source} x {cell.fault}: {mark}, {_in_words(cell.difference)}, {cell.seconds} s")
    if not cell.lives:
        say("  it brought no new record afterwards", style="red")
    if not cell.strikes:
        say("  the fault never struck", style="red")


def _in_words(difference: Difference) -> str:
    causes = ", ".join(f"{count} by {cause}" for cause, count in difference.explained.items())
    return (
        f"told {difference.told:,}, held {difference.held:,}, lost {difference.lost:,}, "
        f"doubled {difference.doubled:,}, explained {causes or 'none'}, "
        f"unexplained {difference.unexplained_count:,}"
        + (f" ({'; '.join(difference.unexplained)})" if difference.unexplained else "")
    )


def _show_cells(cells: Sequence[Cell]) -> None:
    """Source x fault: ok, the number of differences with a cause, or what is wrong."""
    table = Table(box=None, padding=(0, 1, 0, 0))  # seven sources fit into 80 columns
    table.add_column("fault", no_wrap=True)
    for source in SOURCES:
        table.add_column(source.replace("_", "\n"), justify="center", no_wrap=True)
    by_pair = {(cell.source, cell.fault): cell for cell in cells}
    for fault in FAULTS:
        table.add_row(fault, *(_mark(by_pair.get((source, fault))) for source in SOURCES))
    console.print(table)
    say("ok: what Kafka holds is what was told; +N: N differences, each with its cause in the")
    say("ledgers; a dot: the fault does not apply or was not asked for.")


def _mark(cell: Cell | None) -> str:
    if cell is None:
        return "·"
    if not cell.holds:
        return "FAILS"
    explained = sum(cell.difference.explained.values())
    return f"ok +{explained}" if explained else "ok"


def chaos_agent(settings: StackSettings, *, kills: int, seed: int, as_json: bool) -> None:
    """kill -9 of the trade agent. Raises Failure where a trade is lost."""
    install()
    home_root = settings.home_root / "proofs" / time.strftime("agent-%Y%m%dT%H%M%S")
    with StepBoard() as board:
        report = run_kills(home_root, board, kills=kills, seed=seed, report=say)
    if as_json:
        console.print_json(json.dumps(report.as_json()))
    else:
        say(
            f"{report.kills} kills in {report.seconds} s, {report.before_first_record} of them "
            f"before the agent's first record: {_in_words(report.difference)} (doubled: before "
            "any dedup)."
        )
    if not report.holds:
        raise Failure("Trades are missing.", fix=f"The state is kept in {home_root}.")
    shutil.rmtree(home_root)


def chaos_driver(
    settings: StackSettings, *, kills: int, trades: int, seed: int, as_json: bool
) -> None:
    """kill -9 of Spark's driver. Raises Failure where anything it publishes is not the same."""
    install()
    home_root = settings.home_root / "proofs" / time.strftime("driver-%Y%m%dT%H%M%S")
    with StepBoard() as board:
        report = run_driver_kills(
            home_root, board, kills=kills, trades=trades, seed=seed, settings=settings, report=say
        )
    if as_json:
        console.print_json(json.dumps(asdict(report)))
    else:
        say(
            f"{report.kills} kills, {report.kills_at_work} of them with work left, "
            f"{report.commits_deleted} newest commits deleted, in {report.seconds} s: "
            f"{report.points_equal:,} of {report.points:,} points equal, {report.points_extra} "
            f"extra; {report.bars_equal:,} of {report.bars:,} bars and "
            f"{report.revisions_equal:,} of {report.revisions:,} revisions of anomalies in Kafka "
            f"equal, {report.revisions_extra} extra; "
            f"{report.archived:,} of {report.trades:,} trades in the archive, "
            f"{report.archived_twice} twice."
        )
    if not report.holds:
        raise Failure(
            "A killed driver changed something.", fix=f"The state is kept in {home_root}."
        )
    shutil.rmtree(home_root)


def chaos_faults(
    settings: StackSettings, *, hours: float, speed: float, seed: int, as_json: bool
) -> None:
    """A storm of faults. Raises Failure where something is doubled or has no cause."""
    install()
    home_root = settings.home_root / "proofs" / time.strftime("faults-%Y%m%dT%H%M%S")
    with StepBoard() as board:
        report = run_storm(home_root, board, hours=hours, speed=speed, seed=seed, report=say)
    if as_json:
        console.print_json(json.dumps(report.as_json()))
    else:
        _show_storm(report)
    if not report.holds:
        raise Failure(
            "Differences without a cause, or doubles.", fix=f"The state is kept in {home_root}."
        )
    shutil.rmtree(home_root)


def _show_storm(report: StormReport) -> None:
    struck = ", ".join(f"{kind} {count:,}" for kind, count in sorted(report.strikes.items()))
    say(f"{report.hours:g} scenario hours in {report.seconds} s, {report.asked} faults asked for.")
    say(f"They struck: {struck}.")
    for name, difference in report.differences.items():
        say(f"{name}: {_in_words(difference)}")


def chaos_anomalies(settings: StackSettings, run: PlantedRun, *, as_json: bool) -> None:
    """Planted anomalies. Raises Failure where one is missed, doubled, or too many are false."""
    install()
    home_root = settings.home_root / "proofs" / time.strftime("anomalies-%Y%m%dT%H%M%S")
    with StepBoard() as board:
        report = run_planted(run, home_root, board)
    if as_json:
        console.print_json(json.dumps(report.as_json()))
    else:
        _show_planted(run, report)
    if not report.holds:
        raise Failure("The targets are missed.", fix=f"The state is kept in {home_root}.")
    shutil.rmtree(home_root)


def _show_planted(run: PlantedRun, report: PlantedReport) -> None:
    table = Table("kind", box=None)
    headings = ("planted", "found", "before learned", "episodes", "right", "false", "doubled")
    for heading in (*headings, "delay p50", "delay max"):
        table.add_column(heading, justify="right")
    for kind, one in report.kinds.items():
        counts = (
            one.planted, one.found, one.early, one.episodes, one.right, len(one.false), one.doubled,
        )  # fmt: skip
        delays = (one.delay_s_median, one.delay_s_max)
        table.add_row(
            kind, *map(str, counts), *("" if one is None else f"{one:g} s" for one in delays)
        )
    console.print(table)
    for kind, one in report.kinds.items():
        for title, several in (("missed", one.missed), ("false", one.false)):
            for said in several[:SHOWN]:
                say(f"{kind} {title}: {said}", style="red")
    of_all = "none" if report.precision is None else f"{report.precision:.3f}"
    say(
        f"{run.hours:g} scenario hours at speed {run.speed:g}, seed {run.seed}, in "
        f"{report.seconds} s: precision of all kinds {of_all}."
    )
    if not report.settled:
        say("Episodes still changed when they were read.", style="red")
