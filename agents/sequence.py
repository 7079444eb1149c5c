"""The order of trades, sans IO: each market's ids pass once, rising by 1, or a hole is named.

`TradeSequence` sees whatever came from the wire (dropped, doubled, out of order) and divides it
into what may be published now, what waits behind a hole, and the holes themselves. The caller
repairs holes over REST, or gives one up with `skip`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from schemas.codec import Record


@dataclass(frozen=True, slots=True)
class Hole:
    """Ids of a market that did not come; both ends inclusive."""

    symbol: str
    from_id: int
    to_id: int


@dataclass(frozen=True, slots=True)
class Admitted:
    """What became of a batch."""

    ready: list[Record]
    waiting: list[Record]
    holes: list[Hole]
    duplicates: int


class TradeSequence:
    """Last id of each market. An unknown market starts with the first id that comes."""

    def __init__(self, last: dict[str, int]) -> None:
        self.last = last
        self.begins: dict[str, int] = {}
        """Newest id that REST knew of a market not yet in `last`: its first trade is this or older
        or comes after a hole, so that one absurd id does not make all real ones old."""

    def forget(self, symbol: str) -> None:
        """The market is unknown again."""
        self.last.pop(symbol, None)
        self.begins.pop(symbol, None)

    def admit(self, records: Iterable[Record]) -> Admitted:
        """Divide a batch. Afterwards `ready` counts as published; `waiting` may be given again."""
        last = self.last
        ready: list[Record] = []
        ahead: dict[str, list[Record]] = {}
        duplicates = 0
        for record in records:
            symbol, trade_id = record["symbol"], record["trade_id"]
            known = last.get(symbol)
            if known is None:
                begin = self.begins.get(symbol)
                if begin is not None and trade_id > begin + 1:
                    known = last[symbol] = begin
            if known is None or trade_id == known + 1:
                last[symbol] = trade_id
                ready.append(record)
            elif trade_id <= known:
                duplicates += 1
            else:
                ahead.setdefault(symbol, []).append(record)
        waiting: list[Record] = []
        holes: list[Hole] = []
        for symbol, later in ahead.items():
            duplicates += self._settle(symbol, later, ready, waiting, holes)
        return Admitted(ready, waiting, holes, duplicates)

    def _settle(
        self,
        symbol: str,
        later: Sequence[Record],
        ready: list[Record],
        waiting: list[Record],
        holes: list[Hole],
    ) -> int:
        """Records that came too early, by id: those that fit by now, then the first hole."""
        by_id = {record["trade_id"]: record for record in later}
        at = self.last[symbol]
        ordered = sorted(trade_id for trade_id in by_id if trade_id > at)
        fitting = 0
        while fitting < len(ordered) and ordered[fitting] == at + 1:
            ready.append(by_id[ordered[fitting]])
            at += 1
            fitting += 1
        self.last[symbol] = at
        rest = ordered[fitting:]
        if rest:
            holes.append(Hole(symbol, at + 1, rest[0] - 1))
            waiting.extend(by_id[trade_id] for trade_id in rest)
        return len(later) - len(ordered)

    def skip(self, hole: Hole) -> None:
        """Give up the ids of a hole."""
        self.last[hole.symbol] = max(self.last[hole.symbol], hole.to_id)
