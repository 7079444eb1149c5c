"""Bars that are valid by default."""

from market.store.rows import Bar

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
DAY_START = 1_678_492_800_000  # 2023-03-11T00:00Z


def a_minute(minute: int, *, first_id: int | None = None, ids: int = 10, **facts) -> Bar:
    """The minute `minute` after DAY_START, of trades with contiguous ids from minute to minute."""
    first_id = minute * 10 if first_id is None else first_id
    named = {
        "open": 10.0,
        "high": 12.0,
        "low": 9.0,
        "close": 11.0,
        "volume": 2.0,
        "layer": "speed",
        "quote_volume": 21.0,
        "trades": 12,
        "vwap": 10.5,
        "buy_volume": 1.5,
        "sell_volume": 0.5,
        "first_trade_id": first_id,
        "last_trade_id": first_id + ids - 1,
        "held_ids": ids,
    } | facts
    open_time_ms = DAY_START + minute * MINUTE
    return Bar(open_time_ms=open_time_ms, close_time_ms=open_time_ms + MINUTE, **named)


def an_external(minute: int, *, length: int = MINUTE, **facts) -> Bar:
    """A bar that an exchange published, which has no ids."""
    named = {
        "open": 20.0,
        "high": 22.0,
        "low": 19.0,
        "close": 21.0,
        "volume": 5.0,
        "layer": "external",
    } | facts
    open_time_ms = DAY_START + minute * MINUTE
    return Bar(open_time_ms=open_time_ms, close_time_ms=open_time_ms + length, **named)
