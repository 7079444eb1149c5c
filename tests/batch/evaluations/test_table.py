"""The table of evaluations names what there is."""

from pathlib import Path

import typer.main

from batch import evaluations
from batch.evaluations import EVALUATIONS
from batch.evaluations.__main__ import command


def test_the_table_names_exactly_the_files_that_evaluate():
    folder = Path(evaluations.__file__).parent
    files = {
        path.stem for path in folder.glob("*.py") if "\ndef evaluate(" in path.read_text("utf-8")
    }
    assert set(EVALUATIONS) == files


def test_each_is_a_command_with_help_that_prints_json_on_request():
    commands = typer.main.get_command(command()).commands
    assert list(commands) == list(EVALUATIONS)
    for each in commands.values():
        assert each.help
        assert "--json" in {name for param in each.params for name in param.opts}
