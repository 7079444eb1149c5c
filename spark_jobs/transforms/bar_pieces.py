"""Pieces of bars and the open bar they are added to. Pure; the same sums as market/store/compose.

Pieces of one bar come in ascending order and do not overlap. A number that one piece does not know
is unknown in the whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import Any

from market.intervals import INTERVAL_MS
from market.store.rows import Bar

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Piece:
    """A bar and when its last trade was made and received, milliseconds UTC; None if untold."""

    bar: Bar
    last_traded_at_ms: int | None = None
    collected_at_ms: int | None = None


def piece_of(row: Row) -> Piece:
    """A row with the columns of `measurements.CANDLES` and `collected_at_ms`."""
    opened_ms, first, last = row["time_ms"], row["first_trade_id"], row["last_trade_id"]
    coverage = row["coverage"]
    bar = Bar(
        open_time_ms=opened_ms,
        close_time_ms=opened_ms + INTERVAL_MS[row["interval"]],
        open=row["open"],
        high=row["high"],
        low=row["low"],
        close=row["close"],
        volume=row["volume"],
        layer=row["layer"],
        quote_volume=row["quote_volume"],
        trades=row["trades"],
        vwap=row["vwap"],
        buy_volume=row["buy_volume"],
        sell_volume=row["sell_volume"],
        first_trade_id=first,
        last_trade_id=last,
        held_ids=None if coverage is None else round(coverage * (last - first + 1)),
    )
    return Piece(bar, row["last_traded_at_ms"], row["collected_at_ms"])


def _known(number: float) -> float | None:
    return None if isnan(number) else number


def _whole(number: float) -> int | None:
    return None if isnan(number) else int(number)


class OpenBar:
    """A bar that grows. Its state is SIZE plain floats; a number that is not known is NaN.

    `is_partial` where something of the bar is not told; a piece that is so makes the whole so.
    """

    SIZE = 16

    def __init__(self, open_time_ms: int, length_ms: int) -> None:
        self.open_time_ms = open_time_ms
        self.close_time_ms = open_time_ms + length_ms
        self.is_partial = False
        self.is_empty = True
        self._from_trades = False
        self._prices = [nan, nan, nan, nan]
        self._volume = 0.0
        # quote_volume, trades, buy_volume, sell_volume, held_ids: sums, NaN once a part is unknown.
        self._sums = [0.0, 0.0, 0.0, 0.0, 0.0]
        self._first_trade_id = nan
        self._last_trade_id = nan
        self._stamps = [nan, nan]

    def add(self, piece: Piece) -> None:
        """Add the next piece."""
        bar = piece.bar
        if self.is_empty:
            self._prices = [bar.open, bar.high, bar.low, bar.close]
            self._first_trade_id = _or_nan(bar.first_trade_id)
            self.is_empty = False
        else:
            prices = self._prices
            prices[1] = max(prices[1], bar.high)
            prices[2] = min(prices[2], bar.low)
            prices[3] = bar.close
        self._volume += bar.volume
        parts = (bar.quote_volume, bar.trades, bar.buy_volume, bar.sell_volume, bar.held_ids)
        self._sums = [
            total + (nan if part is None else part)
            for total, part in zip(self._sums, parts, strict=True)
        ]
        self._last_trade_id = _or_nan(bar.last_trade_id)
        self._stamps = [_or_nan(piece.last_traded_at_ms), _or_nan(piece.collected_at_ms)]
        self._from_trades |= bar.layer == "speed"
        self.is_partial |= bar.is_partial

    def piece(self) -> Piece:
        """What it holds by now. Not to be asked of an empty one."""
        opened, high, low, close = self._prices
        quote_volume, trades, buy_volume, sell_volume, held_ids = self._sums
        has_ids = not isnan(held_ids)
        known_quote = _known(quote_volume)
        has_vwap = known_quote is not None and self._volume > 0
        bar = Bar(
            open_time_ms=self.open_time_ms,
            close_time_ms=self.close_time_ms,
            open=opened,
            high=high,
            low=low,
            close=close,
            volume=self._volume,
            layer="speed" if self._from_trades else "external",
            quote_volume=known_quote,
            trades=_whole(trades),
            vwap=quote_volume / self._volume if has_vwap else None,
            buy_volume=_known(buy_volume),
            sell_volume=_known(sell_volume),
            first_trade_id=_whole(self._first_trade_id) if has_ids else None,
            last_trade_id=_whole(self._last_trade_id) if has_ids else None,
            held_ids=_whole(held_ids),
            is_partial=self.is_partial,
        )
        return Piece(bar, _whole(self._stamps[0]), _whole(self._stamps[1]))

    def save(self) -> list[float]:
        """SIZE floats."""
        flags = (self.is_partial, self.is_empty, self._from_trades)
        ids = (self._first_trade_id, self._last_trade_id)
        return [
            float(sum(bit << place for place, bit in enumerate(flags))),
            float(self.open_time_ms),
            *self._prices,
            self._volume,
            *self._sums,
            *ids,
            *self._stamps,
        ]

    @classmethod
    def restored(cls, state: Sequence[float], length_ms: int) -> "OpenBar":
        """The bar that was saved."""
        flags = int(state[0])
        found = cls(int(state[1]), length_ms)
        found.is_partial = bool(flags & 1)
        found.is_empty = bool(flags & 2)
        found._from_trades = bool(flags & 4)
        found._prices = list(state[2:6])
        found._volume = state[6]
        found._sums = list(state[7:12])
        found._first_trade_id, found._last_trade_id = state[12:14]
        found._stamps = list(state[14:16])
        return found


def _or_nan(number: float | None) -> float:
    return nan if number is None else number
