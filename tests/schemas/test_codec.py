import contextlib
import hashlib
import math
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import HEADER, Undecodable, decode, encode, key_of
from schemas.record_types import (
    BY_SCHEMA_ID,
    EXTERNAL_BAR,
    PRICE,
    REASONS,
    RECORD_TYPES,
    TRADE,
    RecordType,
)

TYPES = pytest.mark.parametrize("record_type", RECORD_TYPES, ids=lambda found: found.name)

# A released schema is in the bytes of every stored record, so its file never changes. What readers
# go by is pinned: the whole file. A new version is a new file and a new line here.
FROZEN = {
    "price.v1.avsc": "63efbfc4c36fd4e0ac093d1413fe5b7af14d0bcba05dc27d4777f08080fdb58c",
    "trade.v1.avsc": "9590c17de27aee277b2aff489ad08d4bcc01eb887ed9cbf48c159a5eb696ad53",
    "external_bar.v1.avsc": "607621c572846c3047611e01fdb01bf19e2a4b61229ec05bfe90b9f8f8ed7c0d",
    "dead_letter.v1.avsc": "f9ec8b80c50db1b8eaab53ca6f099bcdaedadded5792912b70c2efae548afc75",
    "dead_letter.v2.avsc": "d9483834f4ae6b114e6a1e026807496ff01ced9fc10185bd79553c8837ea8b08",
    "global.v1.avsc": "99b48b888287694c6dc4393de35a3ce965b57fae1b0ba1fbf9b772b86ecedf69",
    "article.v1.avsc": "e17d9c8a1dce5d633d265d4d1cf1773b61a7d451fac39644e1a77ead38aee8ef",
    "fear_greed.v1.avsc": "96b0e354373c10712485b062cac5215f3787ef6056978c4d05ac597b797577c5",
    "gap.v1.avsc": "83366226bdad3f606e721fb0769442e01a27a0ad62a8bbd3517e75b504d6ba66",
    "source_health.v1.avsc": "59229d3e9ee4efdef589b6ed33d1d1da3b42f164a3d364c8e7014a2fac833678",
    "candle.v1.avsc": "a8e42835aba353d3ab7077140adfe42c37c64c04560c8e9bd56162e1e28cd7a6",
    "source_health.v2.avsc": "2d0d369b2cfbb49f95d90560545a15a435b3dcbcb0c83bd7b8a3bd85806d8c91",
    "anomaly.v1.avsc": "044eedc01caa66df3526570e87cb17b7d5af26365e78298c1294adc0293d7150",
}


def values(avro_type: Any) -> st.SearchStrategy[Any]:
    """Anything that a field of this Avro type can hold."""
    if isinstance(avro_type, list):
        return st.one_of([values(branch) for branch in avro_type])
    if isinstance(avro_type, dict) and avro_type["type"] == "array":
        return st.lists(values(avro_type["items"]), max_size=3)
    if isinstance(avro_type, dict):
        return st.sampled_from(avro_type["symbols"])
    return {
        "null": st.none(),
        "boolean": st.booleans(),
        "string": st.text(),
        "bytes": st.binary(),
        "int": st.integers(-(2**31), 2**31 - 1),
        "long": st.integers(-(2**63), 2**63 - 1),
        "double": st.floats(allow_nan=False),
    }[avro_type]


def records(record_type: RecordType) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {column["name"]: values(column["type"]) for column in record_type.latest["fields"]}
    )


def sample(record_type: RecordType, **overrides: Any) -> dict[str, Any]:
    blank = {"string": "x", "long": 1, "int": 1, "double": 1.0, "bytes": b"x", "boolean": True}
    record: dict[str, Any] = {}
    for column in record_type.latest["fields"]:
        kind = column["type"]
        if isinstance(kind, list):
            record[column["name"]] = None
        elif isinstance(kind, dict) and kind["type"] == "array":
            record[column["name"]] = [blank[kind["items"]]]
        elif isinstance(kind, dict):
            record[column["name"]] = kind["symbols"][0]
        else:
            record[column["name"]] = blank[kind]
    return record | overrides


