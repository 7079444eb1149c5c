"""Turns a vendor's field into a number or refuses it with its name: never guesses, never NaN.

Every function raises `RecordRejected("impossible_value", ...)`, but for `read_json`, whose body
holds no row that could be refused.
"""

import json
import math
import reprlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from market.errors import RecordRejected, Retryable

# Longest piece of a refused row that a dead letter carries.
PAYLOAD_CAP_BYTES = 65_536
# For details: bounded in length and depth, since a field may hold a megabyte.
shown = reprlib.repr


def read_json(body: bytes, vendor: str) -> Any:  # noqa: ANN401 - whatever the vendor sent
    """The body's JSON. Raises Retryable where it is none.

    A bare NaN is not JSON, but one field's fault: the standard library reads it, and the checks
    refuse that field's row alone.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise Retryable(f"{vendor}'s answer is not JSON: {body[:80]!r}") from error


def refuse(detail: str, row: object, *, reason: str = "impossible_value") -> RecordRejected:
    """The error for a row, with the row's JSON as payload."""
    return RecordRejected(reason, detail, payload=_payload(row)[:PAYLOAD_CAP_BYTES])


def _payload(row: object) -> bytes:
    """Whatever a parser gave us, also what orjson would not write: huge integers, NaN, surrogates,
    deep nesting. The row is refused because it is strange; that must not end the agent."""
    if isinstance(row, bytes):
        return row
    try:
        return json.dumps(row, default=str).encode()
    except RecursionError:
        return b"nested too deeply to be shown"


def number(row: Mapping[str, Any], name: str) -> float | None:
    """A finite number or None where the field is null or absent."""
    raw = row.get(name)
    if raw is None:
        return None
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise refuse(f"{name} is {shown(raw)}, not a number", row)
    try:
        found = float(raw)
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        raise refuse(f"{name} is {shown(raw)}", row)
    return found


def not_negative(row: Mapping[str, Any], name: str) -> float | None:
    """A number from 0 up, or None."""
    found = number(row, name)
    if found is not None and found < 0:
        raise refuse(f"{name} is {shown(found)}, below 0", row)
    return found


def positive(row: Mapping[str, Any], name: str) -> float | None:
    """A number above 0, or None."""
    found = number(row, name)
    if found is not None and found <= 0:
        raise refuse(f"{name} is {shown(found)}, not above 0", row)
    return found


def text(row: Mapping[str, Any], name: str) -> str:
    """A string that is not empty."""
    found = row.get(name)
    if not isinstance(found, str) or not found:
        raise refuse(f"{name} is {shown(found)}, not a name", row)
    return found


def iso_ms(row: Mapping[str, Any], name: str) -> int | None:
    """Milliseconds UTC of an ISO 8601 time with zone, or None."""
    raw = row.get(name)
    if raw is None:
        return None
    try:
        moment = datetime.fromisoformat(raw)
    except (TypeError, ValueError):
        raise refuse(f"{name} is {shown(raw)}, not an ISO 8601 time", row) from None
    if moment.tzinfo is None:
        raise refuse(f"{name} is {shown(raw)}, without a zone", row)
    elapsed = moment - datetime(1970, 1, 1, tzinfo=UTC)
    if elapsed.days < 0:
        raise refuse(f"{name} is {shown(raw)}, before 1970", row)
    return elapsed.days * 86_400_000 + elapsed.seconds * 1000 + elapsed.microseconds // 1000
