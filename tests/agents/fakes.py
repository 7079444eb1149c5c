"""Fakes behind the agents' own interfaces, and a venue that keeps the truth about its trades."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson

from agents.settings import AgentSettings
from agents.source import Request, Response
from market.errors import RecordRejected, Retryable
from schemas.codec import encode
from schemas.record_types import RecordType
from tests.agents.virtual_time import now_s

START_MS = 1_700_000_000_000


def settings(**overrides: Any) -> AgentSettings:
    return AgentSettings(**{"binance_symbols": "BTCUSDT,ETHUSDT", **overrides})


class FakeClock:
    def __init__(self, *, speed: float = 1.0, scenario: str | None = None) -> None:
        self.speed = speed
        self.scenario = scenario
        self.at_ms = START_MS

    def now_ms(self) -> int:
        return self.at_ms


class FakePublisher:
    """Keeps records by topic, encoded once so that a record which does not fit is refused."""

    def __init__(self) -> None:
        self.records: dict[str, list[dict[str, Any]]] = {}
        self.pending = 0
        self.waits = 0

    @property
    def acknowledged(self) -> int:
        return sum(map(len, self.records.values()))

    async def publish(
        self, record_type: RecordType, records: Sequence[Any]
    ) -> list[RecordRejected]:
        rejected = []
        for record in records:
            try:
                encode(record_type, record)
            except ValueError as error:
                rejected.append(RecordRejected("impossible_value", str(error)))
            else:
                self.records.setdefault(record_type.topic, []).append(dict(record))
        return rejected

    async def drained(self) -> None:
        return None

    def on(self, topic: str) -> list[dict[str, Any]]:
        return self.records.get(topic, [])


Answer = Response | Exception
Script = Callable[[Request], Answer]


def answer(request: Request, body: Any, *, status: int = 200, **headers: str) -> Response:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    names = {name.replace("_", "-"): text for name, text in headers.items()}
    return Response(request, status, raw, names)


class FakeHttp:
    """A Transport and a Fetch that answers from a function and remembers when it was asked."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.asked: list[Request] = []
        self.asked_at_s: list[float] = []

    async def send(self, request: Request) -> Response:
        self.asked.append(request)
        self.asked_at_s.append(now_s())
        await asyncio.sleep(0)
        found = self._script(request)
        if isinstance(found, Exception):
            raise found
        return found

    fetch = send


def trade_row(trade_id: int, **overrides: Any) -> dict[str, Any]:
    return {
        "a": trade_id,
        "p": "100.5",
        "q": "0.25",
        "f": trade_id * 2,
        "l": trade_id * 2 + 1,
        "T": START_MS + trade_id,
        "m": trade_id % 2 == 0,
        "M": True,
        **overrides,
    }


def trade_frame(symbol: str, trade_id: int, **overrides: Any) -> bytes:
    event = {"e": "aggTrade", "E": START_MS, "s": symbol, **trade_row(trade_id, **overrides)}
    return orjson.dumps({"stream": f"{symbol.lower()}@aggTrade", "data": event})


class FakeVenue:
    """REST side of a venue: trades 1..newest of each market, growing as frames are sent."""

    def __init__(self, newest: dict[str, int], *, page_rows: int = 1000) -> None:
        self.newest = newest
        self.page_rows = page_rows
        self.absent: set[tuple[str, int]] = set()

    def __call__(self, request: Request) -> Answer:
        symbol = request.params["symbol"]
        newest = self.newest.get(symbol, 0)
        if "fromId" in request.params:
            first = int(request.params["fromId"])
        elif "startTime" in request.params:
            first = max(int(request.params["startTime"]) - START_MS, 1)
        else:
            first = max(newest - int(request.params["limit"]) + 1, 1)
        last = min(newest, first + self.page_rows - 1)
        rows = [
            trade_row(trade_id)
            for trade_id in range(first, last + 1)
            if (symbol, trade_id) not in self.absent
        ]
        return answer(request, rows)


class FakeSocket:
    """Gives its frames, then closes."""

    def __init__(self, frames: Iterable[bytes]) -> None:
        self._frames = list(frames)

    async def receive(self) -> bytes:
        await asyncio.sleep(0)
        if not self._frames:
            raise Retryable("closed")
        return self._frames.pop(0)


class FakeConnect:
    """One script of frames a connection; after the last script the test is over."""

    def __init__(self, *scripts: Iterable[bytes]) -> None:
        self._scripts = list(scripts)
        self.finished = asyncio.Event()

    @asynccontextmanager
    async def __call__(self, url: str) -> AsyncIterator[FakeSocket]:
        if not self._scripts:
            self.finished.set()
            raise Retryable("no more connections")
        yield FakeSocket(self._scripts.pop(0))
