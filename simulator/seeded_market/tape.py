"""One hour's trades of one market, made so that they reproduce its one-minute bars exactly.

The first trade of a minute is at its open, the last at its close; a minute that rose visits its
low before its high, one that fell its high before its low. Sizes are heavy-tailed and add up to
the minute's volume. Everything is in whole steps.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.scenario import MINUTE_MS
from simulator.seeded_market.listing import Floats, Ints

# Log spread of trade sizes: one trade in a hundred is twenty times the median.
SIZE_SPREAD = 1.3
# Standard deviations: no trade is over fifty times the median by chance.
LARGEST = 3.0
# Trades leave the straight way between two turns by this share of the minute's range.
NOISE = 0.12


@dataclass(frozen=True)
class HourTape:
    """Trades of an hour in order; minute i holds the rows starts[i] to starts[i + 1]."""

    starts: Ints
    times_ms: Ints
    """Since the hour's begin."""
    prices: Ints
    quantities: Ints
    buyer_is_maker: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class MinuteBars:
    """Bars of one market: arrays over the minutes of an hour."""

    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints
    counts: Ints
    whales: Ints
    """Of the volume: what one trade of the minute has alone."""
    buys: Floats
    """Share of trades whose taker bought, NaN where it goes by the price."""


def _turns(bars: MinuteBars, starts: Ints, random: np.random.Generator) -> tuple[Ints, Ints]:
    """Rows at which the price is fixed, and the prices there, in order of the rows."""
    counts, first = bars.counts, starts[:-1]
    rose = bars.close >= bars.open
    early, late = random.random((2, len(counts)))
    one = 1 + np.floor(early * np.maximum(counts - 3, 0)).astype(np.int64)
    two = one + 1 + np.floor(late * np.maximum(counts - 2 - one, 0)).astype(np.int64)
    turn_one, turn_two = np.where(rose, bars.low, bars.high), np.where(rose, bars.high, bars.low)
    rows = np.concatenate(
        [
            first[counts >= 1],
            (first + one)[counts >= 3],
            (first + two)[counts >= 4],
            (first + counts - 1)[counts >= 2],
        ]
    )
    prices = np.concatenate(
        [
            bars.open[counts >= 1],
            turn_one[counts >= 3],
            turn_two[counts >= 4],
            bars.close[counts >= 2],
        ]
    )
    order = np.argsort(rows)
    return rows[order], prices[order]


def _prices(bars: MinuteBars, starts: Ints, random: np.random.Generator) -> Ints:
    total = int(starts[-1])
    rows, fixed = _turns(bars, starts, random)
    way: Floats = np.interp(np.arange(total), rows, fixed)
    low, high = np.repeat(bars.low, bars.counts), np.repeat(bars.high, bars.counts)
    way += random.standard_normal(total) * NOISE * (high - low)
    prices: Ints = np.clip(np.rint(way).astype(np.int64), low, high)
    prices[rows] = fixed
    return prices


def _quantities(bars: MinuteBars, starts: Ints, random: np.random.Generator) -> Ints:
    """At least one step each, summing to each minute's volume."""
    spread = np.clip(random.standard_normal(int(starts[-1])), -LARGEST, LARGEST)
    running = np.cumsum(np.exp(SIZE_SPREAD * spread))
    traded = bars.counts > 0
    counts, ends = bars.counts[traded], starts[1:][traded] - 1
    base = np.concatenate([[0.0], running])[starts[:-1][traded]]
    inside = running - np.repeat(base, counts)
    whales = bars.whales[traded]
    spare = np.repeat(bars.volume[traded] - whales - counts, counts)
    shared = np.floor(spare * (inside / np.repeat(inside[ends], counts))).astype(np.int64)
    shared[ends] = spare[ends]
    parts: Ints = np.diff(shared, prepend=0)
    firsts = starts[:-1][traded]
    parts[firsts] = shared[firsts]
    parts[firsts + counts // 2] += whales
    return parts + 1


def draw_hour(bars: MinuteBars, random: np.random.Generator) -> HourTape:
    """The trades of an hour out of its bars."""
    starts = np.concatenate([[0], np.cumsum(bars.counts)]).astype(np.int64)
    total = int(starts[-1])
    prices = _prices(bars, starts, random) if total else np.zeros(0, np.int64)
    quantities = _quantities(bars, starts, random) if total else np.zeros(0, np.int64)
    minutes = np.repeat(np.arange(len(bars.counts)) * MINUTE_MS, bars.counts)
    times = np.sort(minutes + random.integers(0, MINUTE_MS, total))
    falling = np.diff(prices, prepend=prices[:1]) < 0
    buys = np.repeat(bars.buys, bars.counts)
    likely = np.where(np.isnan(buys), np.where(falling, 0.7, 0.4), 1 - buys)
    sells = random.random(total) < likely
    return HourTape(starts, times, prices, quantities, sells)
