"""Whether trades join on to their neighbours by their fills, sans IO.

Binance numbers fills one by one, and an aggregate trade names its first and last. So where two
trades of a market have ids in a row, the later one's first fill follows the earlier one's last: in
12,573 recorded pairs without exception. A pair that is torn is counted and said, never refused: the
trade ids alone decide what is missing.
"""

from collections.abc import Iterable

from schemas.codec import Record


class FillChain:
    """The newest trade of each market."""

    def __init__(self) -> None:
        self._newest: dict[str, tuple[int, int]] = {}
        """By symbol its trade id and the fill that must come after it."""

    def torn(self, trades: Iterable[Record]) -> list[Record]:
        """Those that follow a trade by id and not by fill. A trade after a jump follows nobody."""
        newest = self._newest
        found: list[Record] = []
        for trade in trades:
            symbol, trade_id = trade["symbol"], trade["trade_id"]
            before_id, next_fill = newest.get(symbol, (-2, 0))
            if trade_id == before_id + 1 and trade["first_fill_id"] != next_fill:
                found.append(trade)
            newest[symbol] = trade_id, trade["last_fill_id"] + 1
        return found
