"""A price that moved by more than 5 % within 60 s of event time. One market. Pure.

The move is the last price of a second against the lowest and the highest of the first and last
prices of the seconds within the 60 s before it, by the clock: however many trades that are.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

from spark_jobs.transforms.anomalies.episodes import About, Episodes, Row, Sighting, spoken, utc

WINDOW_MS = 60_000
OPENS_PCT = 5.0
HOLDS_PCT = 2.5


class PriceMove:
    """State and step of one market."""

    watches: ClassVar[str] = "market"

    def __init__(self) -> None:
        self._episodes = Episodes("price_move", quiet_ms=0)
        # (moment, price): ascending in time, and in price for the lows, descending for the highs.
        self._lows: list[list[float]] = []
        self._highs: list[list[float]] = []

    def step(self, row: Row, about: About) -> Iterator[Row]:
        """Revisions that a second of trades makes."""
        _push(self._lows, row["first_traded_at_ms"], row["open"], sign=1)
        _push(self._highs, row["first_traded_at_ms"], row["open"], sign=-1)
        at_ms, price = row["last_traded_at_ms"], row["close"]
        _push(self._lows, at_ms, price, sign=1)
        _push(self._highs, at_ms, price, sign=-1)
        _drop_before(self._lows, at_ms - WINDOW_MS)
        _drop_before(self._highs, at_ms - WINDOW_MS)
        rise_pct = 100 * (price / self._lows[0][1] - 1)
        fall_pct = 100 * (price / self._highs[0][1] - 1)
        move_pct = rise_pct if rise_pct >= -fall_pct else fall_pct
        opens = abs(move_pct) > OPENS_PCT
        if opens or self._episodes:
            start_ms, before = self._lows[0] if move_pct > 0 else self._highs[0]
            seen = _sighting(row, about, move_pct, int(start_ms), before)
            holds = abs(move_pct) >= HOLDS_PCT
            yield from self._episodes.see(about, seen, opens=opens, holds=holds)

    def save(self) -> list[Any]:
        """The window and the open episode."""
        return [self._lows, self._highs, self._episodes.save()]

    def restore(self, saved: list[Any]) -> None:
        """Take over what was saved."""
        self._lows, self._highs, episodes = saved
        self._episodes.restore(episodes)


def _push(window: list[list[float]], at_ms: int, price: float, *, sign: int) -> None:
    while window and sign * window[-1][1] >= sign * price:
        window.pop()
    window.append([at_ms, price])


def _drop_before(window: list[list[float]], oldest_ms: int) -> None:
    while window[0][0] < oldest_ms:
        del window[0]


def _sighting(
    row: Row, about: About, move_pct: float, started_at_ms: int, before: float
) -> Sighting:
    at_ms = row["last_traded_at_ms"]
    took_s = (at_ms - started_at_ms) / 1000
    verb = "rose" if move_pct > 0 else "fell"
    return Sighting(
        at_ms=at_ms,
        collected_at_ms=row["collected_at_ms"],
        started_at_ms=started_at_ms,
        value=move_pct,
        times=abs(move_pct) / OPENS_PCT,
        threshold=OPENS_PCT,
        unit="pct",
        expected=0.0,
        score=abs(move_pct) / OPENS_PCT,
        n=row["trades"],
        window_ms=WINDOW_MS,
        sources=[about.source],
        trade_ids=_ids(row),
        coordinates=[row["coordinate"]],
        sentence=(
            f"{about.source} {about.symbol} {verb} {abs(move_pct):.2f} % within {took_s:.1f} s,"
            f" from {spoken(before, about.quote or '')} to"
            f" {spoken(row['close'], about.quote or '')} at {utc(at_ms)}"
            f" (threshold {OPENS_PCT:g} % within {WINDOW_MS // 1000} s)."
        ),
    )


def _ids(row: Row) -> list[int]:
    return [row[name] for name in ("first_trade_id", "last_trade_id") if row[name] is not None]
