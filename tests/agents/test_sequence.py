from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agents.sequence import Hole, TradeSequence


def trade(trade_id: int, symbol: str = "BTCUSDT") -> dict[str, Any]:
    return {"symbol": symbol, "trade_id": trade_id}


def ids(records: list[Any]) -> list[int]:
    return [record["trade_id"] for record in records]


def test_contiguous_trades_are_ready_in_order():
    admitted = TradeSequence({"BTCUSDT": 4}).admit([trade(5), trade(6)])
    assert ids(admitted.ready) == [5, 6]
    assert admitted.holes == []


def test_an_unknown_market_starts_with_the_first_id_that_comes():
    sequence = TradeSequence({})
    assert ids(sequence.admit([trade(77), trade(78)]).ready) == [77, 78]
    assert sequence.last == {"BTCUSDT": 78}


def test_old_and_repeated_ids_are_counted_and_dropped():
    admitted = TradeSequence({"BTCUSDT": 4}).admit([trade(3), trade(4), trade(5), trade(5)])
    assert ids(admitted.ready) == [5]
    assert admitted.duplicates == 3


def test_trades_out_of_order_within_a_batch_are_put_in_order_without_a_hole():
    batch = [trade(8), trade(7), trade(5), trade(6)]
    admitted = TradeSequence({"BTCUSDT": 4}).admit(batch)
    assert ids(admitted.ready) == [5, 6, 7, 8]
    assert admitted.holes == []
    assert admitted.waiting == []


def test_a_jump_names_the_hole_and_keeps_what_came_after_it():
    admitted = TradeSequence({"BTCUSDT": 4}).admit([trade(8), trade(5), trade(9)])
    assert ids(admitted.ready) == [5]
    assert admitted.holes == [Hole("BTCUSDT", 6, 7)]
    assert ids(admitted.waiting) == [8, 9]


def test_a_hole_in_one_market_does_not_hold_up_another():
    sequence = TradeSequence({"BTCUSDT": 4, "ETHUSDT": 10})
    admitted = sequence.admit([trade(9), trade(11, "ETHUSDT")])
    assert admitted.ready == [trade(11, "ETHUSDT")]


def test_a_skipped_hole_lets_what_waited_pass():
    sequence = TradeSequence({"BTCUSDT": 4})
    admitted = sequence.admit([trade(9)])
    sequence.skip(admitted.holes[0])
    assert ids(sequence.admit(admitted.waiting).ready) == [9]


@given(st.lists(st.lists(st.integers(1, 40), max_size=15), max_size=8))
def test_whatever_comes_each_id_is_ready_at_most_once_and_in_order(batches: list[list[int]]):
    sequence = TradeSequence({"BTCUSDT": 0})
    published: list[int] = []
    for batch in batches:
        admitted = sequence.admit([trade(trade_id) for trade_id in batch])
        published += ids(admitted.ready)
        settled = len(admitted.ready) + len(admitted.waiting) + admitted.duplicates
        assert settled == len(batch)
        assert not set(ids(admitted.waiting)) & set(published)
    assert published == list(range(1, len(published) + 1))
