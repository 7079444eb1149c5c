"""Lengths of bars by name, in milliseconds, the shortest first. Borders are UTC."""

from collections.abc import Mapping

INTERVAL_MS: Mapping[str, int] = {
    "1s": 1_000,
    "1m": 60_000,
    "5m": 300_000,
    "15m": 900_000,
    "1h": 3_600_000,
    "4h": 14_400_000,
    "1d": 86_400_000,
}
INTERVAL_NAMES: Mapping[int, str] = {length_ms: name for name, length_ms in INTERVAL_MS.items()}
