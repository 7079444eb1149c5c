"""News and mood of recorded bars: few and plain, from what the bars say alone.

An hour in which a market moved by `MOVE` or more is told, and each day by its close. Fear & Greed
goes by the last week of the main market, as far as the files reach; without a day before it there
is no value.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence

import numpy as np

from market.coins import coins
from simulator.headlines import Story, articles_of, money, verb
from simulator.recent import Recent
from simulator.recorded_bars.bar_market import BarMarket
from simulator.scenario import DAY_MS, FEEDS, HOUR_MS, Article, Mood
from simulator.seeded import stream

MOVE = 0.015
HOURS_KEPT = 256
LOOK_BACK_HOURS = 48
# A usual day of a large coin; a week of them is this times the root of 7.
USUAL_DAY = 0.025
WEEK = 7


class BarNews:
    """Stories of a few recorded markets."""

    def __init__(self, markets: Mapping[str, BarMarket], *, seed: int) -> None:
        self._markets = markets
        self._seed = seed
        self._hours: Recent[tuple[str, int], list[Article]] = Recent(HOURS_KEPT)

    def articles(self, feed: str, at_ms: int, limit: int) -> Sequence[Article]:
        """The newest articles of a feed, newest first."""
        if feed not in FEEDS:
            return ()
        told: list[Article] = []
        last = at_ms // HOUR_MS - 1
        for hour in range(last, last - LOOK_BACK_HOURS, -1):
            written = self._hours.get((feed, hour), lambda hour=hour: self._written(feed, hour))  # type: ignore[misc]
            told += [one for one in reversed(written) if one.published_at_ms <= at_ms]
            if len(told) >= limit:
                break
        return told[:limit]

    def _written(self, feed: str, hour: int) -> list[Article]:
        return articles_of(
            feed,
            [story for market in self._markets.values() for story in self._stories(market, hour)],
            after_ms=(hour + 1) * HOUR_MS,
            label=f"bars/{self._seed}",
            random=stream(self._seed, "bar news", feed, hour),
        )

    def _stories(self, market: BarMarket, hour: int) -> list[Story]:
        times = market.table.open_times_ms
        first, end = (bisect_left(times, at * HOUR_MS) for at in (hour, hour + 1))
        if first == end:
            return []
        opened, closed = float(market.table[first].open), float(market.table[end - 1].close)
        move = closed / opened - 1
        coin = coins()[market.market.coin_id]
        facts = {
            "coin": coin.name,
            "symbol": coin.symbol,
            "price": money(closed),
            "move": f"{abs(move) * 100:.1f}%",
            "verb": verb(move, MOVE),
        }
        if abs(move) >= MOVE:
            return [Story("rise" if move >= 0 else "fall", facts)]
        return [Story("calm", facts)] if hour % 24 == 23 else []

    def moods(self, main: BarMarket, at_ms: int, limit: int | None) -> Sequence[Mood]:
        """The newest days, newest first, as far as the file knows a day before."""
        moods: list[Mood] = []
        first_day = -(-main.table.open_times_ms[0] // DAY_MS) + 1
        today = at_ms // DAY_MS
        for day in range(today, first_day - 1, -1):
            if limit is not None and len(moods) == limit:
                break
            index = mood_of(main, day)
            if index is not None:
                moods.append(Mood(day * DAY_MS, index))
        return moods


def mood_of(market: BarMarket, day: int) -> int | None:
    """Fear & Greed of a day out of the week before it."""
    closes = []
    for ago in range(WEEK + 1):
        bar = market.bar_closed_by((day - ago) * DAY_MS)
        if bar is None:
            break
        closes.append(float(bar.close))
    if len(closes) < 2:
        return None
    span = len(closes) - 1
    rise = np.log(closes[0] / closes[-1]) / (USUAL_DAY * span**0.5)
    wild = np.abs(np.log(closes[0] / closes[1])) / USUAL_DAY
    return int(np.clip(np.rint(50 + 35 * np.tanh(rise / 2) - 12 * np.tanh(wild - 1)), 0, 100))
