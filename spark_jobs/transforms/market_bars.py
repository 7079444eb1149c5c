"""One market: final one-minute bars to longer bars and indicators. The stateful core of `bars`.

Rows in: bars of trades (`layer` speed, 1m) ascending in time, and bars that the exchange published
(`layer` external; 1m, 1h, 1d) in any order. Until the first bar of trades the exchange's bars are
kept; then they seed every series and are dropped, and later ones change nothing. What opens after
the first bar of trades is never looked at. How the rows are cut into steps does not matter.

Rows out: columns of `measurements.CANDLES` or `ANALYTICS`, told apart by `kind` (`candle`,
`market`), with `time_ms`. A long bar is given when its last minute's bar arrives or the first bar
at or beyond its end; a bar in which nobody traded does not exist, and indicators run over those
that do. `is_partial`: our stream began within the bar and history does not tell all before it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from math import inf

from market.intervals import INTERVAL_MS
from market.store.compose import floor_ms
from market.store.measurements import INDICATOR_FIELDS
from market.store.merge import begins_market, holds_all
from market.store.rows import Bar, Layer
from spark_jobs.transforms.bar_history import History
from spark_jobs.transforms.bar_pieces import OpenBar, Piece, Row, piece_of
from spark_jobs.transforms.saved_state import packed, unpacked
from spark_jobs.transforms.series import Series

MINUTE_MS = INTERVAL_MS["1m"]
INTERVALS = tuple(name for name, length_ms in INTERVAL_MS.items() if length_ms >= MINUTE_MS)
LONG_INTERVALS = INTERVALS[1:]
LONGER = dict(zip(LONG_INTERVALS, (*LONG_INTERVALS[1:], None), strict=True))
VERSION = 1
# History's indicators that are published: five hours of minutes, most of a year of days.
PUBLISHED_HISTORY = 300

TAGS = ("coin_id", "quote", "source", "symbol")
BAR_FIELDS = (
    *("open", "high", "low", "close", "volume", "quote_volume", "trades", "vwap"),
    *("buy_volume", "sell_volume", "first_trade_id", "last_trade_id", "coverage"),
)


class MarketBars:
    """State and step of one market."""

    def __init__(self) -> None:
        self._history: History | None = History()
        self._series: dict[str, Series] = {}
        self._open_bars: dict[str, OpenBar] = {}
        self._newest_ms = -inf
        self._tags: Row = {}

    def step(self, rows: Iterable[Row]) -> list[Row]:
        """Rows of this market in event order, history first, to the rows they complete."""
        out: list[Row] = []
        for row in rows:
            if row["layer"] == "speed":
                self._tags = {name: row[name] for name in TAGS}
                out += self._trades(piece_of(row))
            elif self._history is not None:
                self._history.keep(row)
        return out

    def _trades(self, piece: Piece) -> Iterator[Row]:
        opened_ms = piece.bar.open_time_ms
        if opened_ms <= self._newest_ms:
            return  # counted before
        self._newest_ms = opened_ms
        counted, is_partial = piece, False
        if self._history is not None:
            told = self._history.minute(opened_ms)
            counted, is_partial = _first_minute(piece, told)
            yield from self._seed(self._history, opened_ms)
            if begins_market(piece.bar):
                for open_bar in self._open_bars.values():
                    open_bar.is_partial &= not open_bar.is_empty
            self._history = None
        yield self._candle("1m", piece, is_partial=is_partial)
        yield self._analytics("1m", counted.bar, layer="speed")
        yield from self._close(through_ms=opened_ms)
        self._add(LONG_INTERVALS[0], counted)
        yield from self._close(through_ms=opened_ms + MINUTE_MS)

    def _seed(self, history: History, before_ms: int) -> Iterator[Row]:
        for interval in INTERVALS:
            self._series[interval] = Series(interval)
            bars = history.bars(interval, before_ms=before_ms)
            for position, bar in enumerate(bars):
                row = self._analytics(interval, bar, layer="external")
                if position >= len(bars) - PUBLISHED_HISTORY:
                    yield row
        for interval in LONG_INTERVALS:
            self._open_bars[interval] = history.open_bar(interval, before_ms=before_ms)
            # The rest of the longer bar comes to it when this one closes.
            before_ms = self._open_bars[interval].open_time_ms

    def _add(self, interval: str, piece: Piece) -> None:
        open_bar = self._open_bars[interval]
        opened_ms = piece.bar.open_time_ms
        if opened_ms >= open_bar.close_time_ms:
            length_ms = INTERVAL_MS[interval]
            open_bar = OpenBar(floor_ms(opened_ms, length_ms), length_ms)
            self._open_bars[interval] = open_bar
        open_bar.add(piece)

    def _close(self, *, through_ms: int) -> Iterator[Row]:
        """Close what ended by then, the shortest first: each is a piece of the next longer one."""
        for interval, longer in LONGER.items():
            open_bar = self._open_bars[interval]
            if open_bar.close_time_ms > through_ms:
                return  # and so does every longer one, which holds it
            if open_bar.is_empty:
                continue
            piece = open_bar.piece()
            yield self._candle(interval, piece, is_partial=piece.bar.is_partial)
            yield self._analytics(interval, piece.bar, layer="speed")
            if longer is not None:
                self._add(longer, piece)
            open_bar.is_empty = True

    def _candle(self, interval: str, piece: Piece, *, is_partial: bool) -> Row:
        bar = piece.bar
        fields = {name: getattr(bar, name) for name in BAR_FIELDS}
        return {
            **self._tags,
            **fields,
            "kind": "candle",
            "interval": interval,
            "layer": "speed",
            "time_ms": bar.open_time_ms,
            "is_partial": is_partial,
            "last_traded_at_ms": piece.last_traded_at_ms,
            "collected_at_ms": piece.collected_at_ms,
        }

    def _analytics(self, interval: str, bar: Bar, *, layer: Layer) -> Row:
        series = self._series[interval]
        return {
            **self._tags,
            **dict(zip(INDICATOR_FIELDS, series.step(bar), strict=True)),
            "kind": "market",
            "interval": interval,
            "layer": layer,
            "time_ms": bar.open_time_ms,
            "close": bar.close,
            "bars": series.bars,
        }

    def save(self) -> bytes:
        """The whole state."""
        floats = [self._newest_ms]
        if self._history is not None:
            return packed(VERSION, [*floats, *self._history.save()])
        for open_bar in self._open_bars.values():
            floats += open_bar.save()
        for series in self._series.values():
            floats += series.save()
        return packed(VERSION, floats)

    @classmethod
    def restored(cls, state: bytes) -> "MarketBars":
        """The core that was saved. Raises Fatal where another version of the code saved it."""
        floats = unpacked(VERSION, state)
        found = cls()
        found._newest_ms = floats[0]
        if found._newest_ms == -inf:
            history = History()
            history.restore(floats[1:])
            found._history = history
            return found
        found._history = None
        place = 1
        for interval in LONG_INTERVALS:
            part = floats[place : place + OpenBar.SIZE]
            found._open_bars[interval] = OpenBar.restored(part, INTERVAL_MS[interval])
            place += OpenBar.SIZE
        for interval in INTERVALS:
            found._series[interval] = Series(interval)
            place = found._series[interval].restore(floats, place)
        return found


def _first_minute(piece: Piece, told: Bar | None) -> tuple[Piece, bool]:
    """What counts of the minute in which our stream began, and whether our bar lacks trades of it.

    Where the exchange's bar holds more, it is the one that counts.
    """
    if holds_all(piece.bar, told):
        return piece, False
    counted = replace(piece.bar, is_partial=True) if told is None else told
    return replace(piece, bar=counted), True
