"""Told apart from a move: a price that jumps by a quarter or more and is gone with the next. Pure.

Such a jump counts at once where five trades or more of the same second made it; otherwise it waits
for the next row of the same series, and counts where that one is nearer to it than to what was
before. A row that waits is passed on with its confirmation or dropped. The order of time is kept.
"""

from collections.abc import Mapping
from math import log
from typing import Any

Row = Mapping[str, Any]

JUMP = log(1.25)
TRADES_THAT_CONFIRM = 5


class BadTicks:
    """One series of prices."""

    def __init__(self) -> None:
        self._last: float | None = None
        self._waits: Row | None = None

    def passed(self, row: Row, price: float, trades: int) -> list[Row]:
        """Rows that may be believed now, ascending."""
        if self._last is None:
            self._last = price
            return [row]
        waits, self._waits = self._waits, None
        if waits is not None:
            held = waits["price_of_row"]
            if abs(log(price / held)) < abs(log(price / self._last)):
                self._last = price
                return [waits["row"], row]
        if abs(log(price / self._last)) >= JUMP and trades < TRADES_THAT_CONFIRM:
            self._waits = {"row": row, "price_of_row": price}
            return []
        self._last = price
        return [row]

    def save(self) -> list[Any]:
        """The last price believed, and what waits."""
        return [self._last, self._waits]

    def restore(self, saved: list[Any]) -> None:
        """Take over what was saved."""
        self._last, self._waits = saved
