"""Turns a vendor's field into a number or refuses it with its name: never guesses, never NaN.

Every function raises `RecordRejected("impossible_value", ...)`.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from market.errors import RecordRejected

# Longest piece of a refused row that a dead letter carries.
PAYLOAD_CAP_BYTES = 65_536


def refuse(detail: str, row: object, *, reason: str = "impossible_value") -> RecordRejected:
    """The error for a row, with the row's JSON as payload."""
    payload = row if isinstance(row, bytes) else orjson.dumps(row, default=str)
    return RecordRejected(reason, detail, payload=payload[:PAYLOAD_CAP_BYTES])


def number(row: Mapping[str, Any], name: str) -> float | None:
    """A finite number or None where the field is null or absent."""
    raw = row.get(name)
    if raw is None:
        return None
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise refuse(f"{name} is {raw!r}, not a number", row)
    if not math.isfinite(raw):
        raise refuse(f"{name} is {raw!r}", row)
    return float(raw)


def not_negative(row: Mapping[str, Any], name: str) -> float | None:
    """A number from 0 up, or None."""
    found = number(row, name)
    if found is not None and found < 0:
        raise refuse(f"{name} is {found!r}, below 0", row)
    return found


def positive(row: Mapping[str, Any], name: str) -> float | None:
    """A number above 0, or None."""
    found = number(row, name)
    if found is not None and found <= 0:
        raise refuse(f"{name} is {found!r}, not above 0", row)
    return found


def text(row: Mapping[str, Any], name: str) -> str:
    """A string that is not empty."""
    found = row.get(name)
    if not isinstance(found, str) or not found:
        raise refuse(f"{name} is {found!r}, not a name", row)
    return found


def iso_ms(row: Mapping[str, Any], name: str) -> int | None:
    """Milliseconds UTC of an ISO 8601 time with zone, or None."""
    raw = row.get(name)
    if raw is None:
        return None
    try:
        moment = datetime.fromisoformat(raw)
    except (TypeError, ValueError):
        raise refuse(f"{name} is {raw!r}, not an ISO 8601 time", row) from None
    if moment.tzinfo is None:
        raise refuse(f"{name} is {raw!r}, without a zone", row)
    elapsed = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return elapsed.days * 86_400_000 + elapsed.seconds * 1000 + elapsed.microseconds // 1000
