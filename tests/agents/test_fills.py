from typing import Any

from agents.fills import FillChain


def trade(trade_id: int, first: int, last: int, symbol: str = "BTCUSDT") -> dict[str, Any]:
    return {"symbol": symbol, "trade_id": trade_id, "first_fill_id": first, "last_fill_id": last}


def test_trades_whose_fills_join_on_are_whole():
    assert FillChain().torn([trade(1, 10, 10), trade(2, 11, 14), trade(3, 15, 15)]) == []


def test_a_fill_left_out_or_told_twice_between_two_trades_in_a_row_is_torn():
    left_out, twice = trade(2, 12, 14), trade(3, 14, 15)
    assert FillChain().torn([trade(1, 10, 10), left_out, twice]) == [left_out, twice]


def test_a_trade_after_a_jump_of_ids_or_of_another_market_follows_nobody():
    chain = FillChain()
    assert chain.torn([trade(1, 10, 10), trade(5, 40, 41), trade(2, 7, 7, "ETHUSDT")]) == []
    assert chain.torn([trade(6, 42, 42)]) == []
    torn = trade(7, 50, 50)
    assert chain.torn([torn]) == [torn]
