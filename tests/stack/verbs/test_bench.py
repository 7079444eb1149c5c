"""What a bench prints, with a measurement that is none."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stack.console import StepBoard, console
from stack.failure import Failure
from stack.proofs.pulse import Minute, PulseReport
from stack.settings import StackSettings
from stack.verbs import bench


@pytest.fixture(autouse=True)
def words_on_stdout() -> Iterator[None]:
    yield
    console.stderr = False


def bench_pulse(
    monkeypatch: pytest.MonkeyPatch, home: Path, *, as_json: bool, pulse_ms: float = 101.0
) -> None:
    def measure(home_root: Path, board: StepBoard, **_: Any) -> PulseReport:
        home_root.mkdir(parents=True)
        board.step("trades").done("9 sent")
        names = ("p50_ms", "p95_ms", "p99_ms")
        minute = Minute(9, 9, dict.fromkeys(names, pulse_ms), dict.fromkeys(names, 100.0))
        return PulseReport(500.0, [minute], 7.0, {"agent": 1.0})

    monkeypatch.setattr(bench, "install", lambda: None)
    monkeypatch.setattr(bench, "run_pulse", measure)
    bench.bench_pulse(
        StackSettings(home=home), rate=500.0, seconds=70.0, warm_up_s=0.0, jobs=[], as_json=as_json
    )


def test_stdout_holds_nothing_but_json_where_a_program_reads_it(monkeypatch, tmp_path, capsys):
    bench_pulse(monkeypatch, tmp_path, as_json=True)
    said = capsys.readouterr()
    assert json.loads(said.out)["quantiles"]["p50_ms"]["off_pct"] == 1.0
    assert "trades: 9 sent" in said.err


def test_a_target_that_is_missed_leaves_the_json_whole(monkeypatch, tmp_path, capsys):
    with pytest.raises(Failure, match="Off by over"):
        bench_pulse(monkeypatch, tmp_path, as_json=True, pulse_ms=150.0)
    assert json.loads(capsys.readouterr().out)["quantiles"]["p99_ms"]["off_pct"] == 50.0


def test_a_person_reads_all_of_it_on_stdout(monkeypatch, tmp_path, capsys):
    bench_pulse(monkeypatch, tmp_path, as_json=False)
    said = capsys.readouterr()
    assert "trades: 9 sent" in said.out
    assert "p50: pulse 101.0 ms" in said.out
    assert said.err == ""
