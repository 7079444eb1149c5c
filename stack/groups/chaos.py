"""`cryptoviz chaos ...`: guarantees, tried against faults and kills."""

from typing import Annotated

import typer

from stack.settings import read_stack_settings

group = typer.Typer(
    help="Guarantees, tried against faults and kills.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the scenario and of every choice.")]


@group.command("bars")
def chaos_bars(  # noqa: PLR0917 - Typer calls it by name
    bars: Annotated[list[str], typer.Option(help="SYMBOL=FILE of one-minute bars, repeated.")],
    start: Annotated[str, typer.Option("--from", help="Start, e.g. 2023-03-11T03:00Z.")],
    hours: Annotated[float, typer.Option(min=0.1, help="Scenario hours to compare.")] = 12.0,
    speed: Annotated[float, typer.Option(min=1.0, help="Scenario seconds a second.")] = 60.0,
    kill: Annotated[
        list[str] | None,
        typer.Option(help="A process to kill -9 on the way, repeated: spark, influxd, kafka."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Replay bars through the whole platform, kill parts, and compare every bar it answers."""
    from stack.demo import bars_files, parse_from
    from stack.proofs.replayed_bars import Replay
    from stack.verbs.chaos import chaos_bars as run

    from_ms, _ = parse_from(start)
    replay = Replay(
        bars=tuple(bars_files(bars).items()),
        from_ms=from_ms,
        hours=hours,
        speed=speed,
        kills=tuple(kill or ()),
    )
    run(read_stack_settings(), replay, as_json=as_json)


@group.command("sources")
def chaos_sources(
    only: Annotated[
        list[str] | None, typer.Option("--source", help="Only this source, repeated.")
    ] = None,
    fault: Annotated[
        list[str] | None, typer.Option("--fault", help="Only this fault, repeated.")
    ] = None,
    seed: Seed = 7,
    as_json: AsJson = False,
) -> None:
    """Every source against every fault that applies; prints the table."""
    from stack.verbs.chaos import chaos_sources as run

    run(read_stack_settings(), sources=only, faults=fault, seed=seed, as_json=as_json)


@group.command("agent")
def chaos_agent(
    kills: Annotated[int, typer.Option(min=1, help="How often it is killed.")] = 50,
    seed: Seed = 7,
    as_json: AsJson = False,
) -> None:
    """kill -9 of the trade agent at random moments; nothing may be lost."""
    from stack.verbs.chaos import chaos_agent as run

    run(read_stack_settings(), kills=kills, seed=seed, as_json=as_json)


@group.command("driver")
def chaos_driver(
    kills: Annotated[int, typer.Option(min=1, help="How often it is killed.")] = 20,
    trades: Annotated[int, typer.Option(min=1_000, help="Length of the replay.")] = 120_000,
    seed: Seed = 7,
    as_json: AsJson = False,
) -> None:
    """kill -9 of Spark's driver in a replay; every point must be as if it had never died."""
    from stack.verbs.chaos import chaos_driver as run

    run(read_stack_settings(), kills=kills, trades=trades, seed=seed, as_json=as_json)


@group.command("faults")
def chaos_faults(
    hours: Annotated[float, typer.Option(min=0.1, help="Scenario hours.")] = 10.0,
    speed: Annotated[float, typer.Option(min=1.0, help="Scenario seconds a second.")] = 60.0,
    seed: Seed = 7,
    as_json: AsJson = False,
) -> None:
    """A random mix of faults over all sources, all agents on; every difference needs a cause."""
    from stack.verbs.chaos import chaos_faults as run

    run(read_stack_settings(), hours=hours, speed=speed, seed=seed, as_json=as_json)


@group.command("anomalies")
def chaos_anomalies(
    hours: Annotated[float, typer.Option(min=1.0, help="Scenario hours.")] = 6.0,
    speed: Annotated[float, typer.Option(min=1.0, help="Scenario seconds a second.")] = 60.0,
    seed: Seed = 7,
    as_json: AsJson = False,
) -> None:
    """The market scenario's planted anomalies through the whole platform: found, and once?"""
    from stack.proofs.planted import PlantedRun
    from stack.verbs.chaos import chaos_anomalies as run

    run(read_stack_settings(), PlantedRun(hours, speed, seed), as_json=as_json)
