"""A minute with far more volume than the market's minutes of a trailing week. One market. Pure.

Volumes are log-normal and a plain z of them exceeds 3 every few minutes, so both the median and the
deviation are those of the logarithms: z = (log2 v - median) / max(1.4826 x MAD, floor). It opens
within the minute, as soon as the volume so far is beyond.
"""

from collections.abc import Iterator
from math import log2
from typing import Any, ClassVar

from spark_jobs.transforms.anomalies.episodes import About, Episodes, Row, Sighting, spoken, utc
from spark_jobs.transforms.anomalies.week import Week, bin_of, median_and_sigma

MINUTE_MS = 60_000
OPENS_Z = 3.0
HOLDS_Z = 2.0
# Beyond z a minute must be this many times the median: what is 3 deviations on a market whose
# minutes are all alike matters to nobody.
LEAST_TIMES = 10.0
# Minutes with trades before anything is said.
LEAST_MINUTES = 120
# Of the standard deviation, in doublings: one doubling is ordinary on every market.
SIGMA_FLOOR = 1.0
QUIET_MS = 120_000


class Volume:
    """State and step of one market."""

    watches: ClassVar[str] = "market"

    def __init__(self) -> None:
        self._episodes = Episodes("volume", quiet_ms=QUIET_MS)
        self._week = Week()
        self._minute_ms = -1
        self._volume = 0.0
        # Of the minutes before this one: how many, median and deviation of log2 of their volumes.
        self._usual: list[float] = [0, 0.0, 0.0]

    def step(self, row: Row, about: About) -> Iterator[Row]:
        """Revisions that a second of trades makes."""
        minute_ms = row["second_ms"] - row["second_ms"] % MINUTE_MS
        if minute_ms != self._minute_ms:
            self._close(minute_ms)
        self._volume += row["quote_volume"]
        minutes, median, sigma = self._usual
        if minutes < LEAST_MINUTES:
            return
        expected = 2.0**median
        opens_at = expected * max(LEAST_TIMES, 2.0 ** (OPENS_Z * sigma))
        opens = self._volume > opens_at
        if opens or self._episodes:
            seen = _sighting(row, about, self._volume, opens_at, self._usual)
            holds = self._volume >= expected * 2.0 ** (HOLDS_Z * sigma)
            yield from self._episodes.see(about, seen, opens=opens, holds=holds)

    def _close(self, minute_ms: int) -> None:
        if self._minute_ms >= 0 and self._volume > 0:
            self._week.add(self._minute_ms, [bin_of(self._volume)])
        self._minute_ms, self._volume = minute_ms, 0.0
        counts = self._week.counts(minute_ms)
        if minutes := sum(counts.values()):
            median, sigma = median_and_sigma(counts)
            self._usual = [minutes, median, max(sigma, SIGMA_FLOOR)]

    def save(self) -> list[Any]:
        """The week, this minute so far, what is usual in it, the open episode."""
        now = [self._minute_ms, self._volume, self._usual]
        return [self._week.save(), now, self._episodes.save()]

    def restore(self, saved: list[Any]) -> None:
        """Take over what was saved."""
        week, (self._minute_ms, self._volume, self._usual), episodes = saved
        self._week.restore(week)
        self._episodes.restore(episodes)


def _sighting(
    row: Row, about: About, volume: float, opens_at: float, usual: list[float]
) -> Sighting:
    minutes, median, sigma = usual
    expected = 2.0**median
    z = (log2(volume) - median) / sigma
    quote = about.quote or ""
    minute_ms = row["second_ms"] - row["second_ms"] % MINUTE_MS
    return Sighting(
        at_ms=row["last_traded_at_ms"],
        collected_at_ms=row["collected_at_ms"],
        started_at_ms=minute_ms,
        value=volume,
        times=volume / opens_at,
        threshold=opens_at,
        unit=quote or "quote",
        expected=expected,
        score=z,
        n=int(minutes),
        window_ms=MINUTE_MS,
        sources=[about.source],
        trade_ids=[one for one in (row["last_trade_id"],) if one is not None],
        coordinates=[row["coordinate"]],
        sentence=(
            f"{about.source} {about.symbol} traded {spoken(volume, quote)} in the minute of"
            f" {utc(minute_ms)}, {volume / expected:,.0f} times its median of"
            f" {spoken(expected, quote)} over {minutes:,.0f} minutes of a week (robust z {z:.1f},"
            f" threshold {OPENS_Z:g})."
        ),
    )
