import json
import os
from pathlib import Path

import pytest

from market import clock
from market.clock import ANCHOR_VALID_MS, Anchor, ScenarioClock, WallClock, open_clock

WALL_MS = 1_700_000_000_000
SCENARIO_MS = 1_678_503_600_000


def anchor(**overrides: object) -> Anchor:
    facts = {
        "scenario": "market",
        "scenario_ms": SCENARIO_MS,
        "wall_ms": WALL_MS,
        "speed": 60.0,
        "running": True,
    }
    return Anchor(**{**facts, **overrides})


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Real time, set by the test."""
    now = [WALL_MS]
    monkeypatch.setattr(clock, "wall_ms", lambda: now[0])
    return now


def write(path: Path, found: Anchor, *, mtime_ns: int) -> None:
    found.write(path)
    os.utime(path, ns=(mtime_ns, mtime_ns))


def test_scenario_time_runs_at_its_speed():
    assert anchor().at(WALL_MS + 1_000) == SCENARIO_MS + 60_000


def test_a_stopped_anchor_stands_still():
    assert anchor(running=False).at(WALL_MS + 1_000) == SCENARIO_MS


def test_time_stands_still_five_seconds_after_the_last_renewal():
    at_the_end = SCENARIO_MS + ANCHOR_VALID_MS * 60
    assert anchor().at(WALL_MS + ANCHOR_VALID_MS) == at_the_end
    assert anchor().at(WALL_MS + 3_600_000) == at_the_end


def test_a_real_clock_that_jumps_back_does_not_take_scenario_time_with_it():
    assert anchor().at(WALL_MS - 10_000) == SCENARIO_MS


def test_a_scenario_clock_follows_the_file(tmp_path: Path, wall: list[int]):
    path = tmp_path / "clock.json"
    write(path, anchor(), mtime_ns=1_000)
    scenario_clock = ScenarioClock(path)
    wall[0] += 1_000
    assert scenario_clock.now_ms() == SCENARIO_MS + 60_000
    write(path, anchor(scenario_ms=5, wall_ms=wall[0], speed=2.0), mtime_ns=2_000)
    wall[0] += 1_000
    assert scenario_clock.now_ms() == 2_005
    assert scenario_clock.speed == 2.0


def test_a_scenario_clock_stands_still_without_renewal_and_goes_on_after_it(
    tmp_path: Path, wall: list[int]
):
    path = tmp_path / "clock.json"
    write(path, anchor(speed=1.0), mtime_ns=1_000)
    scenario_clock = ScenarioClock(path)
    wall[0] += 60_000
    stood_at_ms = scenario_clock.now_ms()
    assert stood_at_ms == SCENARIO_MS + ANCHOR_VALID_MS
    write(path, anchor(scenario_ms=stood_at_ms, wall_ms=wall[0], speed=1.0), mtime_ns=2_000)
    wall[0] += 500
    assert scenario_clock.now_ms() == stood_at_ms + 500


def test_an_anchor_is_read_as_it_was_written(tmp_path: Path):
    path = tmp_path / "clock.json"
    anchor().write(path)
    assert Anchor.read(path) == anchor()
    assert json.loads(path.read_text())["scenario"] == "market"
    assert list(tmp_path.iterdir()) == [path]


def test_without_a_file_the_clock_is_real_time(wall: list[int]):
    found = open_clock(None)
    assert isinstance(found, WallClock)
    assert (found.now_ms(), found.speed, found.scenario) == (WALL_MS, 1.0, None)


def test_a_clock_file_that_is_not_there_yet_is_an_error_for_the_caller(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        open_clock(tmp_path / "clock.json")


def test_a_scenario_time_is_led_back_to_the_real_time_at_which_the_clock_showed_it(
    tmp_path: Path, wall: list[int]
):
    path = tmp_path / "clock.json"
    write(path, anchor(speed=60.0), mtime_ns=1_000)
    scenario_clock = ScenarioClock(path)
    wall[0] += 500
    assert scenario_clock.wall_of(scenario_clock.now_ms()) == wall[0]
    assert scenario_clock.wall_of(SCENARIO_MS - 60_000) == WALL_MS - 1_000
    assert WallClock().wall_of(WALL_MS) == WALL_MS


def test_far_from_the_anchor_or_while_the_scenario_stands_nobody_knows_the_real_time(
    tmp_path: Path, wall: list[int]
):
    path = tmp_path / "clock.json"
    write(path, anchor(speed=1.0), mtime_ns=1_000)
    assert ScenarioClock(path).wall_of(SCENARIO_MS - 600_000) is None
    write(path, anchor(speed=1.0, running=False), mtime_ns=2_000)
    assert ScenarioClock(path).wall_of(SCENARIO_MS) is None
