"""Candles of the seeded world: any interval, before and during the run.

From the start on they equal the trades' own candles in every field, the money and the takers'
share too; before it, where no trade exists, those two are assumed. One-minute and hourly candles
reach `FINE_DAYS` before the start, daily ones `OLD_DAYS`.
"""

from dataclasses import replace

import numpy as np

from simulator.scenario import DAY_MS, HOUR_MS, MINUTE_MS
from simulator.seeded_market.listing import Ints
from simulator.seeded_market.minutes import DAY_MINUTES
from simulator.seeded_market.rows import Rows, joined, no_rows, rows_of_day, united
from simulator.seeded_market.tape import HourTape
from simulator.seeded_market.world import World

# 1,000 hourly candles are 42 days.
FINE_DAYS = 45
OLD_DAYS = 1_500


class History:
    """Candles of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._start_day = world.start_ms // DAY_MS
        self._fine_ms = (self._start_day - FINE_DAYS) * DAY_MS
        self._old_ms = (self._start_day - OLD_DAYS) * DAY_MS

    def candles(self, market: int, interval_ms: int, first_ms: int, end_ms: int) -> Rows:
        """Candles that open in [first_ms, end_ms) with what was traded before `end_ms`."""
        first_ms = max(-(-first_ms // interval_ms) * interval_ms, self._old_ms)
        parts: list[Rows] = []
        if interval_ms == DAY_MS and first_ms < self._fine_ms:
            last_ms = min(self._fine_ms, end_ms)
            if first_ms < last_ms:
                parts.append(
                    self._world.old_days(market, first_ms // DAY_MS, -(-last_ms // DAY_MS))
                )
        first_ms = max(first_ms, self._fine_ms)
        if first_ms < end_ms:
            base = self._hours if interval_ms % HOUR_MS == 0 else self._minutes
            parts.append(united(base(market, first_ms, end_ms), interval_ms))
        return joined(parts) if parts else no_rows()

    def _hours(self, market: int, first_ms: int, end_ms: int) -> Rows:
        whole_ms = end_ms - end_ms % HOUR_MS
        parts = [united(self._minutes(market, max(whole_ms, first_ms), end_ms), HOUR_MS)]
        for day in range((whole_ms - 1) // DAY_MS, first_ms // DAY_MS - 1, -1):
            rows = self._world.hourly(day).column(market)
            begin = max((first_ms - day * DAY_MS) // HOUR_MS, 0)
            rows = rows.cut(begin, (whole_ms - day * DAY_MS) // HOUR_MS)
            parts.append(self._with_trades(rows, market, HOUR_MS))
        return joined(parts[::-1])

    def _minutes(self, market: int, first_ms: int, end_ms: int) -> Rows:
        """One-minute candles; of the minute that `end_ms` lies in, what was traded before it."""
        if first_ms >= end_ms:
            return no_rows()
        whole_ms = end_ms - end_ms % MINUTE_MS
        parts = []
        for day in range(first_ms // DAY_MS, (end_ms - 1) // DAY_MS + 1):
            bars = rows_of_day(self._world.bars(day), market)
            begin = max((first_ms - day * DAY_MS) // MINUTE_MS, 0)
            rows = bars.cut(begin, max((whole_ms - day * DAY_MS) // MINUTE_MS, begin))
            parts.append(self._with_trades(rows, market, MINUTE_MS))
        if end_ms > whole_ms:
            parts.append(self._open_minute(market, whole_ms, end_ms))
        return joined(parts)

    def _open_minute(self, market: int, open_ms: int, end_ms: int) -> Rows:
        minute = open_ms // MINUTE_MS
        day, row = divmod(minute, DAY_MINUTES)
        bar = rows_of_day(self._world.bars(day), market).cut(row, row + 1)
        if open_ms < self._world.start_ms:
            return bar.cut(0, 0)
        tape = self._world.tape(market, open_ms // HOUR_MS)
        first, end = int(tape.starts[minute % 60]), int(tape.starts[minute % 60 + 1])
        told = first + int(
            np.searchsorted(tape.times_ms[first:end], end_ms - open_ms + open_ms % HOUR_MS)
        )
        if told == first:
            return bar.cut(0, 0)
        prices = tape.prices[first:told]
        sums = _sums(tape, np.array([first]), np.array([told]))
        return replace(
            bar,
            high=prices.max(keepdims=True),
            low=prices.min(keepdims=True),
            close=prices[-1:],
            volume=tape.quantities[first:told].sum(keepdims=True),
            next_ids=bar.first_ids + told - first,
            money=sums[0],
            taker_volume=sums[1],
            taker_money=sums[2],
        )

    def _with_trades(self, rows: Rows, market: int, interval_ms: int) -> Rows:
        """The rows (one-minute or hourly) from the start on with the sums of their trades."""
        places = np.flatnonzero((rows.open_times_ms >= self._world.start_ms) & (rows.volume > 0))
        money, volume, taken = (
            column.copy() for column in (rows.money, rows.taker_volume, rows.taker_money)
        )
        for hour in np.unique(rows.open_times_ms[places] // HOUR_MS).tolist():
            here = places[rows.open_times_ms[places] // HOUR_MS == hour]
            tape = self._world.tape(market, hour)
            first = rows.open_times_ms[here] % HOUR_MS // MINUTE_MS
            sums = _sums(tape, tape.starts[first], tape.starts[first + interval_ms // MINUTE_MS])
            money[here], volume[here], taken[here] = sums
        return replace(rows, money=money, taker_volume=volume, taker_money=taken)


def _sums(tape: HourTape, starts: Ints, ends: Ints) -> Ints:
    """(3, len(starts)): money, buyers' volume and buyers' money of the rows from start to end."""
    money = tape.prices * tape.quantities
    buys = ~tape.buyer_is_maker
    columns = np.stack([money, tape.quantities * buys, money * buys])
    running: Ints = np.concatenate([np.zeros((3, 1), np.int64), np.cumsum(columns, axis=1)], axis=1)
    sums: Ints = running[:, ends] - running[:, starts]
    return sums
