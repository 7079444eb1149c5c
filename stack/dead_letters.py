"""Dead letters: read from Kafka, judged with today's rules, published again once each.

A re-driven record bears its letter's id in the header `cryptoviz-letter-id`. Before anything is
published the target topics are read back from the oldest letter's stamp on, so that a letter whose
id stands there already adds nothing; the topic is the only ledger, also after a crash half way.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson
from confluent_kafka import KafkaError, Message, Producer

from schemas.codec import Record, Undecodable, decode, encode, key_of
from schemas.record_types import BY_NAME, DEAD_LETTER, RecordType
from schemas.validity import MAX_RECORD_BYTES, event_time_ms, impossible
from stack.failure import Failure
from stack.topic import read_topic

HEADER = "cryptoviz-letter-id"
BY_TOPIC = {kind.topic: kind for kind in BY_NAME.values() if kind is not DEAD_LETTER}
# A record may be ahead of our clock by this much; its agent's tolerance is the same.
AHEAD_MS = 60_000
FLUSH_S = 30.0


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter as it stands in Kafka. `written_wall_ms` is Kafka's stamp of the letter."""

    letter_id: str
    written_wall_ms: int
    source: str
    observed_at_ms: int
    topic: str
    partition: int | None
    offset: int | None
    reason: str
    detail: str
    payload: bytes
    key: bytes | None

    @classmethod
    def of(cls, message: Message) -> "Letter":
        """The letter in a message. Raises Undecodable."""
        kind, fields = decode(message.value() or b"")
        if kind is not DEAD_LETTER:
            raise Undecodable("unknown_schema", f"a record of {kind.topic} is no letter")
        fields.pop("collected_at_ms")
        if not fields["letter_id"]:
            fields["letter_id"] = _identity(fields)
        return cls(written_wall_ms=message.timestamp()[1], **fields)


def _identity(fields: dict[str, Any]) -> str:
    """The id that version 1 of the schema did not carry."""
    if fields["partition"] is not None:
        return f"{fields['topic']}:{fields['partition']}:{fields['offset']}"
    return f"{fields['source']}:{sha256(fields['payload']).hexdigest()[:32]}"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which letters; None lets all pass. Times are `observed_at_ms`: at or after, and before."""

    topic: str | None = None
    reason: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    letter_id: str | None = None

    def passes(self, letter: Letter) -> bool:
        """Whether the letter is meant."""
        return (
            self.topic in (None, letter.topic)
            and self.reason in (None, letter.reason)
            and (self.from_ms is None or letter.observed_at_ms >= self.from_ms)
            and (self.to_ms is None or letter.observed_at_ms < self.to_ms)
            and (self.letter_id is None or letter.letter_id.startswith(self.letter_id))
        )


def read_letters(bootstrap: str, wanted: Filter) -> Iterator[Letter]:
    """Letters that pass, each id once, oldest first."""
    seen: set[str] = set()
    for message in read_topic(bootstrap, DEAD_LETTER.topic):
        try:
            letter = Letter.of(message)
        except Undecodable:
            continue  # not a letter of ours; `kcat` shows it
        if letter.letter_id not in seen and wanted.passes(letter):
            seen.add(letter.letter_id)
            yield letter


@dataclass(frozen=True, slots=True)
class Verdict:
    """What today's rules say of a letter: the bytes and key to publish, or why not."""

    letter: Letter
    payload: bytes = b""
    key: bytes | None = None
    refusal: str | None = None


class Stays(Exception):  # noqa: N818 - reads as what the letter does
    """The letter may not be published; the message says why."""


def judge(letter: Letter, *, now_ms: int) -> Verdict:
    """Whether the letter's payload is a record of its topic now."""
    try:
        kind, payload = _payload(letter)
        record = _record(kind, payload, now_ms)
    except Stays as refusal:
        return Verdict(letter, refusal=str(refusal))
    key = letter.key if letter.key is not None else key_of(kind, record)
    return Verdict(letter, payload=payload, key=key)


