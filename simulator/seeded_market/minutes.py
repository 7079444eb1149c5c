"""One day's one-minute bars of all markets, in whole steps, with the ids of their trades.

Between two midnights the price is a bridge of correlated, fat-tailed steps whose strength goes by
hour of the day and by calm and storm hours. A minute's count comes before its extremes: one trade
cannot make a high and a low. A minute without trades repeats the last close, as exchanges print it.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simulator.scenario import MINUTE_MS
from simulator.seeded import stream
from simulator.seeded_market.days import Days
from simulator.seeded_market.listing import Floats, Ints, Listing
from simulator.seeded_market.planting import effects_of
from simulator.seeded_market.plants import Plant, day_plants

DAY_MINUTES = 1_440
# Hours of a day differ in strength by about this much (log), on top of the time of day.
HOUR_WEATHER = 0.35
# One step in a hundred is three times as large: fat tails.
JUMP_CHANCE = 0.01
JUMP = 3.0
# Wicks beyond open and close, in strengths of a minute's step.
WICK = 0.5
# Spread of a minute's share of the day's trades, and of its mean trade size (log).
COUNT_SPREAD = 0.5
SIZE_SPREAD = 0.6
# What was not planted stays ordinary: no step above a per cent or so, no minute with less than this
# share of the usual trades or more than this many times the volume of the day's mean minute.
LARGEST_STEP = 0.01
LONGEST_WICK = 0.001
QUIETEST = 0.4
BUSIEST = 2.5
# 14:30 UTC, when New York opens and London has not closed.
BUSIEST_MINUTE = 14.5 * 60


@dataclass(frozen=True)
class DayBars:
    """(1440, markets) of prices and volumes in steps; `first_ids` is (1441, markets)."""

    day: int
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints
    first_ids: Ints
    """Id of the first trade at or after each minute; 1 is the first of the scenario."""
    plants: tuple[Plant, ...] = ()

    @cached_property
    def counts(self) -> Ints:
        """Trades of each minute."""
        return np.diff(self.first_ids, axis=0)

    @cached_property
    def open_times_ms(self) -> Ints:
        """(1440,)"""
        return (self.day * DAY_MINUTES + np.arange(DAY_MINUTES)) * MINUTE_MS


def _time_of_day() -> Floats:
    minutes = np.arange(DAY_MINUTES)
    return 1 + 0.45 * np.cos(2 * np.pi * (minutes - BUSIEST_MINUTE) / DAY_MINUTES)


def _log_path(
    days: Days, day: int, strength: Floats, random: np.random.Generator
) -> tuple[Floats, Floats]:
    """(1441, assets) log prices from midnight to midnight, and (1440, assets) size of each step."""
    listing = days.listing
    assets = len(listing.coin_ids)
    factor = random.standard_normal((DAY_MINUTES, 1))
    own = random.standard_normal((DAY_MINUTES, assets))
    own[random.random((DAY_MINUTES, assets)) < JUMP_CHANCE] *= JUMP
    moves = listing.betas * factor + np.sqrt(1 - listing.betas**2) * own
    scale = listing.volatilities * days.volatility(day) / np.sqrt(DAY_MINUTES)
    steps = LARGEST_STEP * np.tanh(moves * scale * strength[:, None] / LARGEST_STEP)
    path = np.cumsum(steps, axis=0)
    first, last = days.log_prices(day), days.log_prices(day + 1)
    variance = np.cumsum(strength**2)
    path += (variance / variance[-1])[:, None] * (last - first - path[-1])
    return first + np.vstack([np.zeros(assets), path]), np.abs(moves)


def _shares(weights: Floats, total: Ints) -> Ints:
    """(1441, markets): trades of the day before each minute; the last row is the day's total."""
    running = np.cumsum(weights, axis=0)
    counted = np.floor(running / running[-1] * total).astype(np.int64)
    counted[-1] = total
    return np.vstack([np.zeros(len(total), np.int64), counted])


