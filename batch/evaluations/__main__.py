"""`python -m batch.evaluations NAME ...`, which is what `./cryptoviz evaluate NAME ...` runs."""

import logging
import signal
import sys
from importlib import import_module

import typer

from batch.evaluations import EVALUATIONS
from market.errors import Fatal

EXIT_UNUSABLE = 2


def command() -> typer.Typer:
    """A command for each row of EVALUATIONS."""
    app = typer.Typer(
        help="Quality, measured through the shipped code on anyone's data.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    # With one command alone Typer would leave its name out.
    app.callback()(lambda: None)
    for name in EVALUATIONS:
        app.command(name)(import_module(f"batch.evaluations.{name}").evaluate)
    return app


def main() -> None:
    """Run one. Exits with 2 where it cannot be run on these files, and says why."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # pyspark's gateway logs a page when somebody interrupts; what fails is raised all the same.
    logging.disable(logging.CRITICAL)
    try:
        command()(prog_name="./cryptoviz evaluate")
    except Fatal as fatal:
        sys.stderr.write(f"{fatal}\n")
        raise SystemExit(EXIT_UNUSABLE) from None


if __name__ == "__main__":
    main()
