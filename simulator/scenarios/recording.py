"""Recorded bodies and frames, played as they were: see docs/recordings.md.

Frames go out in the order and at the pace of their `recv_time`, each to whoever follows its stream.
REST's trades and candles are those of the recorded trade frames. A route answers with the newest
body observed by now; before the first, with the first. A route without a body says so with 404.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

import orjson

from market.coins import market_of, split_symbol
from market.errors import Fatal
from market.recordings import RecordedBody, RecordedFrame, bodies, frames, opened, routes
from simulator.recorded_bars.bar_candles import candle_of_trades, united
from simulator.scenario import (
    MINUTE_MS,
    Instrument,
    Kline,
    Scenario,
    Snapshot,
    TapeLine,
    Trade,
    WrongScenario,
)
from simulator.scenarios.offer import ScenarioOffer, ScenarioRequest

SOURCE = "binance"
# Decimals of a recorded market, for display: exchanges write eight.
DECIMALS = 8


class RecordingScenario(Scenario):
    """One folder, from its first frame (or `start_ms`) to its last."""

    name = "recording"
    has_bodies = True

    def __init__(self, folder: Path, *, start_ms: int | None) -> None:
        self._bodies: Mapping[str, Sequence[RecordedBody]] = {
            route: bodies(folder, route) for route in routes(folder)
        }
        self._lines, trades = _read(folder)
        self._trades = {symbol: _in_order(held) for symbol, held in sorted(trades.items())}
        self._ids = {s: [one.trade_id for one in held] for s, held in self._trades.items()}
        self._times = {s: [one.traded_at_ms for one in held] for s, held in self._trades.items()}
        self.instruments = {symbol: _instrument(symbol) for symbol in self._trades}
        first_ms = self._first_ms()
        if start_ms is None and first_ms is None:
            raise WrongScenario(f"{folder}: neither a frame nor a body with a moment; give --from")
        start_ms = first_ms if start_ms is None else start_ms
        self.start_ms = (start_ms or 0) // MINUTE_MS * MINUTE_MS
        newest = [line.at_ms for line in self._lines[-1:]]
        self.end_ms = max([*newest, *(times[-1] for times in self._times.values())], default=None)
        if self.end_ms is not None and self.start_ms > self.end_ms:
            raise WrongScenario(
                f"from: {self.start_ms} ms is after the last frame, {self.end_ms} ms"
            )

    def _first_ms(self) -> int | None:
        if self._lines:
            return min(self._lines[0].at_ms, *(times[0] for times in self._times.values()))
        moments = (body.observed_at_ms for held in self._bodies.values() for body in held)
        return min((moment for moment in moments if moment is not None), default=None)

    def tape(self, minute: int) -> Sequence[TapeLine]:
        """See Scenario. The recorded lines of a minute of `recv_time`, whatever they say."""
        first, end = (
            bisect_left(self._lines, at * MINUTE_MS, key=lambda line: line.at_ms)
            for at in (minute, minute + 1)
        )
        return self._lines[first:end]

    def body(self, route: str, at_ms: int) -> bytes | None:
        """See Scenario."""
        held = self._bodies.get(route, ())
        past = [one for one in held if one.observed_at_ms is None or one.observed_at_ms <= at_ms]
        chosen = past[-1] if past else next(iter(held), None)
        if chosen is None:
            return None
        with opened(chosen.path) as content:
            return content.read()

    def minute_trades(self, symbol: str, minute: int) -> Sequence[Trade]:
        """See Scenario."""
        times = self._times[symbol]
        first, end = (bisect_left(times, at * MINUTE_MS) for at in (minute, minute + 1))
        return self._trades[symbol][first:end]

    def minute_of_trade(self, symbol: str, trade_id: int, through_ms: int) -> int | None:
        """See Scenario. An id that was not recorded counts as the next one that was."""
        del through_ms
        place = bisect_left(self._ids[symbol], trade_id)
        times = self._times[symbol]
        return times[place] // MINUTE_MS if place < len(times) else None

    def id_ranges(self, symbol: str, from_ms: int, to_ms: int) -> list[tuple[int, int]]:
        """See Scenario. A recording may have holes."""
        times = self._times[symbol]
        ids = self._ids[symbol][bisect_left(times, from_ms) : bisect_left(times, to_ms + 1)]
        runs = groupby(enumerate(ids), key=lambda pair: pair[1] - pair[0])
        parts = [[trade_id for _, trade_id in run] for _, run in runs]
        return [(part[0], part[-1]) for part in parts]

    def klines(
        self, symbol: str, interval_ms: int, first_open_ms: int, limit: int, now_ms: int
    ) -> Sequence[Kline]:
        """See Scenario. Minutes without a recorded trade are no candle."""
        times, held = self._times[symbol], self._trades[symbol]
        told = held[bisect_left(times, first_open_ms) : bisect_left(times, now_ms + 1)]
        made: list[Kline] = []
        minutes = [
            candle_of_trades(minute * MINUTE_MS, list(inside))
            for minute, inside in groupby(told, key=lambda one: one.traded_at_ms // MINUTE_MS)
        ]
        for open_ms, group in groupby(
            minutes, key=lambda candle: candle.open_time_ms // interval_ms * interval_ms
        ):
            if len(made) == limit:
                break
            made.append(united(open_ms, list(group)))
        return made

    def snapshots(self, at_ms: int) -> Sequence[Snapshot]:
        """See Scenario. Recorded bodies answer where there are any."""
        del at_ms
        return ()


def _read(folder: Path) -> tuple[list[TapeLine], dict[str, list[Trade]]]:
    """All lines in order of their recv_time, and the trades in them. Raises WrongScenario."""
    lines: list[TapeLine] = []
    trades: dict[str, list[Trade]] = {}
    try:
        for frame in frames(folder):
            line, trade = _line(frame)
            if line is not None:
                lines.append(line)
            if trade is not None:
                trades.setdefault(trade.symbol, []).append(trade)
    except Fatal as error:
        raise WrongScenario(str(error)) from error
    lines.sort(key=lambda line: line.at_ms)
    return lines, trades


def _line(frame: RecordedFrame) -> tuple[TapeLine | None, Trade | None]:
    """A frame as it is sent, in the combined envelope, and the trade that it tells of."""
    try:
        told = orjson.loads(frame.text)
    except orjson.JSONDecodeError:
        return None, None
    inner = told.get("data", told)
    if not isinstance(inner, dict):
        return None, None
    stream = told.get("stream")
    text = frame.text
    if not isinstance(stream, str):
        if not isinstance(inner.get("e"), str) or not isinstance(inner.get("s"), str):
            return None, None
        stream = f"{inner['s'].lower()}@{inner['e']}"
        text = orjson.dumps({"stream": stream, "data": inner})
    return TapeLine(frame.received_at_ms, stream, text), _trade(inner)


def _trade(told: Mapping[str, object]) -> Trade | None:
    if told.get("e") != "aggTrade":
        return None
    ids = [told.get(name) for name in ("a", "f", "l", "T")]
    texts = [told.get(name) for name in ("s", "p", "q")]
    if not all(isinstance(one, int) for one in ids) or not all(isinstance(t, str) for t in texts):
        return None
    trade_id, first, last, at_ms = (int(str(one)) for one in ids)
    symbol, price, quantity = (str(text) for text in texts)
    return Trade(symbol, trade_id, first, last, price, quantity, at_ms, told.get("m") is True)


def _in_order(trades: Sequence[Trade]) -> list[Trade]:
    """Each id once, by id; a time before its predecessor's counts as the predecessor's."""
    ordered: list[Trade] = []
    for trade in sorted({one.trade_id: one for one in trades}.values(), key=lambda t: t.trade_id):
        earliest_ms = ordered[-1].traded_at_ms if ordered else 0
        ordered.append(trade._replace(traded_at_ms=max(trade.traded_at_ms, earliest_ms)))
    return ordered


def _instrument(symbol: str) -> Instrument:
    try:
        base, quote = split_symbol(symbol)
        coin_id = market_of(SOURCE, symbol).coin_id
    except Fatal:
        base, quote, coin_id = symbol, "", ""  # not one of our coins; it is played all the same
    return Instrument(symbol, coin_id, base, quote, DECIMALS, DECIMALS)


def open_recording(request: ScenarioRequest) -> RecordingScenario:
    """The folder of the request. Raises WrongScenario where it holds nothing that can be played."""
    if request.bars:
        raise WrongScenario("bars: only the scenario bars plays files")
    if request.folder is None:
        raise WrongScenario("the scenario recording needs a folder")
    if not request.folder.is_dir():
        raise WrongScenario(f"{request.folder} is no folder")
    return RecordingScenario(request.folder, start_ms=request.start_ms)


RECORDING = ScenarioOffer(
    name="recording", summary="a folder of recorded bodies and frames", open=open_recording
)
