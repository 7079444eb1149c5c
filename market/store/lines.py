"""Line protocol for few rows made in Python; Spark's rows go by `line_protocol.py`. Pure.

A null or not finite field is left out of its line; a row without any field makes no line.
"""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from market.store.measurements import FieldType, Measurement
from market.store.stamps import NS_IN_MS

_TAG = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ ", "\r": "\\ ", "\n": "\\ ", "\\": "\\ "})
_TEXT = str.maketrans({'"': '\\"', "\\": "\\\\"})


def line_of(measurement: Measurement, row: Mapping[str, Any]) -> str | None:
    """The line of a row with the measurement's tags, fields and stamp; absent is null."""
    tags = [f",{name}={str(row[name]).translate(_TAG)}" for name in measurement.tags if row[name]]
    told = (_field(name, kind, row.get(name)) for name, kind in measurement.fields.items())
    fields = [field for field in told if field is not None]
    if not fields:
        return None
    stamp = row[measurement.stamp] * (NS_IN_MS if measurement.stamp == "time_ms" else 1)
    return f"{measurement.name}{''.join(tags)} {','.join(fields)} {stamp}"


def _field(name: str, kind: FieldType, cell: Any) -> str | None:  # noqa: ANN401 - a cell
    if cell is None:
        return None
    if kind == "float":
        return f"{name}={float(cell)!r}" if isfinite(cell) else None
    if kind == "int":
        return f"{name}={int(cell)}i"
    if kind == "bool":
        return f"{name}={str(cell).lower()}"
    return f'{name}="{str(cell).translate(_TEXT)}"'
