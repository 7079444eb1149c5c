"""Which followed markets have fallen silent while others trade, sans IO.

Sampled once a second from the last ids, so that it costs nothing a trade. A market's usual interval
is a running mean over its own trades; times are platform time, milliseconds.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

TIMES_USUAL = 10
# A silence is checked again when it has lasted this many times as long as at its last check: what
# began to trade unheard since is found, and a still night costs little.
AGAIN_TIMES = 2
# Weight of the newest sample in the running mean.
NEWEST_WEIGHT = 0.1


@dataclass
class _Pace:
    last_id: int
    changed_ms: int
    usual_ms: float | None = None
    checked_ms: int | None = None
    """When its present silence was last named to be checked over REST."""

    def is_due(self, now_ms: int) -> bool:
        """Whether its silence is to be checked (again)."""
        if self.checked_ms is None:
            return True
        return now_ms - self.changed_ms >= AGAIN_TIMES * (self.checked_ms - self.changed_ms)


class Silence:
    """Paces of the followed markets."""

    def __init__(self, *, after_ms: float) -> None:
        self._after_ms = after_ms
        self._paces: dict[str, _Pace] = {}
        self._silent: set[str] = set()
        self.delisted: set[str] = set()
        """Markets that trade no more, by the venue's own word: silent and rightly so."""

    @property
    def silent(self) -> tuple[str, ...]:
        """Markets that are silent while others trade, by name."""
        return tuple(sorted(self._silent - self.delisted))

    def sample(
        self, last_ids: Mapping[str, int], followed: Iterable[str], now_ms: int
    ) -> list[str]:
        """Take in the last ids; returns the markets whose silence is to be checked now."""
        followed = set(followed)
        for gone in self._paces.keys() - followed:
            del self._paces[gone]
        for symbol in followed:
            self._pace(symbol, last_ids.get(symbol, -1), now_ms)
        newest_ms = max((pace.changed_ms for pace in self._paces.values()), default=0)
        others_trade = now_ms - newest_ms < self._after_ms
        self._silent = {
            symbol
            for symbol, pace in self._paces.items()
            if others_trade and now_ms - pace.changed_ms > self._limit_ms(pace)
        }
        due = [symbol for symbol in self._silent if self._paces[symbol].is_due(now_ms)]
        for symbol in due:
            self._paces[symbol].checked_ms = now_ms
        return sorted(due)

    def _limit_ms(self, pace: _Pace) -> float:
        return max(TIMES_USUAL * (pace.usual_ms or 0.0), self._after_ms)

    def _pace(self, symbol: str, last_id: int, now_ms: int) -> None:
        pace = self._paces.get(symbol)
        if pace is None:
            self._paces[symbol] = _Pace(last_id, now_ms)
            return
        trades = last_id - pace.last_id
        if trades == 0:
            return
        if pace.last_id >= 0 and trades > 0:
            newest_ms = (now_ms - pace.changed_ms) / trades
            before_ms = newest_ms if pace.usual_ms is None else pace.usual_ms
            pace.usual_ms = before_ms + NEWEST_WEIGHT * (newest_ms - before_ms)
        pace.last_id, pace.changed_ms, pace.checked_ms = last_id, now_ms, None
        self.delisted.discard(symbol)
