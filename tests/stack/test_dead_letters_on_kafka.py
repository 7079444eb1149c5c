"""Re-driving on a real broker: each letter once, however often it is asked."""

import json
from typing import Any

import pytest
from confluent_kafka import Producer

from schemas.codec import decode, encode
from schemas.record_types import DEAD_LETTER
from stack.dead_letters import HEADER, Filter, read_letters, redrive
from stack.topic import read_topic
from tests.spark_jobs.builders import START_MS, a_trade, a_trade_message

pytestmark = pytest.mark.integration

LATER_MS = START_MS + 3_600_000
# Trades of a market of this test's own, because the broker is shared.
OWN = {"symbol": "REDRIVE"}


def a_letter(number: int, payload: bytes, **facts: Any) -> bytes:
    return encode(
        DEAD_LETTER,
        {
            "source": "redrive-test",
            "observed_at_ms": START_MS + number,
            "collected_at_ms": START_MS + number,
            "topic": "crypto-trades",
            "partition": 0,
            "offset": number,
            "reason": "unknown_schema",
            "detail": "made by a test",
            "payload": payload,
            "key": b"binance:REDRIVE",
            "letter_id": f"redrive-test:{number}",
        }
        | facts,
    )


@pytest.fixture(scope="module")
def bootstrap(kafka_server: Any) -> str:
    producer = Producer({"bootstrap.servers": kafka_server.bootstrap})
    record = json.dumps(a_trade(3, **OWN)).encode()
    for letter in (
        a_letter(1, a_trade_message(1, **OWN)),
        a_letter(2, a_trade_message(2, **OWN)),
        a_letter(2, a_trade_message(2, **OWN)),  # a job may publish the same letter twice
        a_letter(3, record, partition=None, offset=None, key=None, reason="future_time"),
        a_letter(4, a_trade_message(4, **OWN)[:20], reason="truncated"),
        b"no letter at all",
        a_trade_message(5, **OWN),  # a record of ours, but no letter
    ):
        producer.produce(DEAD_LETTER.topic, letter)
    assert producer.flush(10) == 0
    bootstrap: str = kafka_server.bootstrap
    return bootstrap


def ours(bootstrap: str, **filters: Any) -> list[Any]:
    return [
        letter
        for letter in read_letters(bootstrap, Filter(**filters))
        if letter.source == "redrive-test"
    ]


def stored(bootstrap: str) -> list[tuple[int, list[tuple[str, bytes]]]]:
    found = [
        (decode(message.value())[1], message.headers())
        for message in read_topic(bootstrap, "crypto-trades")
        if message.key() == b"binance:REDRIVE"
    ]
    return [(trade["trade_id"], headers) for trade, headers in found]


def test_letters_are_listed_once_by_topic_reason_and_time(bootstrap: str):
    assert [letter.offset for letter in ours(bootstrap)] == [1, 2, None, 4]
    assert [letter.offset for letter in ours(bootstrap, reason="truncated")] == [4]
    assert ours(bootstrap, topic="crypto-prices") == []
    window = ours(bootstrap, from_ms=START_MS + 1, to_ms=START_MS + 2)
    assert [letter.offset for letter in window] == [1]


def test_what_passes_now_is_published_once_however_often_it_is_asked(bootstrap: str):
    dry = redrive(bootstrap, ours(bootstrap), now_ms=LATER_MS, dry_run=True)
    assert (len(dry.published), len(dry.refused), stored(bootstrap)) == (3, 1, [])

    first = redrive(bootstrap, ours(bootstrap, reason="future_time"), now_ms=LATER_MS)
    assert len(first.published) == 1
    assert stored(bootstrap) == [(3, [(HEADER, b"redrive-test:3")])]

    second = redrive(bootstrap, ours(bootstrap), now_ms=LATER_MS)
    assert (len(second.published), len(second.already), len(second.refused)) == (2, 1, 1)
    third = redrive(bootstrap, ours(bootstrap), now_ms=LATER_MS)
    assert (len(third.published), len(third.already), len(third.refused)) == (0, 3, 1)
    assert [trade_id for trade_id, _ in stored(bootstrap)] == [3, 1, 2]
