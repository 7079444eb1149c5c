"""What was told: the identities of the records in answers that went out whole, per kind.

Trades are not here: all that happened is told by the stream or by REST, so their truth is the
scenario itself. A polled snapshot that nobody asked for was never told, and cannot be had later.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web

# Different snapshots and article versions; 40,000 are two weeks of polling two sources each minute.
KEPT = 40_000

IDENTITIES: Mapping[str, tuple[str, ...]] = {
    "trades": ("source", "symbol", "trade_id"),
    "prices": ("source", "coin_id", "observed_at_ms"),
    "global": ("source", "observed_at_ms"),
    "articles": ("source", "guid", "title"),
    "fear_greed": ("source", "observed_at_ms"),
}
"""Fields of a key, per kind. An article's version is told apart by its title."""

Key = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """One snapshot, article version or day. `subjects`: coin ids, or an article's guid, title."""

    kind: str
    source: str
    observed_at_ms: int
    subjects: tuple[str, ...] = ()

    def identities(self) -> Iterator[Key]:
        """The identities in the order of IDENTITIES."""
        if self.kind == "prices":
            for coin_id in self.subjects:
                yield self.source, coin_id, self.observed_at_ms
        elif self.kind == "articles":
            yield self.source, *self.subjects
        else:
            yield self.source, self.observed_at_ms


TOLD: web.ResponseKey[Sequence[Told]] = web.ResponseKey("told", Sequence[Told])


class Published:
    """What was told, each once, the oldest dropped first."""

    def __init__(self) -> None:
        self._told: dict[Told, None] = {}
        # One tuple of coin ids serves all snapshots of the same coins.
        self._shared: dict[tuple[str, ...], tuple[str, ...]] = {}

    def note(self, answer: Sequence[Told]) -> None:
        """Remember what an answer told."""
        for one in answer:
            if one in self._told:
                continue
            if one.kind == "prices":
                subjects = self._shared.setdefault(one.subjects, one.subjects)
                self._told[Told(one.kind, one.source, one.observed_at_ms, subjects)] = None
            else:
                self._told[one] = None
        while len(self._told) > KEPT:
            del self._told[next(iter(self._told))]

    def keys(self, kind: str, from_ms: int, to_ms: int) -> list[Key]:
        """Keys of one kind observed in [from, to], each once, in order of telling."""
        held = (one for one in self._told if one.kind == kind)
        inside = (one for one in held if from_ms <= one.observed_at_ms <= to_ms)
        return list(dict.fromkeys(key for one in inside for key in one.identities()))
