"""What today's rules say of a dead letter."""

import json
import math
from typing import Any

import pytest

from schemas.codec import decode, encode
from schemas.record_types import DEAD_LETTER
from stack.dead_letters import Filter, Letter, judge
from tests.spark_jobs.builders import START_MS, a_trade, a_trade_message

LATER_MS = START_MS + 3_600_000


def a_letter(payload: bytes = b"", **facts: Any) -> Letter:
    fields: dict[str, Any] = {
        "letter_id": "crypto-trades:0:7",
        "written_wall_ms": 1,
        "source": "spark",
        "observed_at_ms": START_MS,
        "topic": "crypto-trades",
        "partition": 0,
        "offset": 7,
        "reason": "unknown_schema",
        "detail": "",
        "payload": payload or a_trade_message(7),
        "key": b"binance:BTCUSDC",
    }
    return Letter(**(fields | facts))


def test_a_record_that_passes_now_goes_as_it_is_under_its_own_key():
    verdict = judge(a_letter(), now_ms=LATER_MS)
    assert verdict.refusal is None
    assert (verdict.payload, verdict.key) == (a_trade_message(7), b"binance:BTCUSDC")


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"not avro", "bad_magic"),
        (b"\x00\x00\x00\x00\x63" + a_trade_message(7)[5:], "unknown_schema"),
        (a_trade_message(7)[:20], "truncated"),
        (a_trade_message(7, price=math.nan), "price is nan"),
        (a_trade_message(7, price=-1.0), "price is -1.0"),
        (a_trade_message(7, quantity=0.0), "quantity is 0.0, not above 0"),
        (a_trade_message(7, last_fill_id=0), "first_fill_id 7 is above"),
        (a_trade_message(7, traded_at_ms=1), "before the first block"),
        (a_trade_message(7, traded_at_ms=LATER_MS + 61_000), "future_time"),
        (a_trade_message(7, source="x" * 300_000), "oversized"),
    ],
)
def test_what_does_not_pass_now_stays_with_its_reason(payload: bytes, words: str):
    assert words in (judge(a_letter(payload), now_ms=LATER_MS).refusal or "")


def test_a_record_of_another_topic_stays():
    assert "holds prices" in (judge(a_letter(topic="crypto-prices"), now_ms=LATER_MS).refusal or "")
    assert "not a topic of ours" in (judge(a_letter(topic="x"), now_ms=LATER_MS).refusal or "")


def test_a_record_that_an_agent_refused_is_encoded_and_given_its_key():
    early = a_letter(json.dumps(a_trade(7)).encode(), partition=None, offset=None, key=None)
    assert "future_time" in (judge(early, now_ms=START_MS - 120_000).refusal or "")
    verdict = judge(early, now_ms=LATER_MS)
    assert verdict.refusal is None
    assert decode(verdict.payload)[1] == a_trade(7)
    assert verdict.key == b"binance:BTCUSDC"


def test_a_vendors_row_stays_because_its_agent_asks_again():
    row = a_letter(b'{"e":"aggTrade","p":"-1"}', partition=None, offset=None)
    assert "asks for it again" in (judge(row, now_ms=LATER_MS).refusal or "")


def test_a_letter_of_the_first_version_gets_the_identity_of_the_second():
    fields = {
        "source": "spark",
        "observed_at_ms": 1,
        "collected_at_ms": 1,
        "topic": "crypto-trades",
        "partition": 1,
        "offset": 9,
        "reason": "truncated",
        "detail": "",
        "payload": b"x",
        "key": None,
        "letter_id": "",
    }

    class Message:
        def value(self) -> bytes:
            return encode(DEAD_LETTER, fields)

        def timestamp(self) -> tuple[int, int]:
            return 1, 5

    assert Letter.of(Message()).letter_id == "crypto-trades:1:9"


@pytest.mark.parametrize(
    ("wanted", "passes"),
    [
        (Filter(), True),
        (Filter(topic="crypto-trades", reason="unknown_schema"), True),
        (Filter(topic="crypto-prices"), False),
        (Filter(reason="truncated"), False),
        (Filter(from_ms=START_MS, to_ms=START_MS + 1), True),
        (Filter(from_ms=START_MS + 1), False),
        (Filter(to_ms=START_MS), False),
        (Filter(letter_id="crypto-trades:0"), True),
    ],
)
def test_a_filter_lets_pass_what_it_names(wanted: Filter, passes: bool):
    assert wanted.passes(a_letter()) is passes
