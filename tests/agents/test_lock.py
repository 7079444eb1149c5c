import os
from pathlib import Path

import pytest

from agents.lock import one_instance
from market.errors import Fatal


def test_a_second_instance_is_refused_and_told_who_runs(tmp_path: Path):
    with (
        one_instance(tmp_path, "coingecko"),
        pytest.raises(Fatal, match=f"process {os.getpid()}"),
        one_instance(tmp_path, "coingecko"),
    ):
        raise AssertionError("two instances")


def test_the_lock_is_free_again_after_the_first_one_ends(tmp_path: Path):
    for _ in range(2):
        with one_instance(tmp_path, "coingecko"):
            assert (tmp_path / "locks" / "agent-coingecko.lock").read_text() == str(os.getpid())


def test_two_sources_and_two_homes_do_not_stand_in_each_other_s_way(tmp_path: Path):
    with (
        one_instance(tmp_path / "a", "coingecko"),
        one_instance(tmp_path / "a", "binance_trades"),
        one_instance(tmp_path / "b", "coingecko"),
    ):
        assert len(list(tmp_path.glob("*/locks/*.lock"))) == 3
