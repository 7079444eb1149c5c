"""The ledger of holes in the trades, sans IO: what is missing of which market, why, and since when.

A hole that is seen while live trades flow is `open` at once. It ends `repaired` (all its trades are
held, but those in a gap of their own) or `upstream_missing` (REST does not have them). The newest
record of (source, symbol, from_id, to_id) counts. The topic is the memory: open gaps are read back
at start, and asked for again with growing pauses. Trades are in Kafka before the record that says
so; a repair that was cut off between the two is done again, and readers drop the trades that come
twice by their identity.
"""

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, replace

from schemas.codec import Record

# Real seconds to the first new attempt; each further one waits twice as long.
FIRST_AGAIN_S = 30.0
LONGEST_AGAIN_S = 3_600.0


@dataclass(frozen=True, slots=True)
class Gap:
    """Missing ids of a market, both ends inclusive; times of its neighbours, milliseconds UTC."""

    symbol: str
    from_id: int
    to_id: int
    from_ms: int
    to_ms: int
    cause: str
    repaired_trades: int = 0

    @property
    def key(self) -> tuple[str, int, int]:
        """What identifies it within a source."""
        return self.symbol, self.from_id, self.to_id


@dataclass
class _Open:
    gap: Gap
    next_id: int
    tries: int = 0
    due_s: float = 0.0


class GapLedger:
    """Gaps of one source. Each change returns the records to publish."""

    def __init__(
        self, source: str, *, coin_of: Callable[[str], str], now_ms: Callable[[], int]
    ) -> None:
        self._source = source
        self._coin_of = coin_of
        self._now_ms = now_ms
        self._open: dict[tuple[str, int, int], _Open] = {}
        self.repaired_trades = 0
        """Trades that came over REST since the start."""

    @property
    def open_gaps(self) -> tuple[Gap, ...]:
        """What is still asked for."""
        return tuple(entry.gap for entry in self._open.values())

    def recall(self, records: Iterable[Record]) -> None:
        """Take in the topic's records in their order; what is open in the end is asked again."""
        for record in records:
            if record["source"] != self._source:
                continue
            gap = Gap(**{name: record[name] for name in Gap.__slots__})
            if record["state"] == "open":
                # Not further than it got: each repaired trade has an id of its own.
                self._open[gap.key] = _Open(gap, next_id=gap.from_id + gap.repaired_trades)
            else:
                self._open.pop(gap.key, None)

    def opened(self, gap: Gap) -> list[Record]:
        """A hole was seen; nothing new where it is open already."""
        if gap.key in self._open:
            return []
        self._open[gap.key] = _Open(gap, next_id=gap.from_id)
        return [self._record(gap, "open")]

    def next_id(self, gap: Gap) -> int:
        """Where the next attempt at an open gap begins."""
        return self._open[gap.key].next_id

    def repaired(self, gap: Gap, trades: int) -> list[Record]:
        """All of it that exists is held now, `trades` of them by this repair. Open gaps inside are
        closed by it: a process that was killed had named them, and its successor began before."""
        self._open.pop(gap.key, None)
        self.repaired_trades += trades
        total = replace(gap, repaired_trades=gap.repaired_trades + trades)
        inside = [
            entry.gap
            for entry in self._open.values()
            if entry.gap.symbol == gap.symbol
            and gap.from_id <= entry.gap.from_id
            and entry.gap.to_id <= gap.to_id
        ]
        for held in inside:
            del self._open[held.key]
        return [self._record(one, "repaired") for one in (total, *inside)]

    def missing(self, gap: Gap) -> list[Record]:
        """REST does not have these."""
        self._open.pop(gap.key, None)
        return [self._record(gap, "upstream_missing")]

    def progressed(self, gap: Gap, trades: int, *, next_id: int) -> list[Record]:
        """A part is held; the rest is asked for later, from `next_id` on."""
        self.repaired_trades += trades
        further = replace(gap, repaired_trades=gap.repaired_trades + trades)
        entry = self._open.setdefault(gap.key, _Open(further, next_id))
        entry.gap, entry.next_id = further, next_id
        return [self._record(further, "open")] if trades else []

    def postpone(self, gap: Gap, now_s: float, *, at_least_s: float = 0.0) -> None:
        """An attempt failed: the next one after a pause that doubles each time, real seconds."""
        entry = self._open[gap.key]
        pause_s = min(FIRST_AGAIN_S * 2**entry.tries, LONGEST_AGAIN_S)
        entry.tries += 1
        entry.due_s = now_s + max(pause_s, at_least_s)

    def due(self, now_s: float, symbols: Container[str]) -> Gap | None:
        """The open gap of these markets that has waited longest for its next attempt, if any."""
        waiting = [
            entry
            for entry in self._open.values()
            if entry.due_s <= now_s and entry.gap.symbol in symbols
        ]
        return min(waiting, key=lambda entry: entry.due_s).gap if waiting else None

    def _record(self, gap: Gap, state: str) -> Record:
        now_ms = self._now_ms()
        return {
            "source": self._source,
            "symbol": gap.symbol,
            "coin_id": self._coin_of(gap.symbol),
            "from_id": gap.from_id,
            "to_id": gap.to_id,
            "from_ms": gap.from_ms,
            "to_ms": gap.to_ms,
            "repaired_trades": gap.repaired_trades,
            "cause": gap.cause,
            "state": state,
            "observed_at_ms": now_ms,
            "collected_at_ms": now_ms,
        }
