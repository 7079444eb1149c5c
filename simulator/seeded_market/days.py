"""The world by days: prices at midnight, how stormy a day is, how many trades it has.

Days are drawn 64 at once and added up from the start's day in both directions, so that any day is
cheap. Stable coins do not walk: each midnight they stand near one dollar.
"""

from dataclasses import dataclass

import numpy as np

from simulator.seeded import stream
from simulator.seeded_market.listing import Floats, Ints, Listing

CHUNK_DAYS = 64
# Two slow tides of volatility (days, strength in log) and each day's own weather.
TIDES = ((23.0, 0.30), (61.0, 0.25))
WEATHER = 0.30
# One day in twenty-five is a storm, this much wilder.
STORM_CHANCE = 0.04
STORM = 2.0
# Busy days trade more, but less than in proportion; people trade less on Saturday and Sunday.
ACTIVITY_OF_VOLATILITY = 0.7
WEEKEND = 0.75
QUIETEST, BUSIEST = 0.5, 2.5


@dataclass(frozen=True)
class _Chunk:
    log_prices: Floats
    """(65, assets), relative to the chunk's first midnight."""
    volatility: Floats
    """(64,), 1 is a usual day."""
    ids: Ints
    """(65, markets), trades since the chunk's first midnight."""
    pegs: Floats
    """(64, assets), where a stable coin stands, in its volatilities from one dollar (log)."""
    wicks: Floats
    """(64, assets, 3), standard normal draws for days that are asked for as one candle."""


class Days:
    """Midnights of the world, anchored so that the start's day opens at the listed prices."""

    def __init__(self, listing: Listing, *, seed: int, start_day: int) -> None:
        self.listing = listing
        self.seed = seed
        self.start_day = start_day
        self._phases = stream(seed, "tides").random(len(TIDES)) * 2 * np.pi
        self._drawn: dict[int, _Chunk] = {}
        self._bases: dict[int, tuple[Floats, Ints]] = {}
        chunk, row = divmod(start_day, CHUNK_DAYS)
        first = self._chunk(chunk)
        self._bases[chunk] = (listing.log_prices - first.log_prices[row], -first.ids[row])

    def log_prices(self, day: int) -> Floats:
        """Natural logarithm of each asset's price in dollars at 00:00 UTC of a day."""
        chunk, row = divmod(day, CHUNK_DAYS)
        walked = self._base(chunk)[0] + self._chunk(chunk).log_prices[row]
        near_one = self._chunk(chunk).pegs[row]
        pegged = self.listing.log_prices + near_one * self.listing.volatilities
        prices: Floats = np.where(self.listing.is_stable, pegged, walked)
        return prices

    def volatility(self, day: int) -> float:
        """How wild a day is; 1 is usual."""
        chunk, row = divmod(day, CHUNK_DAYS)
        return float(self._chunk(chunk).volatility[row])

    def wicks(self, day: int) -> Floats:
        """(assets, 3) standard normal draws for a day's candle: above, below, size."""
        chunk, row = divmod(day, CHUNK_DAYS)
        draws: Floats = self._chunk(chunk).wicks[row]
        return draws

    def ids_before(self, day: int) -> Ints:
        """Trades of each market from the start day's midnight to a day's; negative before it."""
        chunk, row = divmod(day, CHUNK_DAYS)
        before: Ints = self._base(chunk)[1] + self._chunk(chunk).ids[row]
        return before

    def _base(self, chunk: int) -> tuple[Floats, Ints]:
        while chunk not in self._bases:
            highest, lowest = max(self._bases), min(self._bases)
            if chunk > highest:
                prices, ids = self._bases[highest]
                drawn = self._chunk(highest)
                self._bases[highest + 1] = (prices + drawn.log_prices[-1], ids + drawn.ids[-1])
            else:
                prices, ids = self._bases[lowest]
                drawn = self._chunk(lowest - 1)
                self._bases[lowest - 1] = (prices - drawn.log_prices[-1], ids - drawn.ids[-1])
        return self._bases[chunk]

    def _chunk(self, chunk: int) -> _Chunk:
        if chunk not in self._drawn:
            self._drawn[chunk] = self._draw(chunk)
        return self._drawn[chunk]

    def _draw(self, chunk: int) -> _Chunk:
        random = stream(self.seed, "days", chunk)
        assets, markets = len(self.listing.coin_ids), len(self.listing.markets)
        days = chunk * CHUNK_DAYS + np.arange(CHUNK_DAYS)
        tide = sum(
            strength * np.sin(2 * np.pi * days / length + phase)
            for (length, strength), phase in zip(TIDES, self._phases, strict=True)
        )
        volatility = np.exp(tide + WEATHER * random.standard_normal(CHUNK_DAYS))
        volatility *= np.where(random.random(CHUNK_DAYS) < STORM_CHANCE, STORM, 1.0)
        factor = random.standard_normal((CHUNK_DAYS, 1))
        own = random.standard_normal((CHUNK_DAYS, assets))
        betas = self.listing.betas
        moves = betas * factor + np.sqrt(1 - betas**2) * own
        steps = moves * self.listing.volatilities * volatility[:, None]
        weekend = np.where((days + 3) % 7 >= 5, WEEKEND, 1.0)  # day 0 was a Thursday
        activity = np.clip(volatility**ACTIVITY_OF_VOLATILITY, QUIETEST, BUSIEST) * weekend
        counts = np.rint(activity[:, None] * self.listing.trades_per_day).astype(np.int64)
        return _Chunk(
            log_prices=np.vstack([np.zeros(assets), np.cumsum(steps, axis=0)]),
            volatility=volatility,
            ids=np.vstack([np.zeros(markets, np.int64), np.cumsum(counts, axis=0)]),
            pegs=random.standard_normal((CHUNK_DAYS, assets)),
            wicks=random.standard_normal((CHUNK_DAYS, assets, 3)),
        )
