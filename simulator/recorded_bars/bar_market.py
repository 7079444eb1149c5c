"""One file's market: its bars, and the ids of the trades made of them from the start on."""

from bisect import bisect_left
from decimal import Decimal
from itertools import accumulate

from market.main_market import Market
from simulator.decimals import decimals_of
from simulator.recorded_bars.bar_file import Bar, BarTable
from simulator.recorded_bars.bar_trades import trade_count, trades_of_bar
from simulator.scenario import (
    DAY_MS,
    MINUTE_MS,
    Instrument,
    Trade,
    first_fill_id,
    last_fill_id,
)
from simulator.seeded import stream


class BarMarket:
    """One file's market: its bars and the ids of their trades."""

    def __init__(self, market: Market, table: BarTable, *, seed: int, start_ms: int) -> None:
        self.market = market
        self.table = table
        self._seed = seed
        self._start_row = bisect_left(table.open_times_ms, start_ms)
        salt = int(stream(seed, "bars", market.symbol).integers(2**63))
        counts = (trade_count(table[row], salt) for row in range(self._start_row, len(table)))
        # _ids[i] is the highest id before the i-th bar from the start on.
        self._ids = list(accumulate(counts, initial=0))

    def instrument(self) -> Instrument:
        """Decimals are those of a sample of the file: they are for display."""
        sample = [self.table[row] for row in range(0, len(self.table), len(self.table) // 500 + 1)]
        prices = (Decimal(text) for bar in sample for text in (bar.open, bar.close))
        volumes = (Decimal(bar.volume) for bar in sample)
        return Instrument(
            symbol=self.market.symbol,
            coin_id=self.market.coin_id,
            base=self.market.symbol.removesuffix(self.market.quote),
            quote=self.market.quote,
            price_decimals=max(map(decimals_of, prices)),
            quantity_decimals=max(map(decimals_of, volumes)),
        )

    def trades_of_row(self, row: int) -> list[Trade]:
        """The trades of a bar at or after the start."""
        if row < self._start_row:
            return []
        before = self._ids[row - self._start_row]
        count = self._ids[row - self._start_row + 1] - before
        bar = self.table[row]
        random = stream(self._seed, "bar", self.market.symbol, bar.open_time_ms)
        return [
            Trade(
                symbol=self.market.symbol,
                trade_id=trade_id,
                first_fill_id=first_fill_id(trade_id),
                last_fill_id=last_fill_id(trade_id),
                price=trade.price,
                quantity=trade.quantity,
                traded_at_ms=bar.open_time_ms + trade.offset_ms,
                buyer_is_maker=trade.buyer_is_maker,
            )
            for trade_id, trade in enumerate(trades_of_bar(bar, count, random), before + 1)
        ]

    def row_of_trade(self, trade_id: int) -> int | None:
        """Row of the bar that holds an id, None past the end."""
        place = bisect_left(self._ids, trade_id) - 1
        return self._start_row + place if trade_id <= self._ids[-1] else None

    def has_trades(self, row: int) -> bool:
        """Whether a row's candle is made of trades that can be asked for."""
        return row >= self._start_row

    def bar_closed_by(self, at_ms: int) -> Bar | None:
        """The newest bar that had closed at a moment and held a trade, of the day before it."""
        row = bisect_left(self.table.open_times_ms, at_ms - MINUTE_MS + 1) - 1
        while row >= 0 and self.table.open_times_ms[row] >= at_ms - DAY_MS:
            bar = self.table[row]
            if Decimal(bar.volume) > 0:
                return bar
            row -= 1
        return None