@TYPES
@given(data=st.data())
def test_every_record_comes_back_as_it_went(record_type: RecordType, data: st.DataObject):
    record = data.draw(records(record_type))
    assert decode(encode(record_type, record)) == (record_type, record)


@TYPES
def test_bytes_start_with_the_confluent_header(record_type: RecordType):
    payload = encode(record_type, sample(record_type))
    assert payload[0] == 0
    assert int.from_bytes(payload[1:5], "big") == record_type.latest_id


def test_released_schemas_are_frozen():
    released = {
        name: hashlib.sha256(files("schemas").joinpath(name).read_bytes()).hexdigest()
        for record_type in RECORD_TYPES
        for name in record_type.versions.values()
    }
    assert released == FROZEN


@TYPES
def test_every_released_version_is_read_by_today_s_reader(record_type: RecordType):
    for schema_id in record_type.versions:
        assert BY_SCHEMA_ID[schema_id] is record_type
        payload = bytearray(encode(record_type, sample(record_type)))
        payload[1:5] = schema_id.to_bytes(4, "big")
        assert decode(bytes(payload))[0] is record_type


def test_no_schema_id_is_used_twice():
    ids = [schema_id for record_type in RECORD_TYPES for schema_id in record_type.versions]
    assert len(ids) == len(set(ids))


@TYPES
def test_identity_and_key_are_fields_of_the_record(record_type: RecordType):
    names = {column["name"] for column in record_type.latest["fields"]}
    assert {*record_type.identity, *record_type.key} <= names
    assert {"source", "observed_at_ms", "collected_at_ms"} <= names


def reason(payload: bytes) -> str:
    with pytest.raises(Undecodable) as caught:
        decode(payload)
    assert caught.value.reason in REASONS
    return caught.value.reason


@pytest.mark.parametrize("payload", [b"", b"\x00\x00", b"{}", b"\x01\x00\x00\x00\x02rest"])
def test_bytes_without_our_header_are_bad_magic(payload: bytes):
    assert reason(payload) == "bad_magic"


def test_an_unknown_writer_id_is_an_unknown_schema():
    assert reason(HEADER.pack(0, 4_000_000_000) + b"x") == "unknown_schema"


@TYPES
def test_a_record_cut_anywhere_is_truncated(record_type: RecordType):
    payload = encode(record_type, sample(record_type))
    for end in range(HEADER.size, len(payload)):
        assert reason(payload[:end]) == "truncated"


@given(st.binary(max_size=200), st.sampled_from(sorted(BY_SCHEMA_ID)))
def test_any_bytes_decode_or_are_undecodable_and_never_raise_otherwise(body: bytes, schema_id: int):
    with contextlib.suppress(Undecodable):
        assert decode(HEADER.pack(0, schema_id) + body)[0] is BY_SCHEMA_ID[schema_id]


@pytest.mark.parametrize(
    ("record_type", "fault"),
    [
        (TRADE, {"price": "dear"}),
        (TRADE, {"trade_id": 2**63}),
        (TRADE, {"aggressor": "maker"}),
        (TRADE, {"symbol": None}),
        (PRICE, {"market_cap_rank": 2**31}),
        (EXTERNAL_BAR, {"unknown_field": 1}),
    ],
)
def test_a_field_that_does_not_fit_is_a_value_error(record_type: RecordType, fault: dict[str, Any]):
    with pytest.raises(ValueError, match=record_type.name):
        encode(record_type, sample(record_type, **fault))


def test_a_missing_field_is_a_value_error():
    record = sample(TRADE)
    del record["price"]
    with pytest.raises(ValueError, match="price"):
        encode(TRADE, record)


def test_nan_is_carried_so_that_a_replay_of_poison_is_possible():
    _, record = decode(encode(TRADE, sample(TRADE, price=math.nan)))
    assert math.isnan(record["price"])


def test_the_key_keeps_a_market_together():
    assert key_of(TRADE, sample(TRADE, source="binance", symbol="BTCUSDC")) == b"binance:BTCUSDC"
