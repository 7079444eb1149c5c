"""Which anomalies are planted in a day of the seeded world, where and when.

Each hour has a price move, a burst of volume, a whale and a silent market; hours of an even number
have a divergence and a market-cap overtake besides, the others a pump. A plant begins and ends
within its hour, and is left out where it would begin before the start. A market is not used again
for some hours. Drawn from the seed, the day and the day's own prices; nothing else.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import cycle, pairwise
from math import ceil, log

import numpy as np

from market.anomaly import AnomalyKind
from simulator.scenario import DAY_MS, MINUTE_MS
from simulator.seeded import stream
from simulator.seeded_market.coin_facts import FACTS, SMALL_COIN
from simulator.seeded_market.listing import Floats, Ints, Listing

DAY_HOURS = 24
# Busy enough that a minute's move is made of many trades, small enough to be moved.
MOVABLE_MARKETS = 32
WHALE_MARKETS = 12
DIVERGING = "BTCUSDC"
# Too large to be moved by anybody.
ANCHORS = ("bitcoin", "ethereum")
# Sizes, each drawn evenly (the whale's in log): relative moves, and dollars.
MOVES: Mapping[AnomalyKind, tuple[float, float]] = {
    "price_move": (0.065, 0.09),
    "divergence": (0.02, 0.03),
    "pump": (0.25, 0.45),
}
WHALE_USD = (1.2e6, 4e6)
# The coin that overtakes ends this far above the other; it gains at most so much a minute, so that
# no price move comes of it. Neighbours nearer than the first or further than the second are left.
OVERTAKE_MARGIN, OVERTAKE_A_MINUTE = 0.03, 0.0065
NEIGHBOURS = (0.005, 0.06)
# Within the hour: 14 minutes of rise at most, as many of fall.
OVERTAKE_HOLD, LATEST_OVERTAKE = 15, 12


@dataclass(frozen=True, slots=True)
class Shape:
    """Minutes of rise, hold and fall, and what the trades of each are times usual."""

    rise: int
    hold: int
    fall: int
    trades: tuple[float, float, float] = (1.0, 1.0, 1.0)
    size: float = 1.0
    buys: tuple[float, float, float] | None = None
    """Share of trades whose taker bought; None leaves it to the price."""

    @property
    def minutes(self) -> int:
        """From first to last."""
        return self.rise + self.hold + self.fall


SHAPES: Mapping[AnomalyKind, Shape] = {
    # Five per cent within 60 s and half an hour of calm return.
    "price_move": Shape(1, 3, 15, trades=(4.0, 2.0, 1.0), size=1.5),
    "volume": Shape(0, 4, 0, trades=(1.0, 12.0, 1.0), size=5.0),
    "divergence": Shape(3, 10, 3),
    "whale": Shape(0, 1, 0, trades=(1.0, 2.0, 1.0)),
    # As announced ones go: up within a minute, at hundreds of times the usual volume.
    "pump": Shape(1, 2, 12, trades=(60.0, 25.0, 8.0), size=4.0, buys=(0.9, 0.5, 0.3)),
    # The agent calls a market silent after 60 s, at the demo's usual speed after eleven minutes.
    "silence": Shape(0, 25, 0, trades=(1.0, 0.0, 1.0)),
}
EVERY_HOUR: tuple[AnomalyKind, ...] = ("price_move", "volume", "whale", "silence")
BY_PARITY: tuple[tuple[AnomalyKind, ...], ...] = (("divergence", "overtake"), ("pump",))
FIRST_MINUTE, LAST_MINUTE = 3, 58


@dataclass(frozen=True, slots=True)
class Plant:
    """One planted anomaly of a market (its column), from a minute of the day on."""

    kind: AnomalyKind
    column: int
    minute: int
    shape: Shape
    log_shift: float = 0.0
    """At its top; added to the logarithm of the market's price."""
    units: int = 0
    """Quantity of the whale's trade, in steps."""
    other_column: int | None = None
    """Of the coin that is overtaken."""

    @property
    def end_minute(self) -> int:
        """Exclusive."""
        return self.minute + self.shape.minutes


