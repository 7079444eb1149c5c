"""Sources against faults, with real processes: the short version; `chaos sources` runs all."""

from pathlib import Path

import pytest

from stack.console import StepBoard
from stack.proofs.agent_kills import run_kills
from stack.proofs.conformance import run_cells
from stack.proofs.source_faults import SHORT

pytestmark = pytest.mark.integration


def test_after_a_fault_kafka_holds_what_was_told_or_a_ledger_says_why(tmp_path: Path):
    with StepBoard() as board:
        cells = run_cells(tmp_path, board, SHORT, seed=7)
    assert [(cell.source, cell.fault) for cell in cells if not cell.holds] == []
    assert len(cells) == len(SHORT)


def test_an_agent_killed_three_times_loses_nothing(tmp_path: Path):
    with StepBoard() as board:
        report = run_kills(tmp_path, board, kills=3, seed=7)
    assert report.holds, report.as_json()
    assert report.difference.told > 1_000
    assert report.difference.doubled == 0
