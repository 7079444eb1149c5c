"""`cryptoviz faults ...`: faults on demand in the demo that runs."""

from typing import Annotated

import typer

from stack.settings import read_stack_settings

group = typer.Typer(help="Faults on demand in a demo.", no_args_is_help=True, rich_markup_mode=None)

AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


@group.command("list")
def list_faults(as_json: AsJson = False) -> None:
    """The kinds of faults with their options, and those that run."""
    from stack.verbs.faults import list_faults as run

    run(read_stack_settings(), as_json=as_json)


@group.command("start", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def start(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help="A kind of `cryptoviz faults list`.")],
    as_json: AsJson = False,
) -> None:
    """Start a fault; options are those of its kind, such as --route rss --seconds 30 --seed 5."""
    from stack.verbs.faults import start as run

    run(read_stack_settings(), kind, context.args, as_json=as_json)


@group.command("stop")
def stop(
    number: Annotated[int | None, typer.Argument(help="A fault's id; all unless given.")] = None,
) -> None:
    """Stop one fault, or all."""
    from stack.verbs.faults import stop as run

    run(read_stack_settings(), number)


@group.command("log")
def show_log(
    after: Annotated[int, typer.Option(min=0, help="Only entries after this number.")] = 0,
    as_json: AsJson = False,
) -> None:
    """What the faults did, oldest first."""
    from stack.verbs.faults import show_log as run

    run(read_stack_settings(), after=after, as_json=as_json)
