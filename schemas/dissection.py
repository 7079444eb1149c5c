"""Reads bytes that are no whole record of ours as far as they go, so that a person sees why.

Field by field with the writer's schema that the header names; it stops at the first field that
cannot be read. Never raises.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import fastavro

from schemas.codec import HEADER, MAGIC, Undecodable, decode
from schemas.record_types import BY_SCHEMA_ID

# What arbitrary bytes make a decoder raise.
UNREADABLE = (EOFError, LookupError, TypeError, ValueError, ArithmeticError, MemoryError)


@dataclass(frozen=True, slots=True)
class Dissection:
    """What the bytes show. `first_bad_byte` is None where all of them are read."""

    size_bytes: int
    problem: str | None
    first_bad_byte: int | None = None
    bad_field: str | None = None
    schema_id: int | None = None
    record_name: str | None = None
    version: int | None = None
    """Counts from 1, as in the name of the schema's file."""
    fields: Mapping[str, Any] = field(default_factory=dict)


def dissect(payload: bytes) -> Dissection:
    """Header, fields and the first byte that cannot be read."""
    size = len(payload)
    if not payload or payload[0] != MAGIC:
        missing = "no Confluent header: byte 0 is not 0x00" if payload else "no bytes"
        return Dissection(size, missing, first_bad_byte=0)
    if size < HEADER.size:
        return Dissection(size, "the Confluent header ends early", first_bad_byte=size)
    _, schema_id = HEADER.unpack_from(payload)
    kind = BY_SCHEMA_ID.get(schema_id)
    if kind is None:
        unknown = f"schema id {schema_id} is not in schemas/record_types.py"
        return Dissection(size, unknown, first_bad_byte=1, schema_id=schema_id)
    fields, bad_field, at, problem = _fields(payload, kind.schemas[schema_id])
    return Dissection(
        size_bytes=size,
        problem=problem,
        first_bad_byte=None if problem is None else at,
        bad_field=bad_field,
        schema_id=schema_id,
        record_name=kind.name,
        version=sorted(kind.versions).index(schema_id) + 1,
        fields=fields,
    )


def _fields(
    payload: bytes, schema: Mapping[str, Any]
) -> tuple[dict[str, Any], str | None, int, str | None]:
    """Fields read, the one that is not, the byte where it begins, and the problem."""
    body = io.BytesIO(payload)
    body.seek(HEADER.size)
    found: dict[str, Any] = {}
    for one in schema["fields"]:
        begin = body.tell()
        try:
            found[one["name"]] = fastavro.schemaless_reader(
                body, fastavro.parse_schema(one["type"]), None
            )
        except UNREADABLE as error:
            return found, one["name"], begin, f"{one['name']} cannot be read: {error!r}"
    if (left := len(payload) - body.tell()) > 0:
        return found, None, body.tell(), f"{left} bytes follow the last field"
    try:
        decode(payload)
    except Undecodable as error:
        return found, None, HEADER.size, error.detail
    return found, None, body.tell(), None
