"""A difference is explained by a ledger or named; nothing passes as equal that is not."""

from typing import Any

from stack.proofs.ledger import compare_keys, compare_trades


def a_gap(from_id: int, to_id: int, **facts: Any) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT",
        "from_id": from_id,
        "to_id": to_id,
        "state": "open",
        "cause": "skipped",
    } | facts


def ids(*numbers: int) -> dict[str, set[int]]:
    return {"BTCUSDT": set(numbers)}


TOLD = {"BTCUSDT": [(1, 5)]}


def test_equal_sets_hold():
    found = compare_trades(TOLD, ids(1, 2, 3, 4, 5), [], {})
    assert (found.told, found.held, found.lost, found.holds) == (5, 5, 0, True)


def test_trades_after_the_moment_of_comparison_are_nobody_s_business():
    assert compare_trades(TOLD, ids(1, 2, 3, 4, 5, 6, 7), [], {}).holds


def test_a_lost_trade_without_a_cause_is_named():
    found = compare_trades(TOLD, ids(1, 2, 4, 5), [], {})
    assert (found.lost, found.holds, found.unexplained) == (1, False, ["lost BTCUSDT 3"])


def test_an_open_gap_explains_and_a_repaired_one_does_not():
    held = ids(1, 2, 5)
    assert compare_trades(TOLD, held, [a_gap(3, 4)], {}).explained == {"gap, skipped, open": 2}
    told_repaired = [a_gap(3, 4), a_gap(3, 4, state="repaired")]
    assert compare_trades(TOLD, held, told_repaired, {}).unexplained_count == 2


def test_a_refused_trade_is_explained_by_its_letter():
    letters = {("BTCUSDT", 3): "impossible_value"}
    found = compare_trades(TOLD, ids(1, 2, 4, 5), [], letters)
    assert found.explained == {"impossible_value": 1}
    assert found.holds


def test_what_upstream_does_not_have_must_stand_in_a_gap_too():
    told = {"BTCUSDT": [(1, 2), (4, 5)]}
    assert not compare_trades(told, ids(1, 2, 4, 5), [], {}).holds
    gap = a_gap(3, 3, state="upstream_missing")
    assert compare_trades(told, ids(1, 2, 4, 5), [gap], {}).holds


def test_a_repair_around_what_upstream_does_not_have_takes_its_cause_not_away():
    told = {"BTCUSDT": [(1, 2), (4, 5)]}
    gaps = [a_gap(3, 3, state="upstream_missing"), a_gap(2, 4, state="repaired")]
    found = compare_trades(told, ids(1, 2, 4, 5), gaps, {})
    assert found.explained == {"gap, skipped, upstream_missing": 1}
    assert found.holds


def test_a_trade_that_nobody_told_is_named():
    told = {"BTCUSDT": [(1, 2), (4, 5)]}
    gap = a_gap(3, 3, state="upstream_missing")
    assert compare_trades(told, ids(1, 2, 3, 4, 5), [gap], {}).unexplained == [
        "never told BTCUSDT 3"
    ]


def test_keys_are_compared_both_ways_and_a_doubled_record_never_holds():
    told = {("x", 1), ("x", 2)}
    found = compare_keys(told, {("x", 1), ("x", 3)}, {})
    assert found.unexplained == ["lost ('x', 2)", "never told ('x', 3)"]
    assert compare_keys(told, {("x", 1)}, {("x", 2): "future_time"}).holds
    doubled = compare_keys(told, told, {})
    assert doubled.holds
    doubled.doubled = 1
    assert not doubled.holds
