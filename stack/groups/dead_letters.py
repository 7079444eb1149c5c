"""`cryptoviz dead-letters ...`."""

from typing import Annotated

import typer

from stack.settings import read_stack_settings

group = typer.Typer(
    help="What was refused, why, and publishing it again.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Topic = Annotated[str | None, typer.Option(help="Only of this topic, e.g. crypto-trades.")]
Reason = Annotated[str | None, typer.Option(help="Only with this reason, e.g. truncated.")]
From = Annotated[
    str | None, typer.Option("--from", help="Observed at or after, e.g. 2026-01-05T03:00Z.")
]
To = Annotated[str | None, typer.Option("--to", help="Observed before, e.g. 2026-01-06T00:00Z.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


@group.command("list")
def list_letters(
    topic: Topic = None,
    reason: Reason = None,
    start: From = None,
    end: To = None,
    as_json: AsJson = False,
) -> None:
    """The letters, and their counts by topic and reason."""
    from stack.verbs.dead_letters import filter_of
    from stack.verbs.dead_letters import list_letters as run

    wanted = filter_of(topic=topic, reason=reason, start=start, end=end)
    run(read_stack_settings(), wanted, as_json=as_json)


@group.command()
def show(
    letter_id: Annotated[str, typer.Argument(help="Its id, or the beginning of it.")],
    as_json: AsJson = False,
) -> None:
    """One letter decoded as far as possible: header, schema, fields, first bad byte."""
    from stack.verbs.dead_letters import show as run

    run(read_stack_settings(), letter_id, as_json=as_json)


@group.command()
def redrive(  # noqa: PLR0917 - Typer calls it by name
    topic: Topic = None,
    reason: Reason = None,
    start: From = None,
    end: To = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say it, publish nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Publish what decodes and passes now to its topic, each letter once."""
    from stack.verbs.dead_letters import filter_of, redrive_letters

    wanted = filter_of(topic=topic, reason=reason, start=start, end=end)
    redrive_letters(read_stack_settings(), wanted, dry_run=dry_run, as_json=as_json)
