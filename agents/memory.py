"""The topic is an agent's memory: at start its tail is read back, and nothing else is kept.

Identities rise within a key (a market's trade id, a coin's last update, a bar's open time), so one
number a key is enough to know a duplicate, whatever the length of the topic. Reading back starts at
the end and goes backwards in growing windows until every expected key is found, the topic begins,
or the cap is reached: a market that never traded must not cost a whole topic at every start.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from market.errors import Fatal
from schemas.codec import Record, Undecodable, decode
from schemas.record_types import RecordType

log = structlog.get_logger()

Positions = Mapping[tuple[str, ...], int]
"""Highest position by memory key."""

# First window a partition; each further one is four times as long.
FIRST_WINDOW_RECORDS = 2_000
WINDOW_GROWTH = 4
# Most records read back a partition: about one second of decoding, hours of trades.
CAP_RECORDS = 300_000
# Keys held where each passes once. A feed shows about a hundred articles at a time, so hundreds of
# feeds fit; an article that is forgotten and shown again would come twice.
REMEMBERED_KEYS = 50_000
# A broker that gives nothing for this long is away.
KAFKA_PATIENCE_S = 60.0
# A killed process's last bytes are with the broker within milliseconds; other agents of one topic
# may make it grow for ever.
SETTLE_S = 0.5
SETTLE_AT_MOST_S = 5.0


@dataclass(frozen=True, slots=True)
class LastPosition:
    """How a record type is remembered: within `key`, `position` only rises.

    Where `position` is None nothing rises, and the key passes once: it is the whole identity, and
    the newest `REMEMBERED_KEYS` are held. `source` is None where the records of one agent bear
    several sources.
    """

    source: str | None
    key: tuple[str, ...]
    position: str | None

    def key_of(self, record: Record) -> tuple[str, ...]:
        """The record's memory key."""
        return tuple(record[name] for name in self.key)

    def position_of(self, record: Record) -> int:
        """Where the record stands within its key."""
        return 0 if self.position is None else record[self.position]


@dataclass
class Memory:
    """Last positions of one source. `admit` is idempotent: a record passes once."""

    rule: LastPosition
    last: dict[tuple[str, ...], int] = field(default_factory=dict)
    newest_observed_ms: int | None = None

    def admit(self, record: Record) -> bool:
        """True for a record beyond the last of its key, which it then is."""
        key = self.rule.key_of(record)
        position = self.rule.position_of(record)
        known = self.last.get(key)
        if known is not None and position <= known:
            if self.rule.position is None:
                self.last[key] = self.last.pop(key)  # seen again, so it is forgotten last
            return False
        self.last[key] = position
        if self.rule.position is None and len(self.last) > REMEMBERED_KEYS:
            del self.last[next(iter(self.last))]
        return True

    def recall(self, record: Record) -> None:
        """Take in a record that the topic holds, in any order."""
        if self.rule.source in {None, record["source"]}:
            self.admit(record)
            observed_at_ms: int = record["observed_at_ms"]
            self.newest_observed_ms = max(self.newest_observed_ms or 0, observed_at_ms)


class TopicTail(Protocol):
    """A topic that can be read by offsets."""

    def bounds(self) -> Mapping[int, tuple[int, int]]:
        """By partition the first offset and the one after the last."""

    def read(self, partition: int, start: int, end: int) -> Iterable[bytes]:
        """Payloads from `start` to before `end`."""


def read_back(
    tail: TopicTail,
    rule: LastPosition,
    *,
    expected: Iterable[tuple[str, ...]],
    cap_records: int = CAP_RECORDS,
) -> Memory:
    """The memory of `rule` from the tail of its topic; see the module."""
    memory = Memory(rule)
    wanted = set(expected)
    bounds = tail.bounds()
    reached = {partition: end for partition, (_, end) in bounds.items()}
    window = FIRST_WINDOW_RECORDS if rule.position is not None else REMEMBERED_KEYS
    records = undecodable = 0
    while True:
        open_partitions = [
            partition
            for partition, (begin, end) in bounds.items()
            if reached[partition] > max(begin, end - cap_records)
        ]
        if not open_partitions or (records and wanted <= memory.last.keys()):
            break
        for partition in open_partitions:
            begin, end = bounds[partition]
            start = max(begin, end - cap_records, reached[partition] - window)
            for payload in tail.read(partition, start, reached[partition]):
                records += 1
                try:
                    memory.recall(decode(payload)[1])
                except (Undecodable, KeyError):  # KeyError: a record of another type
                    undecodable += 1
            reached[partition] = start
        window *= WINDOW_GROWTH
    log.info(
        "memory_read_back",
        records=records,
        undecodable=undecodable,
        keys=len(memory.last),
        keys_not_found=len(wanted - memory.last.keys()),
        newest_observed_ms=memory.newest_observed_ms,
    )
    return memory


