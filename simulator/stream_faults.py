"""What faults do to the trade stream: to connections, and to the frames on their way to each one.

Which frames are left out, doubled, late or skewed follows from (seed, symbol, trade id), so two
subscribers and a replay suffer the same. Nothing is changed where no fault runs.
"""

import asyncio
from collections.abc import Sequence
from heapq import heappop, heappush
from itertools import count

import orjson

from simulator.fault_board import Fault, FaultBoard
from simulator.simulation import Frame

# Frames held back at most: a late frame is late by a minute at most.
HELD_FRAMES = 100_000


def trade_id_of(frame: Frame) -> int:
    """The frame's trade id, cut out of its text."""
    start = frame.text.index(b'"a":') + 4
    return int(frame.text[start : frame.text.index(b",", start)])


def symbol_of(frame: Frame) -> str:
    """The frame's market."""
    return frame.stream.partition("@")[0].upper()


class FramePath:
    """The way of the frames to one connection; late frames are held here until their time."""

    def __init__(self, board: FaultBoard) -> None:
        self._board = board
        self._held: list[tuple[int, int, Frame]] = []
        self._order = count()

    def carried(self, frames: Sequence[Frame], told_ms: int) -> Sequence[Frame]:
        """What goes out of the due frames, and what was held back until `told_ms`."""
        faults = self._board.of("frames")
        withheld = self._board.withheld_any()
        if not faults and not self._held and not withheld:
            return frames
        passed: list[Frame] = []
        for frame in frames:
            passed += self._suffer(frame, faults)
        while self._held and self._held[0][0] <= told_ms:
            passed.append(heappop(self._held)[2])
        return passed

    def _suffer(self, frame: Frame, faults: Sequence[Fault]) -> list[Frame]:
        symbol, trade_id = symbol_of(frame), trade_id_of(frame)
        if trade_id in self._board.withheld(symbol):
            return []
        copies = [frame]
        for fault in faults:
            if fault.request.symbol not in (None, symbol) or fault.remaining == 0:
                continue
            if not copies or not fault.takes(symbol, trade_id):
                continue
            copies = self._one(copies, fault, symbol, trade_id)
        return copies

    def _one(self, copies: list[Frame], fault: Fault, symbol: str, trade_id: int) -> list[Frame]:
        match fault.kind.name:
            case "symbol_silent":
                copies = []
            case "skip_ids":
                copies = []
                if fault.request.also_rest:
                    self._board.withhold(symbol, trade_id)
            case "duplicate":
                copies = copies * 2
            case "clock_skew":
                copies = [skewed(frame, fault.request.skew_ms) for frame in copies]
            case "reorder":
                if len(self._held) >= HELD_FRAMES:
                    return copies
                late_ms = 1 + int(
                    fault.fraction("late", symbol, trade_id) * fault.request.within_ms
                )
                for frame in copies:
                    due_ms = frame.traded_at_ms + late_ms
                    heappush(self._held, (due_ms, next(self._order), frame))
                copies = []
        self._board.apply(fault, symbol=symbol, trade_id=trade_id)
        return copies


def skewed(frame: Frame, skew_ms: int) -> Frame:
    """The frame with other times; its place in the stream stays."""
    told = orjson.loads(frame.text)
    told["data"]["E"] += skew_ms
    told["data"]["T"] += skew_ms
    return Frame(frame.traded_at_ms, frame.stream, orjson.dumps(told))


class SocketFaults:
    """What becomes of one connection. A silent one stays silent until its client goes."""

    def __init__(self, board: FaultBoard) -> None:
        self._board = board
        self._suffered: set[int] = set()
        self.is_silent = False

    def next_one(self) -> Fault | None:
        """A fault of connections that is new to this one and takes it."""
        for fault in self._board.of("socket"):
            if fault.number in self._suffered:
                continue
            self._suffered.add(fault.number)
            if fault.takes():
                self._board.apply(fault)
                return fault
        return None


def shutdown_frame(now_ms: int) -> bytes:
    """Binance's word before it cuts a connection; it stands outside the envelope."""
    return orjson.dumps({"e": "serverShutdown", "E": now_ms})


def reset(transport: asyncio.BaseTransport | None) -> None:
    """Cut a connection without a close."""
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()
