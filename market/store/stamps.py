"""Nanosecond stamps of points that can share a millisecond with others of the same tags. Pure."""

from hashlib import sha256

NS_IN_MS = 1_000_000


def stamp_ns(moment_ms: int, identity: str) -> int:
    """The millisecond, and within it a place that goes by the identity alone."""
    place = int.from_bytes(sha256(identity.encode()).digest()[:8]) % NS_IN_MS
    return moment_ms * NS_IN_MS + place
