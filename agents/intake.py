"""What polls and streams do alike with parsed rows: refuse, publish, count.

A refused row is counted, logged (one line a batch) and published to `crypto-dead-letters`; its
neighbours pass.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from operator import itemgetter

import structlog

from agents.checks import refuse
from agents.publisher import Publisher
from agents.source import Outcome, PassedOver, Source
from market.clock import Clock
from market.errors import RecordRejected
from schemas.codec import Record
from schemas.record_types import DEAD_LETTER

log = structlog.get_logger()

# An event may be ahead of our clock by this much (ours or theirs is wrong), and in a demo by the
# ten real seconds that the scenario's clock may be off.
FUTURE_TOLERANCE_MS = 60_000
DEMO_TOLERANCE_REAL_MS = 10_000
# A bad row that comes again with every poll is one dead letter; this bounds what we remember.
REMEMBERED_REFUSALS = 10_000
OBSERVED = itemgetter("observed_at_ms")


@dataclass
class Counters:
    """Records since the process started."""

    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0
    passed_over: int = 0
    torn_fills: int = 0

    def since(self, earlier: "Counters") -> dict[str, int]:
        """What was added, for a log line."""
        before = asdict(earlier)
        return {name: now - before[name] for name, now in asdict(self).items()}

    def copy(self) -> "Counters":
        """A snapshot."""
        return Counters(**asdict(self))


class Intake:
    """The way of one source's rows to Kafka."""

    def __init__(self, source: Source, *, publisher: Publisher, clock: Clock) -> None:
        self.counters = Counters()
        self.newest_observed_ms: int | None = None
        """Event time of the newest record, milliseconds UTC."""
        self.newest_lag_ms: int | None = None
        """Collected minus observed of the newest record, milliseconds."""
        self.publisher = publisher
        self._source = source
        self._clock = clock
        self._refused: set[int] = set()

    def _tolerance_ms(self) -> int:
        if self._clock.scenario is None:
            return FUTURE_TOLERANCE_MS
        return FUTURE_TOLERANCE_MS + int(DEMO_TOLERANCE_REAL_MS * self._clock.speed)

    async def sift(self, outcomes: Iterable[Outcome]) -> list[Record]:
        """The records among the rows; refused rows go to the dead letters."""
        records: list[Record] = []
        refused: list[RecordRejected] = []
        tolerance_ms = self._tolerance_ms()
        for outcome in outcomes:
            if isinstance(outcome, RecordRejected):
                refused.append(outcome)
            elif isinstance(outcome, PassedOver):
                self.counters.passed_over += 1
            elif outcome["observed_at_ms"] > outcome["collected_at_ms"] + tolerance_ms:
                ahead_s = (outcome["observed_at_ms"] - outcome["collected_at_ms"]) / 1000
                refused.append(
                    refuse(f"{ahead_s:.0f} s ahead of our clock", outcome, reason="future_time")
                )
            else:
                records.append(outcome)
        if refused:
            await self._bury(refused)
        return records

    async def publish(self, records: Sequence[Record]) -> None:
        """Send records in order and count them; waits while Kafka's queue is full."""
        rejected = await self.publisher.publish(self._source.record_type, records)
        self.counters.accepted += len(records) - len(rejected)
        if records:
            # Snapshots come by size and repairs bring the past: the last is not the newest.
            newest = max(records, key=OBSERVED)
            if newest["observed_at_ms"] >= (self.newest_observed_ms or 0):
                self.newest_observed_ms = newest["observed_at_ms"]
                self.newest_lag_ms = newest["collected_at_ms"] - newest["observed_at_ms"]
        if rejected:
            await self._bury(rejected)

    async def _bury(self, refused: Sequence[RecordRejected]) -> None:
        self.counters.rejected += len(refused)
        log.warning(
            "rejected",
            records=len(refused),
            reason=refused[0].reason,
            first=refused[0].detail,
        )
        if len(self._refused) > REMEMBERED_REFUSALS:
            self._refused.clear()
        letters = []
        for rejected in refused:
            identity = hash((rejected.reason, rejected.payload))
            if identity not in self._refused:
                self._refused.add(identity)
                letters.append(self._letter(rejected))
        await self.publisher.publish(DEAD_LETTER, letters)

    def _letter(self, rejected: RecordRejected) -> Record:
        now_ms = self._clock.now_ms()
        return {
            "source": self._source.name,
            "observed_at_ms": now_ms,
            "collected_at_ms": now_ms,
            "topic": self._source.record_type.topic,
            "partition": None,
            "offset": None,
            "reason": rejected.reason,
            "detail": rejected.detail,
            "payload": rejected.payload,
            "key": None,
            "letter_id": f"{self._source.name}:{sha256(rejected.payload).hexdigest()[:32]}",
        }
