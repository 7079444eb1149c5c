"""`cryptoviz bench ...`: speed, measured."""

from typing import Annotated

import typer

from stack.settings import read_stack_settings

group = typer.Typer(help="Speed, measured.", no_args_is_help=True, rich_markup_mode=None)

AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


@group.command("start")
def bench_start(
    settle_s: Annotated[
        float, typer.Option("--settle", min=0.0, help="Seconds until memory is read.")
    ] = 60.0,
    as_json: AsJson = False,
) -> None:
    """Time a second `up --demo` until the viewer shows a number observed after it."""
    from stack.verbs.bench import bench_start as run

    run(read_stack_settings(), settle_s=settle_s, as_json=as_json)


@group.command("collect")
def bench_collect(
    trades: Annotated[int, typer.Option(min=1_000, help="How many trades.")] = 1_000_000,
    rate: Annotated[
        float | None, typer.Option(min=1.0, help="Trades a second; as many as it takes otherwise.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Trades a second of one agent on one core, from the socket to acknowledged Kafka."""
    from stack.verbs.bench import bench_collect as run

    run(read_stack_settings(), trades=trades, rate=rate, as_json=as_json)


@group.command("latency")
def bench_latency(
    rate: Annotated[float, typer.Option(min=1.0, help="Trades a second.")] = 2_000.0,
    seconds: Annotated[float, typer.Option(min=5.0, help="Measured time.")] = 120.0,
    warm_up_s: Annotated[
        float, typer.Option("--warm-up", min=0.0, help="Seconds before it.")
    ] = 60.0,
    jobs: Annotated[
        str, typer.Option(help="Jobs that run, separated by commas; all if left out.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """From the moment a trade is due to be sent until the API shows it, and Spark's memory."""
    from stack.verbs.bench import bench_latency as run

    run(
        read_stack_settings(),
        rate=rate,
        seconds=seconds,
        warm_up_s=warm_up_s,
        jobs=jobs.split(",") if jobs else [],
        as_json=as_json,
    )


@group.command("pulse")
def bench_pulse(
    rate: Annotated[float, typer.Option(min=1.0, help="Trades a second.")] = 500.0,
    seconds: Annotated[float, typer.Option(min=70.0, help="Measured time.")] = 180.0,
    warm_up_s: Annotated[
        float, typer.Option("--warm-up", min=0.0, help="Seconds before it.")
    ] = 60.0,
    jobs: Annotated[
        str, typer.Option(help="Jobs that run, separated by commas; all if empty.")
    ] = "candles,pulse",
    as_json: AsJson = False,
) -> None:
    """The latency that job pulse tells against a stopwatch outside; at most 10 % apart."""
    from stack.verbs.bench import bench_pulse as run

    run(
        read_stack_settings(),
        rate=rate,
        seconds=seconds,
        warm_up_s=warm_up_s,
        jobs=jobs.split(",") if jobs else [],
        as_json=as_json,
    )


@group.command("drain")
def bench_drain(
    trades: Annotated[int, typer.Option(min=1_000, help="How many trades.")] = 5_000_000,
    as_json: AsJson = False,
) -> None:
    """Trades a second from a Kafka backlog into one-minute candles in InfluxDB, three times."""
    from stack.verbs.bench import bench_drain as run

    run(read_stack_settings(), trades=trades, as_json=as_json)
