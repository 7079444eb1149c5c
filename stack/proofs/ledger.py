"""What was told against what is held: every difference has a cause in the ledgers, or it is named.

Told: the keys of `/control/published`. Held: the keys in Kafka, read as they come. Ledgers:
`crypto-gaps` by market and id, `crypto-dead-letters` by the record or row that they carry.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import orjson
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from schemas.codec import Undecodable, decode
from schemas.record_types import DEAD_LETTER, GAP, RecordType
from stack.topic import bounds_of, open_consumer

Key = tuple[Any, ...]
BATCH = 5_000
NAMED = 5


class Held:
    """The keys of a topic, read on and on. Each read takes up what has come since the last."""

    def __init__(self, bootstrap: str, kind: RecordType, fields: Sequence[str]) -> None:
        self._kind = kind
        self._fields = fields
        self._consumer: Consumer = open_consumer(bootstrap)
        self._next: dict[int, int] = {}
        self.keys: dict[str, set[Key]] = defaultdict(set)
        """By source, without the source."""
        self.doubled: Counter[str] = Counter()
        """Records beyond the first of their key, by source: before any dedup."""
        self.first_doubled: dict[str, Key] = {}

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()

    def read(self) -> None:
        """Take in what stands there now."""
        try:
            bounds = bounds_of(self._consumer, self._kind.topic)
        except KafkaException:
            return  # no leader yet, or the broker is away: the next read sees it
        ends = {one: end for one, (_, end) in bounds.items() if self._next.get(one, 0) < end}
        topic = self._kind.topic
        self._consumer.assign([TopicPartition(topic, one, self._next.get(one, 0)) for one in ends])
        while ends:
            for message in self._consumer.consume(BATCH, timeout=1.0):
                partition, trouble = message.partition(), message.error()
                at = message.offset()
                if partition not in ends or at is None:
                    continue
                if trouble is None:
                    self._take(message.value() or b"")
                elif trouble.code() != KafkaError._PARTITION_EOF:
                    return
                self._next[partition] = at + (trouble is None)
                if self._next[partition] >= ends[partition]:
                    del ends[partition]

    def _take(self, payload: bytes) -> None:
        try:
            found, record = decode(payload)
        except Undecodable:
            return
        if found is not self._kind:
            return
        source = record["source"]
        key = tuple(record[name] for name in self._fields if name != "source")
        if key in self.keys[source]:
            self.doubled[source] += 1
            self.first_doubled.setdefault(source, key)
        self.keys[source].add(key)

    def of(self, sources: Iterable[str]) -> set[Key]:
        """Keys of some sources, with the source first."""
        return {(source, *key) for source in sources for key in self.keys[source]}


@dataclass
class Difference:
    """Outcome of one comparison. `explained` counts by cause; `unexplained` names the first."""

    told: int = 0
    held: int = 0
    lost: int = 0
    doubled: int = 0
    explained: Counter[str] = field(default_factory=Counter)
    unexplained: list[str] = field(default_factory=list)
    unexplained_count: int = 0

    @property
    def holds(self) -> bool:
        """Whether every difference has a cause."""
        return self.unexplained_count == 0 and self.doubled == 0

    def blame(self, what: str, keys: Iterable[object]) -> None:
        """Keys without a cause."""
        for key in keys:
            self.unexplained_count += 1
            if len(self.unexplained) < NAMED:
                self.unexplained.append(f"{what} {key}")


def compare_keys(told: set[Key], held: set[Key], letters: Mapping[Key, str]) -> Difference:
    """Sets of keys; `letters` are the causes in the dead letters."""
    difference = Difference(told=len(told), held=len(held))
    lost = told - held
    difference.lost = len(lost)
    for key in lost & letters.keys():
        difference.explained[letters[key]] += 1
    difference.blame("lost", sorted(lost - letters.keys(), key=str))
    difference.blame("never told", sorted(held - told, key=str))
    return difference


def compare_trades(
    told: Mapping[str, list[tuple[int, int]]],
    held: Mapping[str, set[int]],
    gaps: Sequence[Mapping[str, Any]],
    letters: Mapping[Key, str],
) -> Difference:
    """Ids of each market. What upstream does not have must stand in a gap record, too."""
    difference = Difference()
    causes = _causes(gaps)
    for symbol, ranges in told.items():
        ids = {one for first, last in ranges for one in range(first, last + 1)}
        top = max(ids, default=0)
        ours = {one for one in held.get(symbol, set()) if one <= top}
        difference.told += len(ids)
        difference.held += len(ours)
        lost = ids - ours
        difference.lost += len(lost)
        absent = set(range(1, top + 1)) - ids
        unknown = []
        for one in sorted(lost | (absent - ours)):
            cause = causes.get(symbol, {}).get(one) or letters.get((symbol, one))
            if cause is None:
                unknown.append(f"{symbol} {one}")
            else:
                difference.explained[cause] += 1
        difference.blame("lost", unknown)
        difference.blame("never told", (f"{symbol} {one}" for one in sorted(ours - ids)))
    return difference


def _causes(gaps: Sequence[Mapping[str, Any]]) -> dict[str, dict[int, str]]:
    """By market and id, what the newest gap record that covers it says. A repair ends what was
    open; what REST did not have inside it keeps a gap of its own."""
    causes: dict[str, dict[int, str]] = defaultdict(dict)
    for gap in gaps:
        for one in range(gap["from_id"], gap["to_id"] + 1):
            if gap["state"] == "repaired":
                if causes[gap["symbol"]].get(one, "").endswith(", open"):
                    del causes[gap["symbol"]][one]
            else:
                causes[gap["symbol"]][one] = f"gap, {gap['cause']}, {gap['state']}"
    return causes


def gap_keys() -> tuple[str, ...]:
    """Fields of a gap that the comparison needs, in order."""
    return ("source", "symbol", "from_id", "to_id", "state", "cause", "observed_at_ms")


def gaps_of(held: Held) -> list[dict[str, Any]]:
    """Gap records in order of their states' times."""
    rows = [
        dict(zip(gap_keys(), (source, *key), strict=True))
        for source, keys in held.keys.items()
        for key in keys
    ]
    return sorted(rows, key=lambda row: row["observed_at_ms"])


def letter_keys(held: Held, identity: Sequence[str]) -> dict[Key, str]:
    """Causes out of dead letters by the key of the record, or (symbol, id) of the row, inside."""
    found: dict[Key, str] = {}
    for keys in held.keys.values():
        for reason, payload in keys:
            with suppress(orjson.JSONDecodeError, AttributeError, TypeError):
                row = orjson.loads(payload)
                cause = f"dead letter, {reason}"
                found[tuple(row.get(name) for name in identity)] = cause
                found[row.get("symbol", row.get("s")), row.get("trade_id", row.get("a"))] = cause
    return found


def open_gaps(bootstrap: str) -> Held:
    """The gap ledger."""
    return Held(bootstrap, GAP, gap_keys())


def open_letters(bootstrap: str) -> Held:
    """The dead letters."""
    return Held(bootstrap, DEAD_LETTER, ("source", "reason", "payload"))
