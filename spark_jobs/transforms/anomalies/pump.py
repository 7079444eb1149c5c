"""A pump at its onset: price, volume and buying together, far beyond what is usual. Pure.

Everything is relative to the market itself, so that it works on any quote: the rise of some seconds
against the deviation of its one-minute returns, their volume against the mean of as many seconds
over some hours, and the share of that volume whose takers bought. Trades without a side are left
out of the share; where none of a window has a side there is no pump.

The means forget exponentially over TAU_MS of event time and count minutes without a trade as such.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp, log, sqrt
from typing import Any, ClassVar

from spark_jobs.transforms.anomalies.episodes import About, Episodes, Row, Sighting, utc

MINUTE_MS = 60_000
TAU_MS = 12 * 3_600_000
# Before so much event time since the market's first trade nothing is known to be usual.
WARM_MS = 3_600_000
# A pump and what follows it is one episode: it is over when volume has been ordinary for an hour.
QUIET_MS = 3_600_000
HOLDS_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class PumpRule:
    """What opens an episode, all at once."""

    window_ms: int = 20_000
    rise_pct: float = 6.0
    deviations: float = 10.0
    volume_times: float = 50.0
    buy_share: float = 0.6
    trades: int = 10


@dataclass(frozen=True, slots=True)
class _Burst:
    """The window before a moment; `bought_share` is None where no trade has a side."""

    lowest: float
    onset_ms: int
    rise_pct: float
    needed_pct: float
    volume_times: float
    bought_share: float | None
    trades: int

    def is_pump(self, rule: PumpRule) -> bool:
        """Whether all of the rule is met at once."""
        return (
            self.rise_pct >= self.needed_pct
            and self.volume_times >= rule.volume_times
            and self.trades >= rule.trades
            and self.bought_share is not None
            and self.bought_share >= rule.buy_share
        )


class Pump:
    """State and step of one market."""

    watches: ClassVar[str] = "market"

    def __init__(self, rule: PumpRule | None = None) -> None:
        self._rule = rule or PumpRule()
        self._episodes = Episodes("pump", quiet_ms=QUIET_MS)
        self._usual = _Usual()
        # Seconds of the window: second, open, close, quote volume, bought, sold, trades, first id.
        self._window: list[list[Any]] = []
        self._before: float | None = None  # the close before the window
        self._base: float | None = None  # the price at the onset of the open episode

    def step(self, row: Row, about: About) -> Iterator[Row]:
        """Revisions that a second of trades makes."""
        rule, at_ms = self._rule, row["second_ms"]
        self._usual.reach(at_ms)
        window = self._window
        window.append(
            [
                *(at_ms, row["open"], row["close"], row["quote_volume"]),
                *(row["bought"], row["sold"], row["trades"], row["first_trade_id"]),
            ]
        )
        while window[0][0] <= at_ms - rule.window_ms:
            self._before = window.pop(0)[2]
        usual_volume = self._usual.volume_a_minute * rule.window_ms / MINUTE_MS
        if usual_volume > 0 and at_ms - self._usual.since_ms >= WARM_MS:
            volume = sum(second[3] for second in window)
            times = volume / usual_volume
            if times >= rule.volume_times or self._episodes:
                yield from self._judge(row, about, times)
        self._usual.add(row)

    def _judge(self, row: Row, about: About, volume_times: float) -> Iterator[Row]:
        burst = self._burst(row, volume_times)
        opens = burst.is_pump(self._rule)
        started_at_ms = burst.onset_ms
        if about.subject in self._episodes:
            started_at_ms = self._episodes.started_at_ms(about.subject)
        elif opens:
            self._base = burst.lowest
        else:
            return
        seen = self._sighting(row, about, burst, started_at_ms)
        holds = volume_times >= HOLDS_SHARE * self._rule.volume_times
        yield from self._episodes.see(about, seen, opens=opens, holds=holds)

    def _burst(self, row: Row, volume_times: float) -> "_Burst":
        """What the seconds of the window are like."""
        window, rule = self._window, self._rule
        # The onset is the newest second that was as low.
        lowest, earlier = min((min(one[1], one[2]), -one[0]) for one in window)
        onset_ms = -earlier
        if self._before is not None and self._before < lowest:
            lowest, onset_ms = self._before, window[0][0]
        bought = sum(one[4] for one in window)
        sided = bought + sum(one[5] for one in window)
        return _Burst(
            lowest=lowest,
            onset_ms=onset_ms,
            rise_pct=100 * (row["close"] / lowest - 1),
            needed_pct=max(rule.rise_pct, 100 * rule.deviations * self._usual.deviation),
            volume_times=volume_times,
            bought_share=bought / sided if sided > 0 else None,
            trades=sum(one[6] for one in window),
        )

    def _sighting(self, row: Row, about: About, burst: "_Burst", started_at_ms: int) -> Sighting:
        rule, trades = self._rule, burst.trades
        value = 100 * (row["close"] / (self._base or burst.lowest) - 1)
        share = 100 * (burst.bought_share or 0.0)
        return Sighting(
            at_ms=row["last_traded_at_ms"],
            collected_at_ms=row["collected_at_ms"],
            started_at_ms=started_at_ms,
            value=value,
            times=value / burst.needed_pct,
            threshold=burst.needed_pct,
            unit="pct",
            expected=100 * self._usual.deviation,
            score=burst.volume_times,
            n=trades,
            window_ms=rule.window_ms,
            sources=[about.source],
            trade_ids=[one[7] for one in self._window if one[7] is not None],
            coordinates=[row["coordinate"]],
            sentence=(
                f"{about.source} {about.symbol} rose {value:.1f} % since {utc(started_at_ms)}; the"
                f" last {rule.window_ms // 1000} s had {burst.volume_times:,.0f} times the usual"
                f" volume in {trades} trades, {share:.0f} % of it bought by takers (threshold"
                f" {burst.needed_pct:.1f} %, {rule.volume_times:g} times,"
                f" {100 * rule.buy_share:.0f} %)."
            ),
        )

    def save(self) -> list[Any]:
        """The window, what is usual, the open episode."""
        now = [self._window, self._before, self._base]
        return [now, self._usual.save(), self._episodes.save()]

    def restore(self, saved: list[Any]) -> None:
        """Take over what was saved."""
        (self._window, self._before, self._base), usual, episodes = saved
        self._usual.restore(usual)
        self._episodes.restore(episodes)


class _Usual:
    """Means of whole minutes before the present one, forgetting exponentially."""

    def __init__(self) -> None:
        self.since_ms = -1
        self.volume_a_minute = 0.0
        self.deviation = 0.0
        self._minute_ms = -1
        self._volume = 0.0
        self._close = 0.0
        self._close_before: float | None = None
        # Of minutes: their weight, the weighted volumes and squared returns.
        self._sums = [0.0, 0.0, 0.0]

    def reach(self, at_ms: int) -> None:
        """Close the minute before, where a later one has begun."""
        minute_ms = at_ms - at_ms % MINUTE_MS
        if self._minute_ms < 0:
            self.since_ms, self._minute_ms = at_ms, minute_ms
        if minute_ms == self._minute_ms:
            return
        change = 0.0 if self._close_before is None else log(self._close / self._close_before)
        keeps = exp(-MINUTE_MS / TAU_MS)
        minute = (1.0, self._volume, change * change)
        sums = [keeps * held + new for held, new in zip(self._sums, minute, strict=True)]
        # Minutes in which nobody traded weigh, and have neither volume nor change.
        empty = (minute_ms - self._minute_ms) // MINUTE_MS - 1
        fades = exp(-empty * MINUTE_MS / TAU_MS)
        sums = [fades * held for held in sums]
        sums[0] += (1 - fades) / (1 - keeps)
        self._sums = sums
        self.volume_a_minute = sums[1] / sums[0]
        self.deviation = sqrt(sums[2] / sums[0])
        self._minute_ms, self._volume, self._close_before = minute_ms, 0.0, self._close

    def add(self, row: Row) -> None:
        """Count a second of the present minute."""
        self._volume += row["quote_volume"]
        self._close = row["close"]

    def save(self) -> list[Any]:
        now = [self._minute_ms, self._volume, self._close, self._close_before]
        return [self.since_ms, self.volume_a_minute, self.deviation, now, self._sums]

    def restore(self, saved: list[Any]) -> None:
        self.since_ms, self.volume_a_minute, self.deviation, now, self._sums = saved
        self._minute_ms, self._volume, self._close, self._close_before = now
