"""Where a query without a checkpoint begins: after what its sink holds, or at ends of topics."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition

from market.errors import Fatal, Retryable

ANSWER_S = 10.0
# Spark's words for the two ends of a partition.
LATEST, EARLIEST = -1, -2

Offsets = Mapping[tuple[str, int], int]
"""By topic and partition, the first offset that is not held yet."""

log = structlog.get_logger()


def starting_offsets(bootstrap: str, topics: Sequence[str], held: Offsets) -> str:
    """`startingOffsets` for Spark: after what is held, and what is not held from the earliest on.

    Raises Retryable where Kafka does not answer, Fatal where it is not the Kafka of `held`.
    """
    return _asked(bootstrap, topics, lambda consumer, topic: _starts(consumer, topic, held))


def offsets_at(bootstrap: str, places: Mapping[str, int]) -> str:
    """`startingOffsets` for Spark: each topic at LATEST or EARLIEST.

    Raises Retryable where Kafka does not answer.
    """

    def ends(consumer: Consumer, topic: str) -> dict[str, int]:
        return {str(partition): places[topic] for partition in _partitions(consumer, topic)}

    return _asked(bootstrap, tuple(places), ends)


def _asked(
    bootstrap: str, topics: Sequence[str], ask: Callable[[Consumer, str], dict[str, int]]
) -> str:
    config = {"bootstrap.servers": bootstrap, "group.id": "cryptoviz-offsets", "log_level": 0}
    with closing(Consumer(config)) as consumer:
        try:
            starts = {topic: ask(consumer, topic) for topic in topics}
        except KafkaException as error:
            raise Retryable(f"Kafka at {bootstrap} does not answer: {error}") from error
    return json.dumps(starts)


def _partitions(consumer: Consumer, topic: str) -> Iterable[int]:
    metadata = consumer.list_topics(topic, timeout=ANSWER_S).topics[topic]
    if metadata.error is not None:
        raise KafkaException(metadata.error)
    partitions: Iterable[int] = metadata.partitions
    return partitions


def _starts(consumer: Consumer, topic: str, held: Offsets) -> dict[str, int]:
    starts = {}
    for partition in _partitions(consumer, topic):
        low, high = consumer.get_watermark_offsets(
            TopicPartition(topic, partition), timeout=ANSWER_S
        )
        wanted = held.get((topic, partition), low)
        if wanted > high:
            raise Fatal(
                f"{topic}-{partition} ends at {high}, but {wanted} records of it are held: they "
                "are of another Kafka. Move the folder that holds them away to begin anew."
            )
        if wanted < low:
            log.error(
                "records_gone", topic=topic, partition=partition, from_offset=wanted, to_offset=low
            )
        starts[str(partition)] = max(wanted, low)
    return starts
