"""The `cryptoviz` command: every verb and its options."""

from typing import Annotated

import typer

from stack.console import say, say_failure
from stack.demo import plan
from stack.doctor import checks, port_checks, show
from stack.failure import EXIT_FAILED, EXIT_USAGE, Failure
from stack.groups import bench, chaos, dead_letters, faults
from stack.interrupt import Interrupted
from stack.settings import read_stack_settings

app = typer.Typer(
    name="cryptoviz",
    help="A lambda platform for crypto markets, run on one machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.add_typer(dead_letters.group, name="dead-letters")
app.add_typer(bench.group, name="bench")
app.add_typer(chaos.group, name="chaos")
app.add_typer(faults.group, name="faults")


@app.command()
def up(  # noqa: PLR0917 - Typer calls it by name
    scenario: Annotated[
        str | None, typer.Argument(help="With --demo: market (default), bars or recording.")
    ] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Simulated sources, no internet.")] = False,
    bars: Annotated[
        list[str] | None,
        typer.Option(help="SYMBOL=FILE of one-minute bars, repeated; for the scenario bars."),
    ] = None,
    folder: Annotated[
        str | None,
        typer.Option(help="Folder of recorded bodies and frames; for the scenario recording."),
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="Scenario's start, e.g. 2023-03-11T03:00Z.")
    ] = None,
    speed: Annotated[
        float | None, typer.Option(help="Scenario seconds a second; 60 unless given.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the scenario; 7 unless given.")] = None,
) -> None:
    """Start the whole platform and supervise it until Ctrl-C; prints the viewer's address."""
    from stack.verbs.up import up as run

    asked = [scenario, folder, start, speed, seed]
    if not demo and (bars or any(option is not None for option in asked)):
        raise Failure(
            "A scenario and its options need --demo.",
            fix="Example: ./cryptoviz up --demo market --speed 60",
            exit_code=EXIT_USAGE,
        )
    if not demo:
        run(read_stack_settings(), None)
        return
    planned, remarks = plan(
        name=scenario, bars=bars or [], folder=folder, from_text=start, speed=speed, seed=seed
    )
    for remark in remarks:
        say(remark)
    run(read_stack_settings(), planned)


@app.command()
def down() -> None:
    """Stop everything that `up` started, and nothing else."""
    from stack.verbs.down import down as run

    run(read_stack_settings())


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """What runs, how long, how much memory, and how fresh the numbers are."""
    from stack.verbs.status import status as run

    run(read_stack_settings(), as_json=as_json)


@app.command()
def doctor() -> None:
    """What this computer lacks, and the line that installs it."""
    settings = read_stack_settings()
    found = [*checks(settings), *port_checks(settings)]
    show(found)
    if not all(check.is_ok for check in found):
        raise typer.Exit(EXIT_FAILED)


@app.command()
def logs(
    name: Annotated[str, typer.Argument(help="A process, such as kafka, spark, api.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new lines.")] = False,
    lines: Annotated[int, typer.Option("-n", min=1, help="How many lines.")] = 50,
) -> None:
    """The last lines of a process's log."""
    from stack.verbs.logs import logs as run

    run(read_stack_settings(), name, lines=lines, follow=follow)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def submit(
    context: typer.Context,
    job: Annotated[str, typer.Argument(help="A job of spark_jobs/, such as candles.")],
) -> None:
    """Run one Spark job by spark-submit; options after -- are spark-submit's own."""
    from stack.verbs.submit import submit as run

    run(read_stack_settings(), job, context.args)


@app.command(
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def evaluate(context: typer.Context) -> None:
    """Quality, measured through the shipped code on anyone's data; lists its tasks."""
    from stack.verbs.evaluate import evaluate as run

    run(context.args)


@app.command("test")
def run_checks(
    group: Annotated[
        str | None, typer.Argument(help="unit, integration or web; all of them unless given.")
    ] = None,
) -> None:
    """Run the tests, as CI does."""
    from stack.verbs.test import run_tests

    run_tests(group)


def main() -> None:
    """Run a verb; a Failure becomes words and its exit code."""
    try:
        app(prog_name="./cryptoviz")
    except Failure as failure:
        say_failure(failure)
        raise SystemExit(failure.exit_code) from None
    except Interrupted:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
