"""Confluent-framed Avro: byte 0x00, schema id as 4 bytes big-endian, then the Avro body.

Decoding resolves any known writer version to the reader schema of today. A record that cannot be
decoded raises `Undecodable` with a reason from `record_types.REASONS`; it is never guessed.
"""

import io
import struct
from collections.abc import Mapping
from functools import cache
from typing import Any

import fastavro
import fastavro.types

from schemas.record_types import BY_SCHEMA_ID, RecordType

MAGIC = 0
HEADER = struct.Struct(">bI")

Record = Mapping[str, Any]


class Undecodable(Exception):  # noqa: N818 - reads as what the bytes are
    """Bytes that are no record of ours. `reason` is one of `record_types.REASONS`."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@cache
def _parsed(schema_id: int) -> fastavro.types.Schema:
    return fastavro.parse_schema(BY_SCHEMA_ID[schema_id].schemas[schema_id])


def encode(record_type: RecordType, record: Record) -> bytes:
    """Bytes of `record` in its type's newest schema. Raises ValueError where a field is wrong."""
    body = io.BytesIO()
    body.write(HEADER.pack(MAGIC, record_type.latest_id))
    try:
        fastavro.schemaless_writer(body, _parsed(record_type.latest_id), record, strict=True)
    except (TypeError, ValueError, OverflowError, struct.error) as error:
        raise ValueError(f"not a {record_type.name}: {error}") from error
    return body.getvalue()


def decode(payload: bytes) -> tuple[RecordType, dict[str, Any]]:
    """Record type and fields of `payload`, resolved to the newest schema."""
    if len(payload) < HEADER.size or payload[0] != MAGIC:
        raise Undecodable("bad_magic", "the bytes do not start with the Confluent header")
    _, schema_id = HEADER.unpack_from(payload)
    record_type = BY_SCHEMA_ID.get(schema_id)
    if record_type is None:
        raise Undecodable("unknown_schema", f"schema id {schema_id} is not in the table")
    body = io.BytesIO(payload[HEADER.size :])
    try:
        record = fastavro.schemaless_reader(
            body, _parsed(schema_id), _parsed(record_type.latest_id)
        )
    except (EOFError, ValueError, IndexError, KeyError, TypeError, OverflowError) as error:
        raise Undecodable("truncated", f"Avro of schema id {schema_id}: {error!r}") from error
    if not isinstance(record, dict):
        raise Undecodable("truncated", f"schema id {schema_id} did not give a record")
    return record_type, record


def key_of(record_type: RecordType, record: Record) -> bytes:
    """Kafka key: the key fields joined by a colon, so that one market stays in one partition."""
    return ":".join(str(record[name]) for name in record_type.key).encode()
