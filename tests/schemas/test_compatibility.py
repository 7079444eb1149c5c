"""The gate: a change of a schema that older records do not survive fails the build."""

import copy
from collections.abc import Callable
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.record_types import RECORD_TYPES, RecordType
from tests.schemas.compatibility import incompatibilities, reread
from tests.schemas.test_codec import TYPES, values

Change = Callable[[dict[str, Any]], Any]

# Each version of a type with each later one, which must read it.
PAIRS = [
    (kind, older, newer) for kind in RECORD_TYPES for older, newer in combinations(kind.versions, 2)
]


@TYPES
def test_versions_stand_oldest_first_with_rising_ids(record_type: RecordType):
    assert list(record_type.versions) == sorted(record_type.versions)
    numbers = [name.split(".")[1] for name in record_type.versions.values()]
    assert numbers == [f"v{number}" for number in range(1, len(numbers) + 1)]


@pytest.mark.parametrize(
    ("kind", "older", "newer"), PAIRS, ids=lambda one: getattr(one, "name", str(one))
)
def test_every_version_reads_all_older_ones(kind: RecordType, older: int, newer: int):
    assert incompatibilities(kind.schemas[newer], kind.schemas[older]) == []


@TYPES
@settings(deadline=None)  # a busy computer is no incompatibility
@given(data=st.data())
def test_what_any_version_wrote_is_read_today_and_says_the_same(
    record_type: RecordType, data: st.DataObject
):
    for writer in record_type.schemas.values():
        record = data.draw(
            st.fixed_dictionaries(
                {field["name"]: values(field["type"]) for field in writer["fields"]}
            )
        )
        found = reread(record, writer=writer, reader=record_type.latest)
        assert found == {**found, **{name: record[name] for name in found.keys() & record.keys()}}
        assert found.keys() == {field["name"] for field in record_type.latest["fields"]}


OLD: dict[str, Any] = {
    "type": "record",
    "name": "Quote",
    "namespace": "cryptoviz",
    "fields": [
        {"name": "source", "type": "string"},
        {"name": "at_ms", "type": "long"},
        {"name": "count", "type": "int"},
        {"name": "note", "type": ["null", "string"], "default": None},
        {"name": "side", "type": {"type": "enum", "name": "Side", "symbols": ["buy", "sell"]}},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "digest", "type": {"type": "fixed", "name": "Digest", "size": 4}},
        {"name": "codes", "type": {"type": "map", "values": "int"}},
        {
            "name": "venue",
            "type": {
                "type": "record",
                "name": "Venue",
                "fields": [{"name": "host", "type": "string"}],
            },
        },
    ],
}
OLD_RECORD = {
    "source": "x",
    "at_ms": 2**60 + 1,
    "count": 3,
    "note": "n",
    "side": "sell",
    "tags": ["a"],
    "digest": b"1234",
    "codes": {"a": 1},
    "venue": {"host": "h"},
}


def changed(change: Change) -> dict[str, Any]:
    schema = copy.deepcopy(OLD)
    change(schema)
    return schema


def field(schema: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in schema["fields"] if one["name"] == name)


def added(**new: Any) -> Change:
    return lambda schema: schema["fields"].append(new)


def typed(name: str, avro_type: Any) -> Change:
    return lambda schema: field(schema, name).update(type=avro_type)


def without(name: str) -> Change:
    return lambda schema: schema["fields"].remove(field(schema, name))


def renamed(old_name: str, **update: Any) -> Change:
    return lambda schema: field(schema, old_name).update(update)


COMPATIBLE: dict[str, Change] = {
    "a field with a default": added(name="rank", type=["null", "int"], default=None),
    "a field that is gone": without("tags"),
    "an int that became a long": typed("count", "long"),
    "an int that became a double": typed("count", "double"),
    "a field that may now be null": typed("at_ms", ["null", "long"]),
    "one branch more": typed("note", ["null", "string", "long"]),
    "branches in another order": typed("note", ["string", "null"]),
    "one symbol more": typed(
        "side", {"type": "enum", "name": "Side", "symbols": ["buy", "sell", "none"]}
    ),
    "a field under a new name with the old as alias": renamed(
        "source", name="origin", aliases=["source"]
    ),
    "a default that was given": renamed("count", default=0),
    "words": renamed("count", doc="Fills."),
}
INCOMPATIBLE: dict[str, tuple[Change, str]] = {
    "a field without a default": (added(name="rank", type="int"), "rank: added without"),
    "a field under a new name": (renamed("source", name="origin"), "origin: added without"),
    "a default that is gone": (
        lambda schema: field(schema, "note").pop("default"),
        "note: its default was removed",
    ),
    "a string that became a number": (typed("source", "long"), "source: string became long"),
    "a long that became an int": (typed("at_ms", "int"), "at_ms: long became int"),
    "a long that became a double": (typed("at_ms", "double"), "at_ms: long became double"),
    "a field that may no longer be null": (typed("note", "string"), "note<null>: null became"),
    "a branch that is gone": (typed("note", ["null", "long"]), "note<string>: no branch"),
    "a symbol that is gone": (
        typed("side", {"type": "enum", "name": "Side", "symbols": ["buy"]}),
        "side: symbols ['sell'] were removed",
    ),
    "a symbol that is gone behind a default": (
        typed("side", {"type": "enum", "name": "Side", "symbols": ["buy"], "default": "buy"}),
        "side: symbols ['sell'] were removed",
    ),
    "an enum under a new name": (
        typed("side", {"type": "enum", "name": "Taker", "symbols": ["buy", "sell"]}),
        "was renamed to",
    ),
    "items of another type": (
        typed("tags", {"type": "array", "items": "long"}),
        "tags[]: string became long",
    ),
    "values of another type": (
        typed("codes", {"type": "map", "values": "string"}),
        "codes{}: int became string",
    ),
    "another size": (
        typed("digest", {"type": "fixed", "name": "Digest", "size": 8}),
        "digest: size 4 became 8",
    ),
    "another meaning of a number": (
        typed("at_ms", {"type": "long", "logicalType": "timestamp-micros"}),
        "logical type None became timestamp-micros",
    ),
    "a field inside a record": (
        lambda schema: field(schema, "venue")["type"]["fields"].append(
            {"name": "port", "type": "int"}
        ),
        "venue.port: added without",
    ),
    "the record under a new name": (
        lambda schema: schema.update(name="Tick"),
        "was renamed to cryptoviz.Tick",
    ),
}


@pytest.mark.parametrize("change", COMPATIBLE.values(), ids=COMPATIBLE)
def test_a_change_that_old_records_survive_is_let_through(change: Change):
    newer = changed(change)
    assert incompatibilities(newer, OLD) == []
    found = reread(OLD_RECORD, writer=OLD, reader=newer)
    assert found.keys() == {one["name"] for one in newer["fields"]}


@pytest.mark.parametrize(("change", "words"), INCOMPATIBLE.values(), ids=INCOMPATIBLE)
def test_a_planted_change_that_old_records_do_not_survive_is_refused(change: Change, words: str):
    found = incompatibilities(changed(change), OLD)
    assert len(found) == 1
    assert words in found[0]


def test_the_gate_is_transitive():
    """The third version reads the second and not the first: looking at neighbours is too little."""
    first = OLD
    second = changed(added(name="rank", type="int", default=0))
    third = changed(added(name="rank", type="int"))
    assert incompatibilities(second, first) == []
    assert [*incompatibilities(third, first)] == ["record.rank: added without a default"]
    assert "default was removed" in incompatibilities(third, second)[0]
