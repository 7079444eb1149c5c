"""Binance's combined trade stream: `/stream?streams=btcusdt@aggTrade/ethusdt@aggTrade`.

Frames go out in time order at the scenario's pace. Names are lower case; a name that nobody sends
is accepted and silent, as Binance does. The server pings every 20 s of real time and closes
when no pong has come for 60 s. A subscriber reads from where it connected; a slow one is held back
by its socket, not by a buffer of ours, and is cut when it is too far behind.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from operator import attrgetter

import structlog
from aiohttp import WSMsgType, web

from simulator.answers import SIMULATION
from simulator.fault_board import FaultBoard
from simulator.http_faults import FAULT_BOARD
from simulator.scenario import MINUTE_MS
from simulator.simulation import Frame, Simulation
from simulator.stream_faults import FramePath, SocketFaults, reset, shutdown_frame

# Real seconds. A tick is short enough for an eye, long enough to cost nothing.
TICK_S = 0.025
PING_S = 20.0
PONG_WITHIN_S = 60.0
# A client that does not read is not waited for at the end.
CLOSE_WITHIN_S = 1.0
MAX_STREAMS = 1_024
FAULT_TICK_S = 0.05
# From the word of a shutdown to the cut, unless the fault says otherwise.
SHUTDOWN_S = 2.0
# A half-open connection is kept this long after its client asked to close it.
HALF_OPEN_S = 60.0

log = structlog.get_logger()
BY_TIME = attrgetter("traded_at_ms")


@dataclass(frozen=True, slots=True)
class StreamTimes:
    """Real-time rules of the stream, smaller in tests."""

    tick_s: float = TICK_S
    ping_s: float = PING_S
    pong_within_s: float = PONG_WITHIN_S


STREAM_TIMES: web.AppKey[StreamTimes] = web.AppKey("stream_times", StreamTimes)


class Sockets(set[web.WebSocketResponse]):
    """The open connections, to be closed at the end."""


SOCKETS: web.AppKey[Sockets] = web.AppKey("sockets", Sockets)


class Subscriber:
    """One connection: what it wants and how far it has been told."""

    def __init__(self, simulation: Simulation, streams: frozenset[str], board: FaultBoard) -> None:
        self.streams = streams
        self._path = FramePath(board)
        # A trade of the very millisecond in which time stands still has not been told to anyone.
        self.told_ms = simulation.now_ms() - (not simulation.clock.is_running)
        self._simulation = simulation
        self._speed = simulation.clock.speed

    def lag_ms(self) -> int:
        """Scenario milliseconds between now and what was told."""
        return self._simulation.now_ms() - self.told_ms

    def is_behind(self, tick_s: float) -> bool:
        """Whether more is due than one tick's worth."""
        return self.lag_ms() > tick_s * 1000 * self._speed + 1

    def is_too_slow(self) -> bool:
        """Whether it cannot follow at this pace."""
        return self.lag_ms() > self._simulation.max_lag_s * 1000 * self._speed + MINUTE_MS

    def next_frames(self) -> Sequence[Frame]:
        """Frames in (told, now], at most to the end of a minute; `told` moves with them."""
        now_ms = self._simulation.now_ms()
        if now_ms <= self.told_ms:
            return []
        minute = (self.told_ms + 1) // MINUTE_MS
        frames = self._simulation.minute_frames(minute)
        through_ms = min(now_ms, (minute + 1) * MINUTE_MS - 1)
        first = bisect_right(frames, self.told_ms, key=BY_TIME)
        end = bisect_right(frames, through_ms, key=BY_TIME)
        self.told_ms = through_ms
        due = [frame for frame in frames[first:end] if frame.stream in self.streams]
        return self._path.carried(due, through_ms)


async def feed(
    socket: web.WebSocketResponse, subscriber: Subscriber, tick_s: float, suffered: SocketFaults
) -> None:
    """Send what is due, for ever. Waits in the socket's own back-pressure."""
    while not socket.closed:
        for frame in subscriber.next_frames():
            if suffered.is_silent:
                break
            await socket.send_frame(frame.text, WSMsgType.TEXT)
        await asyncio.sleep(0 if subscriber.is_behind(tick_s) else tick_s)


