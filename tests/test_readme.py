"""The README is true: every command in it is one that exists, with options that exist.

The platform test runs those that need a running platform; see tests/platform/.
"""

import click
import pytest
import typer.main

from stack.__main__ import app
from tests.readme import README, readme_commands

COMMANDS = readme_commands()


def test_the_readme_is_about_120_lines():
    assert 80 <= len(README.read_text("utf-8").splitlines()) <= 140


def test_the_readme_begins_with_the_two_commands():
    assert [" ".join(words) for words in COMMANDS[:2]] == [
        "./cryptoviz up --demo",
        "./cryptoviz test",
    ]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_command_of_the_readme_is_taken_by_the_command_line(words: list[str]):
    if words[0] == "curl":
        assert words[1].startswith("http://127.0.0.1:8000/")
        return
    assert words[0] == "./cryptoviz"
    group, arguments = typer.main.get_command(app), words[1:]
    while arguments:
        command = group.get_command(click.Context(group), arguments[0])
        assert command is not None, f"no such verb: {arguments[0]}"
        arguments = arguments[1:]
        if not hasattr(command, "get_command"):
            # Raises where an option is unknown, missing or wrong.
            command.make_context(command.name, arguments)
            return
        group = command
    pytest.fail("the command names no verb")
