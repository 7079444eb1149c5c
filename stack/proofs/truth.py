"""One source's truth on a stage: what its simulator told against what Kafka holds of it."""

from collections import defaultdict
from types import TracebackType

from market.coins import default_symbols
from stack.proofs.collection import Stage
from stack.proofs.ledger import (
    Difference,
    Held,
    Key,
    compare_keys,
    compare_trades,
    gaps_of,
    letter_keys,
    open_gaps,
    open_letters,
)
from stack.proofs.source_faults import SourceRow
from stack.proofs.venue import Venue

# The venue's page moves on while an agent asks: the oldest bars of it are nobody's promise.
BARS = 900
INTERVALS_MS = {"1m": 60_000, "1h": 3_600_000, "1d": 86_400_000}
BAR_MARKETS = 5
BAR_FIELDS = ("source", "symbol", "interval", "open_time_ms")


def bar_markets() -> list[str]:
    """Markets whose bars are compared: all of them would be 150 requests a comparison."""
    return sorted(default_symbols("binance"))[:BAR_MARKETS]


class Truth:
    """Reads both sides. Use as a context."""

    def __init__(self, stage: Stage, row: SourceRow) -> None:
        bootstrap = stage.broker.bootstrap
        self.venue = Venue(stage.simulator)
        self._row = row
        self._identity = BAR_FIELDS if row.kind is None else self.venue.identity(row.kind)
        self._held = Held(bootstrap, row.record_type, self._identity)
        self._gaps = open_gaps(bootstrap)
        self._letters = open_letters(bootstrap)
        self._doubled_before = 0
        self._symbols = set(default_symbols("binance"))

    def __enter__(self) -> "Truth":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.venue.close()
        for held in (self._held, self._gaps, self._letters):
            held.close()

    def records(self) -> int:
        """Keys that Kafka holds of the source now."""
        self._held.read()
        return sum(len(self._held.keys[source]) for source in self._row.sources)

    def forgive_doubles(self) -> None:
        """Count doubles from here on."""
        self.records()
        self._doubled_before = self._doubles()

    def difference(self, to_ms: int) -> Difference:
        """Told against held, for what was observed up to a moment, milliseconds UTC."""
        told = self._told(to_ms)
        self._gaps.read()
        self._letters.read()
        self._held.read()
        letters = letter_keys(self._letters, self._identity)
        if isinstance(told, dict):
            held: dict[str, set[int]] = defaultdict(set)
            for symbol, trade_id in self._held.keys["binance"]:
                held[symbol].add(trade_id)
            difference = compare_trades(told, held, gaps_of(self._gaps), letters)
        else:
            at = self._identity.index("observed_at_ms") if self._dated else None
            ours = {
                key
                for key in self._held.of(self._row.sources)
                if key in told or (at is not None and key[at] <= to_ms)
            }
            difference = compare_keys(told, ours, letters)
        difference.doubled = self._doubles() - self._doubled_before
        return difference

    @property
    def _dated(self) -> bool:
        """Whether a key says when it was observed, so that those told later can be left out."""
        return "observed_at_ms" in self._identity

    def _told(self, to_ms: int) -> set[Key] | dict[str, list[tuple[int, int]]]:
        if self._row.kind is None:
            return self._bars(to_ms)
        if self._row.kind != "trades":
            return self.venue.told(self._row.kind, to_ms, self._row.sources)
        told = self.venue.told_trades(to_ms)
        return {symbol: ranges for symbol, ranges in told.items() if symbol in self._symbols}

    def _bars(self, to_ms: int) -> set[Key]:
        return {
            ("binance", symbol, interval, open_ms)
            for symbol in bar_markets()
            for interval, length_ms in INTERVALS_MS.items()
            for open_ms in self.venue.bars(symbol, interval, BARS)
            if open_ms + length_ms <= to_ms
        }

    def _doubles(self) -> int:
        return sum(self._held.doubled[source] for source in self._row.sources)
