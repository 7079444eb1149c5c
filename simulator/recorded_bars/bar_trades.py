"""Trades made of a bar reproduce it exactly: open, high, low, close and the sum of quantities.

The path goes open, low, high, close where the bar rose, else open, high, low, close. Trades in
between lie on the way, never outside [low, high]. Prices that the bar names keep the file's
spelling. A bar of volume 0 has no trade.
"""

from decimal import Decimal
from itertools import pairwise
from math import log2
from typing import NamedTuple

import numpy as np

from simulator.decimals import decimals_of, from_steps, to_steps
from simulator.recorded_bars.bar_file import Bar
from simulator.scenario import MINUTE_MS

# Money (in the quote) that one more trade of a minute stands for, on a log scale.
MONEY_PER_TRADE = 2_000.0
MAX_EXTRA_TRADES = 12
# Exchanges quote eight decimals of quantity; only volumes finer than that get more.
QUANTITY_DECIMALS = 8


class BarTrade(NamedTuple):
    """One trade of a bar, `offset_ms` after its open."""

    offset_ms: int
    price: str
    quantity: str
    buyer_is_maker: bool


def path_of(bar: Bar) -> list[str]:
    """The prices that the trades must visit in order, without repeats next to each other."""
    rose = Decimal(bar.close) >= Decimal(bar.open)
    turns = (bar.low, bar.high) if rose else (bar.high, bar.low)
    path = [bar.open]
    for price in (*turns, bar.close):
        if Decimal(price) != Decimal(path[-1]):
            path.append(price)
    return path


def trade_count(bar: Bar, salt: int) -> int:
    """How many trades a bar is made of: more money, more trades. Cheap, so that ids are cheap."""
    volume = float(bar.volume)
    if Decimal(bar.volume) == 0:
        return 0
    money = volume * float(bar.close)
    mixed = ((bar.open_time_ms // MINUTE_MS) ^ salt) * 0x9E3779B97F4A7C15 & (2**64 - 1)
    extra = (mixed >> 60) % 3 + int(2 * log2(1 + money / MONEY_PER_TRADE))
    return len(path_of(bar)) + min(extra, MAX_EXTRA_TRADES)


def _prices(bar: Bar, count: int, random: np.random.Generator) -> list[str]:
    path = path_of(bar)
    texts = (bar.open, bar.high, bar.low, bar.close)
    decimals = max(decimals_of(Decimal(text)) for text in texts)
    spelling = {to_steps(Decimal(text), decimals): text for text in texts}
    steps = [to_steps(Decimal(text), decimals) for text in path]
    inner = random.choice(max(count - 2, 0), max(len(path) - 2, 0), replace=False)
    turns = [0, *sorted(int(place) + 1 for place in inner), *([count - 1] if len(path) > 1 else [])]
    made = [steps[-1]] * count
    for (left, right), (start, end) in zip(pairwise(turns), pairwise(steps), strict=True):
        for place in range(left, right + 1):
            made[place] = start + (end - start) * (place - left) // (right - left)
    return [spelling.get(price) or from_steps(price, decimals) for price in made]


def _quantities(volume: Decimal, count: int, random: np.random.Generator) -> list[str]:
    decimals = max(decimals_of(volume), QUANTITY_DECIMALS)
    units = to_steps(volume, decimals)
    while units < 10 * count:  # a tiny volume is split into finer decimals, never into zeros
        decimals, units = decimals + 1, units * 10
    weights = [int(1 + weight * 1_000_000) for weight in random.standard_exponential(count)]
    spare, total = units - count, sum(weights)
    shares = [1 + spare * weight // total for weight in weights]
    shares[shares.index(max(shares))] += units - sum(shares)
    return [from_steps(share, decimals) for share in shares]


def trades_of_bar(bar: Bar, count: int, random: np.random.Generator) -> list[BarTrade]:
    """`count` trades (0, or at least the length of the bar's path) that make exactly this bar."""
    if count == 0:
        return []
    prices = _prices(bar, count, random)
    quantities = _quantities(Decimal(bar.volume), count, random)
    offsets = sorted(int(at) for at in random.choice(MINUTE_MS, count, replace=False))
    sells = random.random(count) < 0.5
    return [
        BarTrade(offset, price, quantity, bool(sell))
        for offset, price, quantity, sell in zip(offsets, prices, quantities, sells, strict=True)
    ]
