"""The latest state, read at most once a moment however many clients ask.

Viewers poll `/coins` every second. The first of them starts one read; whoever asks while it
runs waits for the same one; for `max_age_s` of real time everybody gets its result. Finished
answers may be kept beside the state they were made of and disappear with it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from api.problems import NotFound
from market.coins import coins
from market.store.rows import LastCandle, Latest, Snapshot

# Distinct table views kept per state; a client that varies the query cannot fill the memory.
MAX_RENDERED = 64


@dataclass(slots=True)
class Known:
    """One latest state, indexed by coin."""

    snapshots: dict[str, list[Snapshot]]
    candles: dict[str, list[LastCandle]]
    rendered: dict[object, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, latest: Latest) -> "Known":
        """Index a state."""
        known = cls(snapshots={}, candles={})
        for snapshot in latest.snapshots:
            known.snapshots.setdefault(snapshot.coin_id, []).append(snapshot)
        for candle in latest.candles:
            known.candles.setdefault(candle.coin_id, []).append(candle)
        return known

    def keep(self, key: object, body: bytes) -> bytes:
        """Keep a finished answer while there is room; returns it."""
        if len(self.rendered) < MAX_RENDERED:
            self.rendered[key] = body
        return body


class LatestState:
    """Single flight around `read`."""

    def __init__(
        self,
        read: Callable[[], Awaitable[Latest]],
        *,
        max_age_s: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._max_age_s = max_age_s
        self._monotonic = monotonic
        self._known: Known | None = None
        self._read_at_s = 0.0
        self._flight: asyncio.Task[Known] | None = None

    async def get(self) -> Known:
        """The state, at most `max_age_s` old. Raises what `read` raises."""
        if self._known is not None and self._monotonic() - self._read_at_s < self._max_age_s:
            return self._known
        if self._flight is None:
            self._flight = asyncio.create_task(self._fly())
            self._flight.add_done_callback(self._landed)
        # Shielded: a client that hangs up must not cancel the read for the others.
        return await asyncio.shield(self._flight)

    async def _fly(self) -> Known:
        started_at_s = self._monotonic()
        known = Known.of(await self._read())
        self._known, self._read_at_s = known, started_at_s
        return known

    def _landed(self, flight: asyncio.Task[Known]) -> None:
        self._flight = None
        if not flight.cancelled():
            flight.exception()  # seen here too, so that a flight nobody waits for stays silent


def require_coin(coin_id: str, known: Known) -> None:
    """Raises NotFound for an id that neither the store nor coins.csv knows."""
    if not (coin_id in known.snapshots or coin_id in known.candles or coin_id in coins()):
        raise NotFound(f"No coin has the id {coin_id!r}; /coins lists them.")
