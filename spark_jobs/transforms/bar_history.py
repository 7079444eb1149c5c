"""What an exchange published of a market before our first trade: kept, then composed once. Pure.

Bars are kept by grain and open time, so neither the order of arrival nor a repeat matters, and
only the newest KEPT of each grain, which bounds the state.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from math import isnan, nan

from market.intervals import INTERVAL_MS
from market.store.compose import floor_ms
from market.store.rows import Bar
from spark_jobs.transforms.bar_pieces import OpenBar, Piece, Row

GRAINS = ("1m", "1h", "1d")
# What a venue answers at once, and what the slowest indicator needs to be warm (20 x 50 bars).
KEPT = 1_000
# What is kept of a bar, as plain floats; a number that is not known is NaN.
COLUMNS = (
    *("time_ms", "open", "high", "low", "close", "volume"),
    *("quote_volume", "trades", "buy_volume", "sell_volume"),
)
WIDTH = len(COLUMNS)


class History:
    """External bars of one market."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[int, Sequence[float]]] = {grain: {} for grain in GRAINS}
        self._built: dict[str, dict[int, Bar]] = {}

    def keep(self, row: Row) -> None:
        """Take a bar of 1m, 1h or 1d; one of volume 0 says that nobody traded."""
        held = self._kept[row["interval"]]
        held[row["time_ms"]] = [nan if row[name] is None else row[name] for name in COLUMNS]
        if len(held) > KEPT:
            del held[min(held)]
        self._built.clear()

    def minute(self, open_time_ms: int) -> Bar | None:
        """The exchange's minute, where it is known."""
        return self._bars("1m").get(open_time_ms)

    def bars(self, interval: str, *, before_ms: int) -> list[Bar]:
        """Bars of an interval that ended by then, ascending: those that are wholly known."""
        whole = [
            bar
            for bar, is_told in self._composed(interval, before_ms)
            if is_told and bar.close_time_ms <= before_ms and not bar.is_empty
        ]
        return [bar.piece().bar for bar in whole]

    def open_bar(self, interval: str, *, before_ms: int) -> OpenBar:
        """The bar that is open then, with what is known of it; partial if that is not all."""
        length_ms = INTERVAL_MS[interval]
        open_time_ms = floor_ms(before_ms, length_ms)
        for bar, is_told in self._composed(interval, before_ms):
            if bar.open_time_ms == open_time_ms:
                bar.is_partial = not is_told
                return bar
        untold = OpenBar(open_time_ms, length_ms)
        untold.is_partial = open_time_ms < before_ms
        return untold

    def _composed(self, interval: str, before_ms: int) -> Iterator[tuple[OpenBar, bool]]:
        """Bars, ascending, each with whether all of it (up to `before_ms`) is told."""
        length_ms = INTERVAL_MS[interval]

        def bucket(bar: Bar) -> int:
            return floor_ms(bar.open_time_ms, length_ms)

        for open_time_ms, pieces in groupby(self._pieces(interval, before_ms), key=bucket):
            bar = OpenBar(open_time_ms, length_ms)
            told_ms = 0
            for piece in pieces:
                told_ms += piece.close_time_ms - piece.open_time_ms
                if piece.volume > 0:
                    bar.add(Piece(piece))
            yield bar, told_ms == min(bar.close_time_ms, before_ms) - open_time_ms

    def _pieces(self, interval: str, before_ms: int) -> list[Bar]:
        """Native bars that ended by then, the coarsest that fit, finer ones where one is absent."""
        pieces: list[Bar] = []
        for grain in GRAINS:
            grain_ms = INTERVAL_MS[grain]
            if grain_ms > INTERVAL_MS[interval]:
                break
            native = {
                open_time_ms: bar
                for open_time_ms, bar in self._bars(grain).items()
                if open_time_ms + grain_ms <= before_ms
            }
            finer = (bar for bar in pieces if floor_ms(bar.open_time_ms, grain_ms) not in native)
            pieces = [*native.values(), *finer]
        return sorted(pieces, key=lambda bar: bar.open_time_ms)

    def _bars(self, grain: str) -> dict[int, Bar]:
        if grain not in self._built:
            length_ms = INTERVAL_MS[grain]
            self._built[grain] = {
                open_time_ms: _bar(kept, length_ms)
                for open_time_ms, kept in self._kept[grain].items()
            }
        return self._built[grain]

    def save(self) -> list[float]:
        """For each grain the number of its bars, then WIDTH floats for each."""
        floats: list[float] = []
        for held in self._kept.values():
            floats.append(len(held))
            for open_time_ms in sorted(held):
                floats += held[open_time_ms]
        return floats

    def restore(self, state: Sequence[float]) -> None:
        """Take over a saved state."""
        place = 0
        for held in self._kept.values():
            first, place = place + 1, place + 1 + WIDTH * int(state[place])
            for start in range(first, place, WIDTH):
                held[int(state[start])] = state[start : start + WIDTH]


def _bar(state: Sequence[float], length_ms: int) -> Bar:
    opened_ms, opened, high, low, close, volume = state[:6]
    quote_volume, trades, buys, sells = (None if isnan(number) else number for number in state[6:])
    return Bar(
        open_time_ms=int(opened_ms),
        close_time_ms=int(opened_ms) + length_ms,
        open=opened,
        high=high,
        low=low,
        close=close,
        volume=volume,
        layer="external",
        quote_volume=quote_volume,
        trades=None if trades is None else int(trades),
        buy_volume=buys,
        sell_volume=sells,
    )
