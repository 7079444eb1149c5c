"""The oracle of the proofs: it must see every kind of difference."""

import gzip
from typing import Any

import pytest

from stack.proofs.recorded_bars import compare, read_bars

MINUTE_MS = 60_000
START_MS = 1_678_503_600_000  # 2023-03-11T03:00:00Z
MOMENTS = ("2023-03-11T03:00:00.000Z", "2023-03-11T03:01:00.000Z", "2023-03-11T03:02:00.000Z")


def a_recording(**facts: float) -> dict[int, dict[str, float]]:
    """Three minutes; nobody trades in the second."""
    bar = {"open": 1.0, "high": 2.0, "low": 0.5, "close": 1.5, "volume": 3.0}
    quiet = dict.fromkeys(("open", "high", "low", "close"), 1.5) | {"volume": 0.0}
    return {
        START_MS: bar,
        START_MS + MINUTE_MS: quiet,
        START_MS + 2 * MINUTE_MS: bar | facts,
    }


def an_answer(moments=(MOMENTS[0], MOMENTS[2]), gaps=(), **facts: Any) -> dict[str, Any]:
    bar = {"open": 1.0, "high": 2.0, "low": 0.5, "close": 1.5, "volume": 3.0}
    bar |= {"is_final": True, "layer": "speed"} | facts
    return {"data": [{"open_time": moment} | bar for moment in moments], "meta": {"gaps": gaps}}


def test_equal_bars_hold_and_a_minute_without_trades_is_counted_apart():
    result = compare("BTCUSDC", a_recording(), an_answer())
    assert result.holds
    assert (result.recorded, result.equal, result.without_trades) == (2, 2, 1)


@pytest.mark.parametrize("name", ["open", "high", "low", "close"])
def test_a_price_that_differs_in_its_last_digit_is_named(name):
    result = compare("BTCUSDC", a_recording(**{name: 1.0000000000000002}), an_answer())
    assert not result.holds
    assert len(result.different) == 1
    assert f"{name} " in result.different[0]


def test_volume_may_differ_by_rounding_and_by_no_more():
    assert compare("X", a_recording(volume=3.0 * (1 + 1e-10)), an_answer()).holds
    assert not compare("X", a_recording(volume=3.0 * (1 + 1e-8)), an_answer()).holds


def test_a_missing_bar_and_a_bar_that_nobody_recorded_are_both_found():
    result = compare("X", a_recording(), an_answer(moments=(MOMENTS[0], MOMENTS[1])))
    assert result.missing == [START_MS + 2 * MINUTE_MS]
    assert result.extra == [START_MS + MINUTE_MS]
    assert not result.holds


def test_a_provisional_bar_or_one_of_another_layer_does_not_count():
    assert not compare("X", a_recording(), an_answer(is_final=False)).holds
    assert not compare("X", a_recording(), an_answer(layer="external")).holds


def test_a_quiet_minute_that_is_called_a_gap_fails():
    assert not compare("X", a_recording(), an_answer(gaps=({"from": MOMENTS[1]},))).holds


def test_nothing_recorded_proves_nothing():
    assert not compare("X", {}, {"data": [], "meta": {"gaps": []}}).holds


@pytest.mark.parametrize("moment", ["2023-03-11 03:00:00+00:00", "1678503600", "1678503600000"])
def test_open_times_are_read_as_iso_seconds_or_milliseconds(tmp_path, moment):
    text = f"open_time,open,high,low,close,volume\n{moment},1,2,0.5,1.5,3\n"
    plain, packed = tmp_path / "a.csv", tmp_path / "a.csv.gz"
    plain.write_text(text, "utf-8")
    packed.write_bytes(gzip.compress(text.encode()))
    for path in (plain, packed):
        bars = read_bars(path, from_ms=START_MS, to_ms=START_MS + MINUTE_MS)
        assert bars == {
            START_MS: {"open": 1.0, "high": 2.0, "low": 0.5, "close": 1.5, "volume": 3.0}
        }
    assert read_bars(plain, from_ms=START_MS + 1, to_ms=START_MS + MINUTE_MS) == {}
