"""Bars out of shorter bars. Pure: one definition for every interval, whatever the pieces are.

Pieces ascend in time, do not overlap and lie within one bar of the result. Open and close are
those of the first and last piece, sums are exact to rounding, so composing 1m to 1h equals
composing 1m to 5m to 1h. Bars are in UTC: a day is [00:00, 24:00).
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from math import fsum
from typing import TypeVar

from market.store.rows import Bar

N = TypeVar("N", int, float)


def floor_ms(at_ms: int, interval_ms: int) -> int:
    """The border of an interval at or before a time."""
    return at_ms - at_ms % interval_ms


def ceil_ms(at_ms: int, interval_ms: int) -> int:
    """The border of an interval at or after a time."""
    return -(-at_ms // interval_ms) * interval_ms


def compose(pieces: Iterable[Bar], interval_ms: int) -> list[Bar]:
    """One bar for each interval that holds a piece, ascending."""

    def bucket(piece: Bar) -> int:
        return floor_ms(piece.open_time_ms, interval_ms)

    return [
        _one(open_time_ms, interval_ms, list(held))
        for open_time_ms, held in groupby(pieces, key=bucket)
    ]


def _one(open_time_ms: int, interval_ms: int, pieces: Sequence[Bar]) -> Bar:
    volume = fsum(piece.volume for piece in pieces)
    quote_volume = _total(fsum, [piece.quote_volume for piece in pieces])
    has_ids = all(piece.expected_ids is not None for piece in pieces)
    return Bar(
        open_time_ms=open_time_ms,
        close_time_ms=open_time_ms + interval_ms,
        open=pieces[0].open,
        high=max(piece.high for piece in pieces),
        low=min(piece.low for piece in pieces),
        close=pieces[-1].close,
        volume=volume,
        layer="speed" if any(piece.layer == "speed" for piece in pieces) else pieces[0].layer,
        quote_volume=quote_volume,
        trades=_total(sum, [piece.trades for piece in pieces]),
        vwap=quote_volume / volume if quote_volume is not None and volume > 0 else None,
        buy_volume=_total(fsum, [piece.buy_volume for piece in pieces]),
        sell_volume=_total(fsum, [piece.sell_volume for piece in pieces]),
        first_trade_id=pieces[0].first_trade_id if has_ids else None,
        last_trade_id=pieces[-1].last_trade_id if has_ids else None,
        held_ids=_total(sum, [piece.held_ids for piece in pieces]) if has_ids else None,
        is_partial=any(piece.is_partial for piece in pieces),
    )


def _total(add: Callable[[Iterable[N]], N], amounts: Sequence[N | None]) -> N | None:
    """The sum; None as soon as one part is unknown, because the rest is not the sum."""
    known = [amount for amount in amounts if amount is not None]
    return add(known) if len(known) == len(amounts) else None
