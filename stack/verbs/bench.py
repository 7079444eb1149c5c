"""`bench`: speed, measured; one function a subject."""

import shutil
import time
from collections.abc import Sequence

from stack.console import StepBoard, leave_stdout_to_programs, say, tell_program
from stack.failure import Failure
from stack.interrupt import install
from stack.proofs.collect_speed import run_collect
from stack.proofs.drain import MINUTES, SHIPPED, run_drain
from stack.proofs.latency import run_latency
from stack.proofs.pulse import run_pulse
from stack.proofs.second_start import run_second_start
from stack.settings import StackSettings

# How far pulse may be off the stopwatch.
PULSE_OFF_PCT = 10.0


def bench_start(settings: StackSettings, *, settle_s: float, as_json: bool) -> None:
    """Time a second start of the default demo, and its memory after `settle_s`."""
    if as_json:
        leave_stdout_to_programs()
    home_root = settings.home_root / "proofs" / time.strftime("start-%Y%m%dT%H%M%S")
    with StepBoard() as board:
        report = run_second_start(home_root, settle_s, board)
    shutil.rmtree(home_root)
    if as_json:
        tell_program(report.as_json())
        return
    parts = ", ".join(f"{name} {size:,}" for name, size in report.resident_by_part_mb.items())
    say(f"First start to a price in the viewer: {report.first_start_s} s.")
    say(f"Second start to a price observed after it: {report.second_start_s} s.")
    say(f"Resident memory {settle_s:.0f} s later: {report.resident_mb:,.0f} MB ({parts}).")


def bench_collect(
    settings: StackSettings, *, trades: int, rate: float | None, as_json: bool
) -> None:
    """How fast one agent collects. Raises Failure where a trade is lost or doubled."""
    install()
    if as_json:
        leave_stdout_to_programs()
    home_root = settings.home_root / "proofs" / time.strftime("collect-%Y%m%dT%H%M%S")
    with StepBoard() as board:
        report = run_collect(home_root, board, trades=trades, rate=rate)
    if as_json:
        tell_program(report.as_json())
    else:
        pinned = "one core" if report.is_pinned else "no core of its own"
        say(
            f"{report.trades:,} trades in {report.seconds} s on {pinned}: "
            f"{report.trades_per_s:,}/s; {report.agent_cpu_s} s of CPU, "
            f"{report.trades_per_cpu_s:,} a second of CPU."
        )
        say(
            f"Pongs: {report.pongs} of {report.pings}, p50 {report.pong_p50_ms} ms, "
            f"longest {report.pong_max_ms} ms; {report.connections} connection(s)."
        )
        say(
            f"Resident memory {report.resident_mb_at_100k} MB at 100 k trades, "
            f"{report.resident_mb_at_end} MB at the end."
        )
    if report.stored != report.trades:
        raise Failure(
            f"Kafka holds {report.stored:,} trades of {report.trades:,}.",
            fix=f"The state is kept in {home_root}.",
        )
    shutil.rmtree(home_root)


def bench_latency(
    settings: StackSettings,
    *,
    rate: float,
    seconds: float,
    warm_up_s: float,
    jobs: Sequence[str],
    as_json: bool,
) -> None:
    """How old a trade is when the API shows it. Raises Failure where it shows none."""
    install()
    if as_json:
        leave_stdout_to_programs()
    home_root = settings.home_root / "proofs" / time.strftime("latency-%Y%m%dT%H%M%S")
    with StepBoard() as board:
        report = run_latency(
            home_root,
            board,
            rate=rate,
            warm_up_s=warm_up_s,
            seconds=seconds,
            jobs=jobs,
            settings=settings,
        )
    shutil.rmtree(home_root)
    if as_json:
        tell_program(report.as_json())
        return
    say(
        f"{report.trades:,} trades of one market at {report.rate:,.0f} trades/s over all: due to "
        f"shown p50 {report.p50_s} s, p95 {report.p95_s} s, p99 {report.p99_s} s, longest "
        f"{report.longest_s} s."
    )
    say(f"{report.answers:,} answers of the API, p50 {report.answer_p50_ms} ms.")
    say(
        f"Spark with its Python: {report.spark_mb_first:,.0f} MB after the warm-up, "
        f"{report.spark_mb_last:,.0f} MB at the end, at most {report.spark_mb_peak:,.0f} MB; "
        f"slope {report.spark_slope_pct} % over the measured time."
    )


def bench_pulse(
    settings: StackSettings,
    *,
    rate: float,
    seconds: float,
    warm_up_s: float,
    jobs: Sequence[str],
    as_json: bool,
) -> None:
    """Job pulse's latency against a stopwatch. Raises Failure where it is off by over 10 %."""
    install()
    if as_json:
        leave_stdout_to_programs()
    home_root = settings.home_root / "proofs" / time.strftime("pulse-%Y%m%dT%H%M%S")
    with StepBoard() as board:
        report = run_pulse(
            home_root,
            board,
            rate=rate,
            warm_up_s=warm_up_s,
            seconds=seconds,
            jobs=jobs,
            settings=settings,
        )
    found = report.as_json()
    if as_json:
        tell_program(found)
    else:
        for name, one in found["quantiles"].items():
            say(
                f"{name.removesuffix('_ms')}: pulse {one['pulse_ms']} ms, stopwatch "
                f"{one['stopwatch_ms']} ms: off by {one['off_pct']} %, in the worst minute by "
                f"{one['worst_minute_off_pct']} %."
            )
        stages = ", ".join(f"{name} {ms:.0f}" for name, ms in report.stages_p50_ms.items())
        say(f"p50 by stage in the last minute, ms: {stages}.")
        say(
            f"{len(report.minutes)} minutes of {report.rate:,.0f} trades/s; a question of the "
            f"stopwatch took {report.question_p50_ms} ms."
        )
    off = [name for name, one in found["quantiles"].items() if abs(one["off_pct"]) > PULSE_OFF_PCT]
    if off:
        raise Failure(
            f"Off by over {PULSE_OFF_PCT} %: {', '.join(off)}.",
            fix=f"The state is kept in {home_root}.",
        )
    shutil.rmtree(home_root)


def bench_drain(settings: StackSettings, *, trades: int, as_json: bool) -> None:
    """How fast a backlog becomes candles. Raises Failure where a bar differs from the oracle's."""
    install()
    if as_json:
        leave_stdout_to_programs()
    home_root = settings.home_root / "proofs" / time.strftime("drain-%Y%m%dT%H%M%S")
    with StepBoard() as board:
        report = run_drain(home_root, board, count=trades, settings=settings)
    if as_json:
        tell_program(report.as_json())
    else:
        for one in report.drains:
            phases = ", ".join(f"{name} {spent_s}" for name, spent_s in one.phases_s.items())
            say(
                f"{one.stage:>8}, drain {one.repeat}: {one.trades_per_s:>9,} trades/s, "
                f"{one.seconds:.2f} s, {one.cpu_s:.2f} s of CPU ({phases})"
            )
        say(
            f"{report.trades:,} trades of {report.markets} markets. Hot, against the bare query: "
            f"one-minute candles {report.ratio_to_bare(MINUTES):.2f}, with seconds beside them "
            f"{report.ratio_to_bare(SHIPPED):.2f}. {report.equal:,} of {report.bars:,} one-minute "
            "bars equal the oracle's in every column."
        )
    if report.equal != report.bars:
        raise Failure(
            f"{report.bars - report.equal:,} bars differ from the oracle's.",
            fix=f"The state is kept in {home_root}.",
        )
    shutil.rmtree(home_root)
