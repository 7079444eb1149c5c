"""What every endpoint answers from: a scenario and its clock. Nothing later than now is told."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from simulator.published import Published
from simulator.recent import Recent
from simulator.scenario import MINUTE_MS, Scenario, Snapshot, Trade
from simulator.scenario_clock import MasterClock

# Minutes of ready frames: every subscriber walks over the same few.
TAPE_MINUTES_KEPT = 8
SNAPSHOTS_KEPT = 2


@dataclass(frozen=True, slots=True)
class Frame:
    """One line of the combined stream, at its time: a trade, or whatever was recorded."""

    traded_at_ms: int
    stream: str
    text: bytes


def stream_name(symbol: str) -> str:
    """Name of a symbol's trade stream."""
    return f"{symbol.lower()}@aggTrade"


def frame_of(trade: Trade) -> Frame:
    """The frame of a trade. The text is built by hand: this is the simulator's hot path."""
    stream = stream_name(trade.symbol)
    side = "true" if trade.buyer_is_maker else "false"
    text = (
        f'{{"stream":"{stream}","data":{{"e":"aggTrade","E":{trade.traded_at_ms},'
        f'"s":"{trade.symbol}","a":{trade.trade_id},"p":"{trade.price}","q":"{trade.quantity}",'
        f'"f":{trade.first_fill_id},"l":{trade.last_fill_id},"T":{trade.traded_at_ms},'
        f'"m":{side},"M":true}}}}'
    )
    return Frame(trade.traded_at_ms, stream, text.encode())


@dataclass(slots=True)
class Simulation:
    """The scenario as it stands now."""

    scenario: Scenario
    clock: MasterClock
    max_lag_s: float = 10.0
    published: Published = field(default_factory=Published)
    _tapes: Recent[int, list[Frame]] = field(default_factory=lambda: Recent(TAPE_MINUTES_KEPT))
    _snapshots: Recent[int, Sequence[Snapshot]] = field(
        default_factory=lambda: Recent(SNAPSHOTS_KEPT)
    )

    def now_ms(self) -> int:
        """Scenario time, milliseconds UTC."""
        return self.clock.now_ms()

    @property
    def stream_names(self) -> tuple[str, ...]:
        """Names that the combined stream sends something for."""
        return tuple(stream_name(symbol) for symbol in self.scenario.instruments)

    def minute_frames(self, minute: int) -> list[Frame]:
        """All frames of a minute in time order, also those that are still to come."""
        return self._tapes.get(minute, lambda: self._made_frames(minute))

    def _made_frames(self, minute: int) -> list[Frame]:
        recorded = self.scenario.tape(minute)
        if recorded is not None:
            return [Frame(*line) for line in recorded]
        return [frame_of(trade) for trade in self.scenario.merged_minute(minute)]

    def snapshots(self) -> Sequence[Snapshot]:
        """Every coin at the last whole minute."""
        minute = self.now_ms() // MINUTE_MS
        return self._snapshots.get(minute, lambda: self.scenario.snapshots(minute * MINUTE_MS))
