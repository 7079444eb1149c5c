"""A tool's failure is put in words, with its own last lines and what to do."""

import sys

import pytest

from stack.failure import Failure, said
from stack.tools import advice, run_logged


@pytest.mark.parametrize(
    ("tail", "words"),
    [
        ("write /x: No space left on device", "disk is full"),
        ("dial tcp: lookup example: Temporary failure in name resolution", "network"),
        ("Could not transfer artifact a:b:jar:1 from/to mirror: Read timed out", "network"),
        ("npm error code ENOTFOUND", "network"),
        ("undefined: main", "again"),
    ],
)
def test_the_advice_follows_what_the_tool_said(tail, words):
    assert words in advice(tail)


def test_the_first_error_is_shown_also_when_a_tool_prints_its_manual_after_it(tmp_path):
    log = tmp_path / "npm.log"
    log.write_text("npm error Missing: a from lock file\n" + "usage\n" * 50)
    shown = said(log).splitlines()
    assert shown[0] == "npm error Missing: a from lock file"
    assert len(shown) < 20


@pytest.mark.integration
def test_a_failing_tool_ends_in_a_failure_with_its_words_and_its_log(tmp_path):
    log = tmp_path / "tool.log"
    script = "import sys; print('the mirror is down'); sys.exit(4)"
    with pytest.raises(Failure, match="exit code 4") as caught:
        run_logged([sys.executable, "-c", script], log=log, what="Fetching")
    assert caught.value.log == log
    assert "the mirror is down" in caught.value.tail


def test_a_missing_tool_is_named(tmp_path):
    with pytest.raises(Failure, match="no-such-tool"):
        run_logged(["no-such-tool"], log=tmp_path / "log", what="Building")
