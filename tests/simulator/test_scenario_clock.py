from pathlib import Path

import pytest

from market.clock import ANCHOR_VALID_MS, Anchor
from simulator.scenario import WrongScenario
from simulator.scenario_clock import MasterClock
from tests.simulator.builders import NOON_MS, Hands


def clock(path: Path, hands: Hands, *, scenario: str = "market", speed: float = 60) -> MasterClock:
    return MasterClock(
        path,
        scenario=scenario,
        start_ms=NOON_MS,
        speed=speed,
        wall=hands.wall,
        monotonic=hands.monotonic,
    )


def test_time_stands_still_until_it_is_told_to_run(tmp_path: Path) -> None:
    hands, path = Hands(), tmp_path / "clock.json"
    master = clock(path, hands)
    hands.seconds += 100
    assert master.now_ms() == NOON_MS
    assert Anchor.read(path) == Anchor("market", NOON_MS, 1_000_000, 60, running=False)


def test_it_runs_at_its_speed_and_readers_agree(tmp_path: Path) -> None:
    hands, path = Hands(), tmp_path / "clock.json"
    master = clock(path, hands)
    master.run()
    hands.seconds += 2.5
    assert master.now_ms() == NOON_MS + 150_000
    assert Anchor.read(path).at(hands.wall()) == master.now_ms()
    master.run()
    assert master.now_ms() == NOON_MS + 150_000


def test_stop_persists_the_position_and_a_new_start_goes_on_there(tmp_path: Path) -> None:
    hands, path = Hands(), tmp_path / "clock.json"
    master = clock(path, hands)
    master.run()
    hands.seconds += 10
    master.stop()
    hands.seconds += 3_600
    again = clock(path, hands)
    assert again.now_ms() == NOON_MS + 600_000
    assert not Anchor.read(path).running
    again.run()
    hands.seconds += 1
    assert again.now_ms() == NOON_MS + 660_000


def test_after_a_kill_time_goes_on_where_readers_believe_it_to_stand(tmp_path: Path) -> None:
    hands, path = Hands(), tmp_path / "clock.json"
    master = clock(path, hands)
    master.run()
    hands.seconds += 3
    master.renew()
    told_last_ms = master.now_ms()
    hands.seconds += 300
    believed_ms = Anchor.read(path).at(hands.wall())
    assert clock(path, hands).now_ms() == believed_ms == told_last_ms + ANCHOR_VALID_MS * 60


def test_a_jump_of_the_wall_clock_moves_nothing(tmp_path: Path) -> None:
    hands = Hands()
    master = MasterClock(
        tmp_path / "clock.json",
        scenario="market",
        start_ms=NOON_MS,
        speed=60,
        wall=lambda: hands.wall() - 86_400_000,
        monotonic=hands.monotonic,
    )
    master.run()
    hands.seconds += 1
    assert master.now_ms() == NOON_MS + 60_000


def test_the_clock_of_another_scenario_is_not_taken_over(tmp_path: Path) -> None:
    clock(tmp_path / "clock.json", Hands())
    with pytest.raises(WrongScenario, match="the clock of scenario market, not bars"):
        clock(tmp_path / "clock.json", Hands(), scenario="bars")


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"scenario": "market"'])
def test_a_damaged_clock_is_named_with_what_to_do(tmp_path: Path, text: str) -> None:
    (tmp_path / "clock.json").write_text(text, "utf-8")
    with pytest.raises(WrongScenario, match=r"clock\.json: not a clock of ours.*remove"):
        clock(tmp_path / "clock.json", Hands())
