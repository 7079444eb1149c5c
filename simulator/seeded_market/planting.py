"""What a day's plants do to its prices, counts and volumes, and to an hour's trades. Pure.

Plants multiply and add; a day without any is left as it was drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulator.seeded_market.listing import Floats, Ints
from simulator.seeded_market.plants import Plant


@dataclass(frozen=True)
class Effects:
    """Of a day on all its markets."""

    log_shifts: Floats
    """(1441, markets), added to the logarithms of prices at the borders of minutes."""
    trades: Floats
    """(1440, markets), times the usual share of the day's trades."""
    sizes: Floats
    """(1440, markets), times the usual size of a trade."""


def effects_of(plants: Sequence[Plant], *, minutes: int, markets: int) -> Effects:
    """The sum of all plants of a day."""
    shifts = np.zeros((minutes + 1, markets))
    trades, sizes = np.ones((2, minutes, markets))
    borders = np.arange(minutes + 1)
    for one in plants:
        shape, inside = one.shape, slice(one.minute, one.end_minute)
        turns = one.minute + np.cumsum([0, shape.rise, shape.hold, shape.fall])
        # Without a fall or rise two turns are one border, where nothing is shifted anyway.
        shifts[:, one.column] += np.interp(borders, turns, [0.0, one.log_shift, one.log_shift, 0.0])
        trades[inside, one.column] *= by_minute(one, shape.trades)
        sizes[inside, one.column] *= shape.size
    return Effects(shifts, trades, sizes)


def by_minute(plant: Plant, of_parts: Sequence[float]) -> Floats:
    """A number for each minute of a plant, out of those of its rise, hold and fall."""
    shape = plant.shape
    return np.repeat(np.asarray(of_parts, np.float64), [shape.rise, shape.hold, shape.fall])


def hour_extras(plants: Sequence[Plant], column: int, first_minute: int) -> tuple[Ints, Floats]:
    """Of one market in the hour that begins at a minute of the day: (60,) the quantity in steps
    that one trade has alone, and (60,) the share of buyers, NaN where it goes by the price."""
    whales, buys = np.zeros(60, np.int64), np.full(60, np.nan)
    for one in plants:
        row = one.minute - first_minute
        if one.column != column or not 0 <= row < 60:
            continue
        whales[row] += one.units
        if one.shape.buys is not None:
            buys[row : row + one.shape.minutes] = by_minute(one, one.shape.buys)
    return whales, buys