def _carried(close: Ints, counts: Ints, before: Ints) -> Ints:
    """Close of each minute, or of the last minute before it that traded."""
    rows = np.where(counts > 0, np.arange(1, DAY_MINUTES + 1)[:, None], 0)
    latest = np.maximum.accumulate(rows, axis=0)
    return np.take_along_axis(np.vstack([before, close]), latest, axis=0)


def _volumes(
    listing: Listing, prices: Floats, counts: Ints, usual: Floats, random: np.random.Generator
) -> Floats:
    """Base quantity of each minute in steps, calm; `usual` is the day's usual count."""
    size = np.exp(SIZE_SPREAD * random.standard_normal(counts.shape) - SIZE_SPREAD**2 / 2)
    mean: Floats = listing.mean_trade_usd / prices / listing.quantity_steps
    return mean * np.minimum(counts * size, BUSIEST * usual)


def draw_day(days: Days, day: int, *, ids_at_start: Ints, start_ms: int) -> DayBars:
    """The bars of a day. `ids_at_start` is how many trades of the start's day precede the start,
    which also is where plants begin."""
    listing = days.listing
    random = stream(days.seed, "minutes", day)
    hours = np.exp(HOUR_WEATHER * random.standard_normal(24))
    strength = _time_of_day() * np.repeat(hours, 60)
    strength /= np.sqrt(np.mean(strength**2))
    path, moves = _log_path(days, day, strength, random)
    shape = (DAY_MINUTES, len(listing.markets))
    usdc = listing.asset("usd-coin")
    in_usdc = np.array([market.quote == "USDC" for market in listing.markets])
    logs = path[:, listing.asset_of] - np.where(in_usdc, path[:, [usdc]], 0.0)
    plants = day_plants(listing, seed=days.seed, day=day, start_ms=start_ms, log_prices=logs)
    planted = effects_of(plants, minutes=DAY_MINUTES, markets=shape[1])
    prices = np.exp(logs + planted.log_shifts)
    ticks = np.maximum(np.rint(prices / listing.price_steps), 1).astype(np.int64)

    busy = strength[:, None] * (0.5 + moves[:, listing.asset_of] / 1.6)
    weights = np.maximum(busy * np.exp(COUNT_SPREAD * random.standard_normal(shape)), QUIETEST)
    before = days.ids_before(day)
    of_day = days.ids_before(day + 1) - before
    counted = _shares(weights * planted.trades, of_day)
    counts = np.diff(counted, axis=0)

    deviation = (listing.volatilities * days.volatility(day) / np.sqrt(DAY_MINUTES))[
        listing.asset_of
    ]
    wick = np.minimum(WICK * deviation * strength[:, None], LONGEST_WICK)
    wick *= prices[:-1] / listing.price_steps
    above, below = np.abs(random.standard_normal((2, *shape))) * wick
    opened = np.where(counts == 1, ticks[1:], ticks[:-1])
    close = ticks[1:]
    rose = close >= opened
    above[(counts < 3) | ((counts == 3) & rose)] = 0
    below[(counts < 3) | ((counts == 3) & ~rose)] = 0
    high = np.maximum(opened, close) + np.rint(above).astype(np.int64)
    low = np.maximum(np.minimum(opened, close) - np.rint(below).astype(np.int64), 1)

    usual = of_day / DAY_MINUTES * planted.trades
    drawn = _volumes(listing, np.exp(logs[:-1]), counts, usual, random)
    volume = np.where(counts > 0, np.maximum(np.rint(drawn * planted.sizes), counts), 0)
    volume = volume.astype(np.int64)
    for one in plants:
        volume[one.minute, one.column] += one.units
    carried = _carried(close, counts, ticks[0])
    idle = counts == 0
    return DayBars(
        day=day,
        open=np.where(idle, carried, opened),
        high=np.where(idle, carried, high),
        low=np.where(idle, carried, low),
        close=carried,
        volume=volume,
        first_ids=before + counted - ids_at_start + 1,
        plants=plants,
    )