def _payload(letter: Letter) -> tuple[RecordType, bytes]:
    """The topic's record type and the letter's bytes for it. Raises Stays."""
    kind = BY_TOPIC.get(letter.topic)
    if kind is None:
        raise Stays(f"{letter.topic} is not a topic of ours")
    if letter.partition is not None:
        return kind, letter.payload
    # An agent refused it: what it refused is the record as JSON, or the vendor's own row.
    try:
        return kind, encode(kind, orjson.loads(letter.payload))
    except (orjson.JSONDecodeError, ValueError, KeyError, AttributeError):
        raise Stays("the vendor's own row: its agent asks for it again by itself") from None


def _record(kind: RecordType, payload: bytes, now_ms: int) -> Record:
    """The record in the bytes. Raises Stays."""
    if len(payload) > MAX_RECORD_BYTES:
        raise Stays(f"oversized: {len(payload)} bytes")
    try:
        found, record = decode(payload)
    except Undecodable as error:
        raise Stays(str(error)) from None
    if found is not kind:
        raise Stays(f"it is a {found.name}, and {kind.topic} holds {kind.name}s")
    if (wrong := impossible(kind, record)) is not None:
        raise Stays(": ".join(wrong))
    if (ahead_ms := event_time_ms(kind, record) - now_ms) > AHEAD_MS:
        raise Stays(f"future_time: {ahead_ms / 1000:.0f} s ahead of our clock")
    return record


@dataclass(frozen=True, slots=True)
class Redrive:
    """Outcome of a re-drive; in a dry run `published` is what would be."""

    published: Sequence[Letter]
    already: Sequence[Letter]
    refused: Sequence[Verdict]


def redrive(
    bootstrap: str, letters: Iterable[Letter], *, now_ms: int, dry_run: bool = False
) -> Redrive:
    """Publish what passes now and was not published before. Hold a lock around it: two at once
    would not see each other. Raises Failure where Kafka does not take a record."""
    verdicts = [judge(letter, now_ms=now_ms) for letter in letters]
    passing = [verdict for verdict in verdicts if verdict.refusal is None]
    done = _redriven(bootstrap, [verdict.letter for verdict in passing])
    new = [verdict for verdict in passing if verdict.letter.letter_id not in done]
    if not dry_run:
        _publish(bootstrap, new)
    return Redrive(
        published=[verdict.letter for verdict in new],
        already=[v.letter for v in passing if v.letter.letter_id in done],
        refused=[verdict for verdict in verdicts if verdict.refusal is not None],
    )


def _redriven(bootstrap: str, letters: Sequence[Letter]) -> set[str]:
    """Ids of letters that stand in their topics already. A letter is older than its re-drive."""
    found: set[str] = set()
    for topic in {letter.topic for letter in letters}:
        since = min(letter.written_wall_ms for letter in letters if letter.topic == topic)
        for message in read_topic(bootstrap, topic, from_wall_ms=since):
            headers = dict(message.headers() or ())
            if isinstance(redriven := headers.get(HEADER), bytes):
                found.add(redriven.decode("utf-8", "replace"))
    return found


def _publish(bootstrap: str, verdicts: Sequence[Verdict]) -> None:
    if not verdicts:
        return
    failures: list[str] = []
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "client.id": "cryptoviz-redrive",
            "acks": "all",
            "enable.idempotence": True,
            "partitioner": "murmur2_random",
            "log_level": 0,
            "on_delivery": _failure_noted(failures),
        }
    )
    for verdict in verdicts:
        letter = verdict.letter
        producer.produce(
            letter.topic,
            verdict.payload,
            verdict.key,
            headers=[(HEADER, letter.letter_id.encode())],
        )
        producer.poll(0)
    left = producer.flush(FLUSH_S)
    if left or failures:
        why = failures[0] if failures else "no answer"
        raise Failure(
            f"Kafka did not take {left + len(failures)} of {len(verdicts)} records: {why}.",
            fix="Run the same command again: what is there already is not published twice.",
        )


def _failure_noted(failures: list[str]) -> Callable[[KafkaError | None, Message], None]:
    def note(error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            failures.append(str(error))

    return note
