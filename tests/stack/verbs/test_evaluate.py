"""`evaluate` hands over to `batch.evaluations` with the words it was given."""

import os
import sys

from typer.testing import CliRunner

from stack.__main__ import app


def test_everything_after_the_verb_goes_to_the_evaluation(monkeypatch):
    became = []
    monkeypatch.setattr(os, "execv", lambda path, argv: became.append((path, argv)))
    words = ["candles", "--trades", "a b.csv", "--json", "--help"]
    CliRunner().invoke(app, ["evaluate", *words])
    module = (sys.executable, "-P", "-m", "batch.evaluations")
    assert became == [(sys.executable, (*module, *words))]
