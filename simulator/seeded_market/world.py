"""The seeded world with its caches: days of bars, hours of trades, days of hourly candles.

Memory: ten days of bars (4 MB each), 160 hours of trades (35 kB each on average) and 64 days of
hourly candles (100 kB each).
"""

import numpy as np

from simulator.recent import Recent
from simulator.scenario import DAY_MS, MINUTE_MS
from simulator.seeded import stream
from simulator.seeded_market.days import Days
from simulator.seeded_market.listing import Ints, Listing
from simulator.seeded_market.minutes import DAY_MINUTES, DayBars, draw_day
from simulator.seeded_market.planting import hour_extras
from simulator.seeded_market.rows import Rows, assumed_takers, hours_of_day
from simulator.seeded_market.tape import HourTape, MinuteBars, draw_hour

# The newest day, and those before it that a snapshot looks back at (1, 7, 14 and 30 days).
DAYS_KEPT = 10
HOURS_KEPT = 160
HOURLY_DAYS_KEPT = 64
# How far a day's extremes reach beyond its open and close where no minute is drawn, in its moves.
DAY_WICK = 0.4


class World:
    """Bars and trades of every market at any time."""

    def __init__(self, listing: Listing, *, seed: int, start_ms: int) -> None:
        self.listing = listing
        self.seed = seed
        self.start_ms = start_ms
        self.days = Days(listing, seed=seed, start_day=start_ms // DAY_MS)
        self._bars: Recent[int, DayBars] = Recent(DAYS_KEPT)
        self._hourly: Recent[int, Rows] = Recent(HOURLY_DAYS_KEPT)
        self._tapes: Recent[tuple[int, int], HourTape] = Recent(HOURS_KEPT)
        none = np.zeros(len(listing.markets), np.int64)
        opening = draw_day(self.days, self.days.start_day, ids_at_start=none, start_ms=start_ms)
        self.ids_at_start: Ints = opening.first_ids[start_ms % DAY_MS // MINUTE_MS] - 1

    def bars(self, day: int) -> DayBars:
        """One-minute bars of a day (number since the epoch)."""
        return self._bars.get(
            day,
            lambda: draw_day(
                self.days, day, ids_at_start=self.ids_at_start, start_ms=self.start_ms
            ),
        )

    def hourly(self, day: int) -> Rows:
        """Hourly candles of a day, all markets."""
        return self._hourly.get(day, lambda: hours_of_day(self.bars(day)))

    def tape(self, market: int, hour: int) -> HourTape:
        """Trades of one market in an hour (number since the epoch)."""
        return self._tapes.get((market, hour), lambda: self._draw_tape(market, hour))

    def _draw_tape(self, market: int, hour: int) -> HourTape:
        day, hour_of_day = divmod(hour, 24)
        bars = self.bars(day)
        inside = slice(hour_of_day * 60, hour_of_day * 60 + 60)
        whales, buys = hour_extras(bars.plants, market, hour_of_day * 60)
        minutes = MinuteBars(
            open=bars.open[inside, market],
            high=bars.high[inside, market],
            low=bars.low[inside, market],
            close=bars.close[inside, market],
            volume=bars.volume[inside, market],
            counts=bars.counts[inside, market],
            whales=whales,
            buys=buys,
        )
        symbol = self.listing.markets[market].symbol
        return draw_hour(minutes, stream(self.seed, "tape", symbol, hour))

    def first_id(self, market: int, minute: int) -> int:
        """Id of the first trade at or after a minute."""
        day, row = divmod(minute, DAY_MINUTES)
        return int(self.bars(day).first_ids[row, market])

    def minute_of(self, market: int, trade_id: int, *, last_day: int) -> int | None:
        """The minute that holds a trade id; None after `last_day`.

        An absurd id would else draw days until the memory is full.
        """
        wanted = trade_id - 1 + int(self.ids_at_start[market])
        low, high = self.days.start_day, last_day + 1
        if int(self.days.ids_before(high)[market]) <= wanted:
            return None
        while high - low > 1:
            middle = (low + high) // 2
            if int(self.days.ids_before(middle)[market]) <= wanted:
                low = middle
            else:
                high = middle
        column = self.bars(low).first_ids[:, market]
        return low * DAY_MINUTES + int(np.searchsorted(column, trade_id, side="right")) - 1

    def old_days(self, market: int, first: int, end: int) -> Rows:
        """Daily candles of days too old for minutes: from midnight to midnight, wicks drawn."""
        days = range(first, end)
        asset = int(self.listing.asset_of[market])
        quote = self.listing.asset("usd-coin")
        in_usdc = self.listing.markets[market].quote == "USDC"
        midnights = np.array([self.days.log_prices(day) for day in range(first, end + 1)])
        logs = midnights[:, asset] - (midnights[:, quote] if in_usdc else 0.0)
        step = self.listing.price_steps[market]
        ticks = np.maximum(np.rint(np.exp(logs) / step), 1).astype(np.int64)
        draws = np.array([self.days.wicks(day)[asset] for day in days])
        moves = self.listing.volatilities[asset] * np.array(
            [self.days.volatility(day) for day in days]
        )
        wicks = np.abs(draws[:, :2]) * (DAY_WICK * moves * np.exp(logs[:-1]) / step)[:, None]
        above, below = np.rint(wicks).astype(np.int64).T
        ids = np.array([self.days.ids_before(day)[market] for day in range(first, end + 1)])
        ids += 1 - int(self.ids_at_start[market])
        size = self.listing.mean_trade_usd[market] / self.listing.quantity_steps[market]
        volume = np.rint(np.diff(ids) * size / np.exp(logs[:-1]) * np.exp(0.2 * draws[:, 2]))
        units = volume.astype(np.int64)
        opened, close = ticks[:-1], ticks[1:]
        high = np.maximum(opened, close) + above
        low = np.maximum(np.minimum(opened, close) - below, 1)
        taker, middle = assumed_takers(opened, close, units), (high + low) // 2
        return Rows(
            np.array(days) * DAY_MS, opened, high, low, close, units,
            ids[:-1], ids[1:], units * middle, taker, taker * middle,
        )  # fmt: skip