def day_plants(
    listing: Listing, *, seed: int, day: int, start_ms: int, log_prices: Floats
) -> tuple[Plant, ...]:
    """The plants of a day. `log_prices` (1441, markets) are its prices without them."""
    random = stream(seed, "plants", day)
    # A walk through all of them: a market comes again when all others have had their turn.
    movable = cycle(random.permutation(_movable(listing)).tolist())
    plants: list[Plant] = []
    for hour in range(DAY_HOURS):
        drawn = _Hour(listing, hour * 60, random, log_prices, movable)
        plants += filter(None, map(drawn.plant, EVERY_HOUR + BY_PARITY[hour % 2]))
    return tuple(one for one in plants if day * DAY_MS + one.minute * MINUTE_MS >= start_ms)


def _movable(listing: Listing) -> Ints:
    columns = [
        column
        for column, market in enumerate(listing.markets)
        if market.quote == "USDT"
        and market.coin_id not in ANCHORS
        and not listing.is_stable[listing.asset_of[column]]
    ]
    return np.array(columns[:MOVABLE_MARKETS])


@dataclass(slots=True)
class _Hour:
    """Draws the plants of one hour, no market twice."""

    listing: Listing
    first_minute: int
    random: np.random.Generator
    log_prices: Floats
    movable: Iterator[int]
    taken: set[int] = field(default_factory=set)

    def plant(self, kind: AnomalyKind) -> Plant | None:
        """One of a kind; None where the hour's prices offer no occasion."""
        if kind == "overtake":
            return self._overtake()
        shape = SHAPES[kind]
        minute = self._minute(LAST_MINUTE - shape.minutes)
        if kind == "whale":
            return self._whale(minute, shape)
        if kind == "divergence":
            column = [market.symbol for market in self.listing.markets].index(DIVERGING)
        else:
            column = next(one for one in self.movable if one not in self.taken)
        return Plant(kind, self._take(column), minute, shape, self._log_shift(kind))

    def _whale(self, minute: int, shape: Shape) -> Plant:
        large = [
            column
            for column in range(WHALE_MARKETS)
            if column not in self.taken and self._moves(column)
        ]
        column = large[int(self.random.integers(len(large)))]
        usd = float(np.exp(self.random.uniform(*np.log(WHALE_USD))))
        price = float(np.exp(self.log_prices[minute, column]))
        units = round(usd / price / float(self.listing.quantity_steps[column]))
        return Plant("whale", self._take(column), minute, shape, units=units)

    def _minute(self, last: int) -> int:
        return self.first_minute + int(self.random.integers(FIRST_MINUTE, last + 1))

    def _take(self, column: int) -> int:
        self.taken.add(column)
        return column

    def _log_shift(self, kind: AnomalyKind) -> float:
        """A pump goes up; the others either way."""
        size = MOVES.get(kind)
        if size is None:
            return 0.0
        moved = self.random.uniform(*size)
        is_up = kind == "pump" or self.random.random() < 0.5
        return log(1 + moved) if is_up else log(1 - moved)

    def _overtake(self) -> Plant | None:
        """The lower of two neighbours by market cap rises above the other, stays, and falls back.

        Any two neighbours near enough will do, drawn by lot.
        """
        minute = self._minute(LATEST_OVERTAKE)
        caps = self.log_prices[minute] + log_supplies(self.listing)
        columns = [one for one in np.argsort(-caps).tolist() if np.isfinite(caps[one])]
        occasions = [
            (above, below)
            for above, below in pairwise(columns)
            if NEIGHBOURS[0] < caps[above] - caps[below] < NEIGHBOURS[1]
            and not self.taken & {above, below}
            and self._moves(above)
            and self._moves(below)
        ]
        if not occasions:
            return None
        above, below = occasions[int(self.random.integers(len(occasions)))]
        shift = float(caps[above] - caps[below]) + OVERTAKE_MARGIN
        rise = ceil(shift / OVERTAKE_A_MINUTE)
        shape = Shape(rise, OVERTAKE_HOLD, rise)
        return Plant(
            "overtake", self._take(below), minute, shape, shift, other_column=self._take(above)
        )

    def _moves(self, column: int) -> bool:
        return not self.listing.is_stable[self.listing.asset_of[column]]


def log_supplies(listing: Listing) -> Floats:
    """(markets,) logarithm of each coin's circulating supply at its main market here; elsewhere,
    and where nobody knows the supply, minus infinity."""
    supplies = [FACTS.get(one.coin_id, SMALL_COIN).supply[0] for one in listing.markets]
    return np.array(
        [
            log(supply) if supply and market.quote == "USDT" else -np.inf
            for supply, market in zip(supplies, listing.markets, strict=True)
        ]
    )