async def suffer(
    socket: web.WebSocketResponse,
    suffered: SocketFaults,
    simulation: Simulation,
    transport: asyncio.BaseTransport | None,
) -> None:
    """Until a fault has cut the connection, or it closes."""
    while not socket.closed:
        fault = suffered.next_one()
        if fault is None:
            await asyncio.sleep(FAULT_TICK_S)
            continue
        if fault.kind.name == "socket_silent":
            suffered.is_silent = True
            continue
        wait_s = 0.0
        if fault.kind.name == "server_shutdown":
            wait_s = SHUTDOWN_S
            await socket.send_frame(shutdown_frame(simulation.now_ms()), WSMsgType.TEXT)
        await asyncio.sleep(wait_s if fault.request.after_s is None else fault.request.after_s)
        reset(transport)
        return


class Keeper:
    """Pings one connection, and cuts it when it is silent or too slow."""

    def __init__(
        self, socket: web.WebSocketResponse, times: StreamTimes, suffered: SocketFaults
    ) -> None:
        self._socket = socket
        self._suffered = suffered
        self._times = times
        self._unanswered_since_s: float | None = None

    def heard_pong(self) -> None:
        """A pong has come."""
        self._unanswered_since_s = None

    async def keep(self, subscriber: Subscriber, transport: asyncio.BaseTransport | None) -> None:
        """Until the connection must go: returns after cutting it."""
        loop = asyncio.get_running_loop()
        next_ping_s = loop.time() + self._times.ping_s
        while not self._socket.closed:
            await asyncio.sleep(min(self._times.ping_s / 4, 0.5))
            if self._suffered.is_silent:
                continue
            now_s = loop.time()
            since_s = self._unanswered_since_s
            if subscriber.is_too_slow():
                log.warning("subscriber_too_slow", lag_ms=subscriber.lag_ms())
                break
            if since_s is not None and now_s - since_s > self._times.pong_within_s:
                log.warning("subscriber_without_pong", waited_s=round(now_s - since_s, 1))
                break
            if now_s >= next_ping_s:
                next_ping_s = now_s + self._times.ping_s
                self._unanswered_since_s = now_s if since_s is None else since_s
                await self._socket.ping(str(int(now_s * 1000)).encode())
        reset(transport)


async def listen(
    socket: web.WebSocketResponse,
    keeper: Keeper,
    suffered: SocketFaults,
    transport: asyncio.BaseTransport | None,
) -> None:
    """Read what the client sends until it goes: its pongs, its pings, its close."""
    async for message in socket:
        if message.type is WSMsgType.PONG:
            keeper.heard_pong()
        elif message.type is WSMsgType.PING and not suffered.is_silent:
            await socket.pong(message.data)
    if not suffered.is_silent:
        await socket.close()
        return
    # Nobody answers the close of a dead connection: its client must give up by itself.
    with suppress(TimeoutError):
        async with asyncio.timeout(HALF_OPEN_S):
            while transport is not None and not transport.is_closing():  # noqa: ASYNC110 - has no event
                await asyncio.sleep(FAULT_TICK_S)
    reset(transport)


async def combined_stream(request: web.Request) -> web.StreamResponse:
    """`GET /stream?streams=a/b/c`; the first subscriber to trades starts the scenario's clock."""
    simulation, times = request.app[SIMULATION], request.app[STREAM_TIMES]
    streams = frozenset(filter(None, request.query.get("streams", "").split("/")))
    if len(streams) > MAX_STREAMS:
        raise web.HTTPBadRequest(text=f"more than {MAX_STREAMS} streams")
    socket = web.WebSocketResponse(
        autoping=False, autoclose=False, compress=False, timeout=CLOSE_WITHIN_S
    )
    await socket.prepare(request)
    board, transport = request.app[FAULT_BOARD], request.transport
    suffered = SocketFaults(board)
    subscriber = Subscriber(simulation, streams, board)
    keeper = Keeper(socket, times, suffered)
    followed = [name for name in simulation.stream_names if name in streams]
    log.info("subscribed", streams=len(streams), followed=len(followed))
    if followed:
        simulation.clock.run()
    request.app[SOCKETS].add(socket)
    try:
        async with asyncio.TaskGroup() as tasks:
            working = (
                tasks.create_task(feed(socket, subscriber, times.tick_s, suffered)),
                tasks.create_task(keeper.keep(subscriber, transport)),
                tasks.create_task(suffer(socket, suffered, simulation, transport)),
            )
            await listen(socket, keeper, suffered, transport)
            for task in working:
                task.cancel()
    except* ConnectionError:
        pass  # the client has gone in the middle of a frame; it knows better than we do
    finally:
        request.app[SOCKETS].discard(socket)
        log.info("unsubscribed", told_ms=subscriber.told_ms)
    return socket


ROUTES = (web.get("/stream", combined_stream),)
