"""Candles of the seeded world as columns, and their union into longer candles.

The arrays' first axis is time; a second one, where there is one, is markets. Money is in price
steps times quantity steps, so that every sum is an exact integer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from simulator.scenario import HOUR_MS, Kline, first_fill_id
from simulator.seeded_market.listing import Ints
from simulator.seeded_market.minutes import DayBars


@dataclass(frozen=True)
class Rows:
    """Candles in time order. A candle without trades has equal ids and repeats the last close."""

    open_times_ms: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints
    first_ids: Ints
    next_ids: Ints
    money: Ints
    taker_volume: Ints
    taker_money: Ints

    def __len__(self) -> int:
        return len(self.open_times_ms)

    def cut(self, first: int, end: int) -> "Rows":
        """Rows first..end-1."""
        return Rows(*(getattr(self, field.name)[first:end] for field in fields(self)))

    def column(self, market: int) -> "Rows":
        """One market's rows."""
        names = [field.name for field in fields(self)[1:]]
        return Rows(self.open_times_ms, *(getattr(self, name)[:, market] for name in names))


def no_rows() -> Rows:
    """One market's rows of an empty time."""
    return Rows(*(np.zeros(0, np.int64) for _ in fields(Rows)))


def joined(parts: Sequence[Rows]) -> Rows:
    """Rows one after the other."""
    return Rows(
        *(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Rows))
    )


def assumed_takers(open_: Ints, close: Ints, volume: Ints) -> Ints:
    """Buyers' share of a candle of which no trade was made: 55 % where it rose, else 45 %."""
    return volume * np.where(close >= open_, 55, 45) // 100


def rows_of_day(bars: DayBars, columns: int | slice) -> Rows:
    """A day's minutes of a market or several. Money and takers are assumed, see `History`."""
    opened, close = bars.open[:, columns], bars.close[:, columns]
    high, low, volume = bars.high[:, columns], bars.low[:, columns], bars.volume[:, columns]
    middle, taker = (high + low) // 2, assumed_takers(opened, close, volume)
    return Rows(
        bars.open_times_ms, opened, high, low, close, volume,
        bars.first_ids[:-1, columns], bars.first_ids[1:, columns],
        volume * middle, taker, taker * middle,
    )  # fmt: skip


def united(rows: Rows, interval_ms: int) -> Rows:
    """Longer candles out of shorter ones; minutes without a trade make no open, high or low."""
    if not len(rows):
        return rows
    opened = rows.open_times_ms - rows.open_times_ms % interval_ms
    starts = np.flatnonzero(np.concatenate([[True], opened[1:] != opened[:-1]]))
    ends = np.concatenate([starts[1:], [len(rows)]]) - 1
    traded = rows.volume > 0
    close = rows.close[ends]
    far = np.iinfo(np.int64).max
    high = np.maximum.reduceat(np.where(traded, rows.high, 0), starts, axis=0)
    low = np.minimum.reduceat(np.where(traded, rows.low, far), starts, axis=0)
    at = np.arange(len(rows)).reshape(-1, *[1] * (rows.volume.ndim - 1))
    first = np.minimum.reduceat(np.where(traded, at, len(rows)), starts, axis=0)
    is_traded = first < len(rows)
    picked = np.take_along_axis(rows.open, np.minimum(first, len(rows) - 1), axis=0)

    def total(column: Ints) -> Ints:
        summed: Ints = np.add.reduceat(column, starts, axis=0)
        return summed

    return Rows(
        open_times_ms=opened[starts],
        open=np.where(is_traded, picked, close),
        high=np.where(is_traded, high, close),
        low=np.where(is_traded, low, close),
        close=close,
        volume=total(rows.volume),
        first_ids=rows.first_ids[starts],
        next_ids=rows.next_ids[ends],
        money=total(rows.money),
        taker_volume=total(rows.taker_volume),
        taker_money=total(rows.taker_money),
    )


def hours_of_day(bars: DayBars) -> Rows:
    """A day's hours, all markets."""
    return united(rows_of_day(bars, slice(None)), HOUR_MS)


def klines_of(rows: Rows, price_decimals: int, quantity_decimals: int) -> list[Kline]:
    """One market's rows in the words of an exchange: eight decimals."""

    def text(steps: int, decimals: int) -> str:
        whole, rest = divmod(steps, 10**decimals)
        return (
            f"{whole}.{rest:0{decimals}d}{'0' * (8 - decimals)}"
            if decimals
            else f"{whole}.{'0' * 8}"
        )

    money = price_decimals + quantity_decimals
    columns = zip(*(getattr(rows, field.name).tolist() for field in fields(Rows)), strict=True)
    return [
        Kline(
            open_time_ms=at,
            open=text(opened, price_decimals),
            high=text(high, price_decimals),
            low=text(low, price_decimals),
            close=text(close, price_decimals),
            volume=text(volume, quantity_decimals),
            quote_volume=text(traded, money),
            trades=first_fill_id(after) - first_fill_id(first),
            taker_base_volume=text(taken, quantity_decimals),
            taker_quote_volume=text(paid, money),
        )
        for at, opened, high, low, close, volume, first, after, traded, taken, paid in columns
    ]
