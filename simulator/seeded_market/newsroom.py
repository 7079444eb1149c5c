"""What there is to tell of the seeded world, hour by hour, and how people feel about it.

A story of an hour is made of that hour's bars and of days before it, and published after the hour:
nothing is told that was not known. An hour's stories cost a few operations on arrays that the
snapshots hold anyway.
"""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from market.coins import coins
from simulator.headlines import Story, articles_of, money, verb
from simulator.recent import Recent
from simulator.scenario import DAY_MS, FEEDS, HOUR_MS, Article, Mood
from simulator.seeded import stream
from simulator.seeded_market.history import FINE_DAYS
from simulator.seeded_market.listing import Floats, Ints
from simulator.seeded_market.minutes import DayBars
from simulator.seeded_market.world import World

HOURS_KEPT = 128
# A feed shows at most this much past.
LOOK_BACK_HOURS = 48
# Usual hours of a coin; the largest mover of an hour is told from here on.
MOVER = 2.2
STORM = 1.5
CALM = 0.35
BUSY = 2.5
# Records are told of the largest coins only, against the midnights of this many days.
LARGE_COINS = 10
SPANS = ((30, "month"), (7, "week"))
# Days of Fear & Greed that can be asked for.
MOOD_DAYS = 1_000


class Newsroom:
    """Stories and moods of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._hours: Recent[tuple[str, int], list[Article]] = Recent(HOURS_KEPT)
        self._moods: Recent[int, int] = Recent(MOOD_DAYS + 1)
        self._first_hour = (world.start_ms // DAY_MS - FINE_DAYS + 1) * 24

    @cached_property
    def _columns(self) -> Ints:
        """Columns of the USDT markets of coins that move, largest first."""
        listing = self._world.listing
        stable = listing.is_stable
        return np.array(
            [
                column
                for column, market in enumerate(listing.markets)
                if market.quote == "USDT" and not stable[listing.asset_of[column]]
            ]
        )

    def articles(self, feed: str, at_ms: int, limit: int) -> Sequence[Article]:
        """The newest articles of a feed, newest first."""
        if feed not in FEEDS:
            return ()
        told: list[Article] = []
        hour = at_ms // HOUR_MS - 1
        earliest = max(hour - LOOK_BACK_HOURS, self._first_hour)
        while hour >= earliest and len(told) < limit:
            written = self._hours.get((feed, hour), lambda hour=hour: self._written(feed, hour))  # type: ignore[misc]
            told += [one for one in reversed(written) if one.published_at_ms <= at_ms]
            hour -= 1
        return told[:limit]

    def _written(self, feed: str, hour: int) -> list[Article]:
        return articles_of(
            feed,
            self._stories(hour),
            after_ms=(hour + 1) * HOUR_MS,
            label=f"{self._world.seed}",
            random=stream(self._world.seed, "news", feed, hour),
        )

    def _stories(self, hour: int) -> list[Story]:
        day, of_day = divmod(hour, 24)
        bars = self._world.bars(day)
        listing, columns = self._world.listing, self._columns
        first, last = of_day * 60, of_day * 60 + 59
        moves: Floats = bars.close[last, columns] / bars.open[first, columns] - 1
        usual = listing.volatilities[listing.asset_of[columns]] / np.sqrt(24)
        sizes = np.abs(moves) / usual
        stories = []
        mover = int(np.argmax(sizes))
        if sizes[mover] >= MOVER:
            stories.append(self._move(bars, last, mover, moves, usual))
        mean = float(sizes[:LARGE_COINS].mean())
        if mean >= STORM:
            stories.append(Story("storm", self._facts(bars, last, 0, moves)))
        elif mean <= CALM:
            stories.append(Story("calm", self._facts(bars, last, 0, moves)))
        stories += self._records(bars, of_day, moves)
        stories += self._volume(bars, of_day, moves)
        if of_day == 23:
            stories.append(self._day(bars))
        return stories

    def _facts(self, bars: DayBars, row: int, place: int, moves: Floats) -> dict[str, str]:
        column = int(self._columns[place])
        coin = coins()[self._world.listing.markets[column].coin_id]
        price = float(bars.close[row, column] / self._world.listing.price_scales[column])
        return {
            "coin": coin.name,
            "symbol": coin.symbol,
            "price": money(price),
            "move": f"{abs(float(moves[place])) * 100:.1f}%",
        }

    def _move(self, bars: DayBars, row: int, place: int, moves: Floats, usual: Floats) -> Story:
        move = float(moves[place])
        word = verb(move, float(usual[place]) * MOVER / 2)
        facts = {**self._facts(bars, row, place, moves), "verb": word}
        return Story("rise" if move >= 0 else "fall", facts)

    def _records(self, bars: DayBars, of_day: int, moves: Floats) -> list[Story]:
        """The first hour of a day that leaves the range of the midnights before it."""
        listing = self._world.listing
        large = self._columns[:LARGE_COINS]
        midnights = np.array(
            [self._world.days.log_prices(bars.day - ago) for ago in range(SPANS[0][0])]
        )[:, listing.asset_of[large]]
        scales = listing.price_scales[large]
        inside, before = slice(of_day * 60, of_day * 60 + 60), slice(of_day * 60)
        told = []
        for kind, sign, prices in (("high", 1, bars.high), ("low", -1, bars.low)):
            now = np.log(prices[inside][:, large] / scales) * sign
            past = np.log(prices[before][:, large] / scales) * sign
            reached = now.max(axis=0)
            earlier = past.max(axis=0) if of_day else np.full(len(large), -np.inf)
            for place in range(len(large)):
                for days, span in SPANS:
                    limit = (midnights[:days, place] * sign).max()
                    if earlier[place] <= limit < reached[place]:
                        facts = self._facts(bars, of_day * 60 + 59, place, moves)
                        told.append(Story(kind, {**facts, "span": span}))
                        break
        return told[:2]

    def _volume(self, bars: DayBars, of_day: int, moves: Floats) -> list[Story]:
        if of_day < 3:
            return []
        large = self._columns[:LARGE_COINS]
        hours = bars.volume[: of_day * 60 + 60, large].reshape(of_day + 1, 60, -1).sum(axis=1)
        times = hours[-1] / np.maximum(hours[:-1].mean(axis=0), 1)
        place = int(np.argmax(times))
        if times[place] < BUSY:
            return []
        facts = self._facts(bars, of_day * 60 + 59, place, moves)
        return [Story("volume", {**facts, "times": f"{float(times[place]):.1f}"})]

    def _day(self, bars: DayBars) -> Story:
        columns = self._columns
        moves: Floats = bars.close[-1, columns] / bars.open[0, columns] - 1
        best, worst = int(np.argmax(moves)), int(np.argmin(moves))
        loser = self._facts(bars, -1, worst, moves)["coin"]
        return Story("day", {**self._facts(bars, -1, best, moves), "loser": loser})

    def moods(self, at_ms: int, limit: int | None) -> Sequence[Mood]:
        """The newest days of Fear & Greed, newest first."""
        today = at_ms // DAY_MS
        days = range(today, today - min(limit or MOOD_DAYS, MOOD_DAYS), -1)
        return [
            Mood(day * DAY_MS, self._moods.get(day, lambda day=day: self._mood(day)))  # type: ignore[misc]
            for day in days
        ]

    def _mood(self, day: int) -> int:
        """Greed after a rise, fear after a fall and after a day wilder than the month."""
        days, listing = self._world.days, self._world.listing
        bitcoin = listing.asset("bitcoin")
        daily = float(listing.volatilities[bitcoin])
        now = float(days.log_prices(day)[bitcoin])
        week, month = (
            (now - float(days.log_prices(day - ago)[bitcoin])) / (daily * ago**0.5)
            for ago in (7, 30)
        )
        usual = float(np.mean([days.volatility(day - ago) for ago in range(1, 31)]))
        wild = np.log(days.volatility(day - 1) / usual)
        score = 50 + 24 * np.tanh(week) + 16 * np.tanh(month) - 14 * np.tanh(wild)
        return int(np.clip(np.rint(score), 0, 100))
