"""State of a stateful core as bytes: a version, then plain floats. Pure."""

from array import array
from collections.abc import Sequence

from market.errors import Fatal


def packed(version: int, floats: Sequence[float]) -> bytes:
    """Eight bytes a float; whole numbers are exact up to 2^53."""
    return array("d", [version, *floats]).tobytes()


def unpacked(version: int, state: bytes) -> Sequence[float]:
    """The floats. Raises Fatal where the state has another version than the code."""
    floats = array("d")
    floats.frombytes(state)
    if floats[0] != version:
        raise unknown_version(floats[0], version)
    return floats[1:]


def unknown_version(found: float, known: int) -> Fatal:
    """What to do about a state that this code cannot read."""
    return Fatal(
        f"the saved state has version {found:g}, this code reads {known}: raise the `version` of"
        " the query in its job's QUERIES; it then begins anew and overwrites the same points"
    )