class KafkaTail:
    """A topic of a real broker. Blocking; used before the agent's event loop starts."""

    def __init__(self, bootstrap: str, record_type: RecordType) -> None:
        self._topic = record_type.topic
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": f"agent-memory-{record_type.topic}",  # required, never committed to
                "enable.auto.commit": False,
                "auto.offset.reset": "error",
                # The last offsets may hold no record (compaction, transaction markers). `position`
                # cannot tell: right after `assign` it is still that of the window before.
                "enable.partition.eof": True,
                "fetch.queue.backoff.ms": 1,
                # A new window waits until the last fetch is answered, so that must be soon.
                "fetch.wait.max.ms": 10,
                "log_level": 2,
            }
        )

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()

    def settle(self) -> None:
        """Wait until the topic's end stands still: a produce request of a killed predecessor may
        still be on its way to the broker. See docs/decisions/0007."""
        before = self.bounds()
        deadline = time.monotonic() + SETTLE_AT_MOST_S
        while time.monotonic() < deadline:
            time.sleep(SETTLE_S)
            now = self.bounds()
            if now == before:
                return
            before = now
        log.warning("topic_still_grows", topic=self._topic)

    def bounds(self) -> dict[int, tuple[int, int]]:
        """By partition the first offset and the one after the last. Raises Fatal after a minute."""
        deadline = time.monotonic() + KAFKA_PATIENCE_S
        while True:
            try:
                return self._bounds()
            except KafkaException as error:
                if time.monotonic() > deadline:
                    raise Fatal(
                        f"Kafka does not give topic {self._topic}: {error.args[0]}; check that the "
                        "broker runs, the topic exists and CRYPTOVIZ_KAFKA_BOOTSTRAP names it"
                    ) from error
                log.warning("kafka_not_ready", topic=self._topic, error=str(error.args[0]))
                time.sleep(1.0)

    def _bounds(self) -> dict[int, tuple[int, int]]:
        topic = self._consumer.list_topics(self._topic, timeout=5.0).topics[self._topic]
        if topic.error is not None:
            raise KafkaException(topic.error)
        found: dict[int, tuple[int, int]] = {}
        for partition in topic.partitions:
            low, high = self._consumer.get_watermark_offsets(
                TopicPartition(self._topic, partition), timeout=5.0
            )
            found[partition] = (low, high)
        return found

    def read(self, partition: int, start: int, end: int) -> Iterable[bytes]:
        """Payloads from `start` to before `end`. Raises Fatal where the broker falls silent."""
        if start >= end:
            return
        self._consumer.assign([TopicPartition(self._topic, partition, start)])
        deadline = time.monotonic() + KAFKA_PATIENCE_S
        offset = start
        while offset < end:
            # Exactly what is left, because `consume` waits for as many as it was asked for.
            messages = self._consumer.consume(min(end - offset, 5_000), timeout=0.5)
            for message in messages:
                at, error = message.offset(), message.error()
                is_topics_end = error is not None and error.code() == KafkaError._PARTITION_EOF
                if at is None or (error is not None and not is_topics_end):
                    log.warning("kafka_read", topic=self._topic, error=str(error))
                    continue
                if not is_topics_end and at < end:
                    yield message.value() or b""
                offset = at + 1
                deadline = time.monotonic() + KAFKA_PATIENCE_S
            if time.monotonic() > deadline:
                raise Fatal(f"Kafka gave nothing of {self._topic}/{partition} for a minute")
