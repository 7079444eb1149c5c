"""A topic as it stands now, read from a moment on; for commands, not for jobs."""

import time
from collections.abc import Iterator, Mapping
from contextlib import closing

from confluent_kafka import (
    OFFSET_END,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from stack.failure import Failure

ANSWER_S = 10.0
# A broker that gives nothing for this long is away.
PATIENCE_S = 30.0
BATCH = 5_000

Bounds = Mapping[int, tuple[int, int]]
"""By partition the first offset and the one after the last."""


def bounds_of(consumer: Consumer, topic: str) -> Bounds:
    """Where the topic stands. Raises KafkaException."""
    metadata = consumer.list_topics(topic, timeout=ANSWER_S).topics[topic]
    if metadata.error is not None:
        raise KafkaException(metadata.error)
    found = {}
    for partition in metadata.partitions:
        at = TopicPartition(topic, partition)
        found[partition] = consumer.get_watermark_offsets(at, timeout=ANSWER_S)
    return found


def open_consumer(bootstrap: str) -> Consumer:
    """A consumer that belongs to no group's bookkeeping."""
    return Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "cryptoviz-command",  # required, never committed to
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            # The last offsets may hold no record (compaction).
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 10,
            "log_level": 0,
        }
    )


def read_topic(bootstrap: str, topic: str, *, from_wall_ms: int | None = None) -> Iterator[Message]:
    """Messages up to the ends that stand when it is called, from Kafka's stamp `from_wall_ms` on.

    In order within a partition. Raises Failure where the broker does not answer.
    """
    with closing(open_consumer(bootstrap)) as consumer:
        try:
            bounds = bounds_of(consumer, topic)
            starts = _starts(consumer, topic, bounds, from_wall_ms)
        except KafkaException as error:
            raise _away(bootstrap, topic, str(error.args[0])) from error
        ends = {
            partition: bounds[partition][1]
            for partition, start in starts.items()
            if start < bounds[partition][1]
        }
        consumer.assign([TopicPartition(topic, one, starts[one]) for one in ends])
        deadline = time.monotonic() + PATIENCE_S
        while ends:
            for message in consumer.consume(BATCH, timeout=0.1):
                deadline = time.monotonic() + PATIENCE_S
                partition, at, trouble = message.partition(), message.offset(), message.error()
                if trouble is not None and trouble.code() != KafkaError._PARTITION_EOF:
                    raise _away(bootstrap, topic, str(trouble))
                if partition not in ends or at is None:
                    continue
                if trouble is None and at < ends[partition]:
                    yield message
                if at + 1 >= ends[partition]:
                    del ends[partition]
            if time.monotonic() > deadline:
                raise _away(bootstrap, topic, f"nothing came for {PATIENCE_S:.0f} s")


def _starts(
    consumer: Consumer, topic: str, bounds: Bounds, from_wall_ms: int | None
) -> dict[int, int]:
    if from_wall_ms is None:
        return {partition: low for partition, (low, _) in bounds.items()}
    asked = [TopicPartition(topic, partition, from_wall_ms) for partition in bounds]
    found = consumer.offsets_for_times(asked, timeout=ANSWER_S)
    return {
        one.partition: bounds[one.partition][1] if one.offset in (OFFSET_END, -1) else one.offset
        for one in found
    }


def _away(bootstrap: str, topic: str, why: str) -> Failure:
    return Failure(
        f"Kafka at {bootstrap} does not give {topic}: {why}.",
        fix="`./cryptoviz status` says whether it runs.",
    )
