"""What a person is shown of bytes that are no record."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dissection import dissect
from tests.spark_jobs.builders import a_trade, a_trade_message

GOOD = a_trade_message(7)


def test_a_whole_record_has_all_its_fields_and_no_bad_byte():
    seen = dissect(GOOD)
    assert (seen.problem, seen.first_bad_byte) == (None, None)
    assert (seen.schema_id, seen.record_name, seen.version) == (2, "trade", 1)
    assert seen.fields == a_trade(7)


def test_a_cut_record_shows_the_fields_before_the_cut_and_where_the_next_begins():
    seen = dissect(GOOD[:20])
    assert seen.fields == {"source": "binance"}
    assert (seen.bad_field, seen.first_bad_byte) == ("symbol", 5 + 1 + len("binance"))


@pytest.mark.parametrize(
    ("payload", "first_bad_byte", "words"),
    [
        (b"", 0, "no bytes"),
        (b'{"p":1}', 0, "no Confluent header"),
        (GOOD[:3], 3, "header ends early"),
        (b"\x00\x00\x00\x00\x63" + GOOD[5:], 1, "schema id 99"),
        (GOOD + b"ab", len(GOOD), "2 bytes follow"),
    ],
)
def test_the_first_bad_byte_is_named(payload: bytes, first_bad_byte: int, words: str):
    seen = dissect(payload)
    assert seen.first_bad_byte == first_bad_byte
    assert words in (seen.problem or "")


@given(st.binary(max_size=200), st.integers(min_value=0, max_value=12))
def test_no_bytes_break_it(noise: bytes, schema_id: int):
    dissect(noise)
    assert dissect(b"\x00" + schema_id.to_bytes(4, "big") + noise).schema_id in (schema_id, None)
