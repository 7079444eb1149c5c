"""The runner of trade streams: each market's trades reach Kafka once, in order of id, without hole.

A receiver drains the socket into a bounded buffer, so that pings are answered whatever Kafka does;
a worker parses, orders and publishes in small batches. After each connection the trades since the
last known id come over REST, in time order over all markets, while live frames wait in the buffer.
Frames that the buffer had to drop are taken from REST like any other hole. What cannot be repaired
is logged as `trades_missing`; an id beyond all that REST knows is refused.
"""

import asyncio
import random

import structlog

from agents.buffer import FrameBuffer
from agents.catchup import in_time_order
from agents.checks import refuse
from agents.intake import Intake
from agents.repair import TradePages
from agents.sequence import Hole, TradeSequence
from agents.source import StreamSource
from agents.websocket import Connect, Socket
from market.clock import Clock
from market.errors import Fatal, Retryable
from schemas.codec import Record

log = structlog.get_logger()

SUMMARY_EVERY_S = 10.0
FIRST_RECONNECT_S = 0.5
LONGEST_RECONNECT_S = 30.0
# A connection that lived this long was a good one: backoff starts afresh.
GOOD_CONNECTION_S = 60.0
# REST may know a trade a moment later than the stream.
REST_LAG_S = 0.5
REST_LAG_TRIES = 3


class StreamRunner:
    """Runs one StreamSource."""

    def __init__(
        self,
        source: StreamSource,
        *,
        connect: Connect,
        pages: TradePages,
        intake: Intake,
        sequence: TradeSequence,
        clock: Clock,
        unknown_since_ms: int | None,
    ) -> None:
        """`unknown_since_ms`: since when markets without a known id are asked for; None at the
        very first start, which begins with the live trades."""
        self._source = source
        self._connect = connect
        self._pages = pages
        self._intake = intake
        self._sequence = sequence
        self._clock = clock
        self._unknown_since_ms = unknown_since_ms
        self._buffer = FrameBuffer()
        self.connections = 0

    async def run(self) -> None:
        """Stream for ever. Raises Fatal where Kafka does not take records."""
        reporter = asyncio.create_task(self._report())
        try:
            await self._connections()
        finally:
            reporter.cancel()

    async def _connections(self) -> None:
        loop = asyncio.get_running_loop()
        wait_s = FIRST_RECONNECT_S
        while True:
            started_s = loop.time()
            try:
                async with self._connect(self._source.stream_url()) as socket:
                    self.connections += 1
                    log.info("connected", source=self._source.name, connection=self.connections)
                    await self._session(socket)
            except Retryable as error:
                log.warning("disconnected", source=self._source.name, error=str(error))
            if loop.time() - started_s > GOOD_CONNECTION_S:
                wait_s = FIRST_RECONNECT_S
            await asyncio.sleep(wait_s * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
            wait_s = min(wait_s * 2, LONGEST_RECONNECT_S)

    async def _session(self, socket: Socket) -> None:
        """One connection, until it closes and its frames are worked off. Raises Retryable."""
        self._buffer = buffer = FrameBuffer()
        connected_at_ms = self._clock.now_ms()
        receiver = asyncio.create_task(self._receive(socket, buffer))
        try:
            await self._catch_up()
            if self._unknown_since_ms is None:
                self._unknown_since_ms = connected_at_ms
            while batch := await buffer.take():
                await self._work(batch)
                if buffer.dropped and not len(buffer):
                    log.warning("frames_dropped", frames=buffer.resume())
                    await self._catch_up()
                # A batch without a wait inside would keep pings waiting.
                await asyncio.sleep(0)
            await receiver
        finally:
            receiver.cancel()

    async def _receive(self, socket: Socket, buffer: FrameBuffer) -> None:
        now_ms = self._clock.now_ms
        try:
            while True:
                frame = await socket.receive()
                at_ms = now_ms()
                while not buffer.offer(frame, at_ms):
                    await buffer.room()
        finally:
            buffer.end()

    async def _work(self, batch: list[tuple[bytes, int]]) -> None:
        """Frames to Kafka, holes repaired before what came after them."""
        parse = self._source.parse_frame
        outcomes = [found for frame, at_ms in batch for found in parse(frame, at_ms)]
        pending = await self._intake.sift(outcomes)
        while pending:
            admitted = self._sequence.admit(pending)
            self._intake.counters.duplicate += admitted.duplicates
            await self._intake.publish(admitted.ready)
            pending = admitted.waiting
            for hole in admitted.holes:
                if not await self._close(hole):
                    pending = await self._disbelieve(hole.symbol, pending)

    async def _close(self, hole: Hole) -> bool:
        """Publish a hole's trades from REST, or give it up; the sequence then stands at its end.

        False where REST does not know the trade behind the hole either: the sequence does not
        move, because one absurd id would make every real trade after it an old one.
        """
        symbol = hole.symbol
        try:
            for _ in range(REST_LAG_TRIES):
                async for page in self._pages.since_id(symbol, self._next_id(symbol)):
                    await self._publish_known(page)
                    if self._next_id(symbol) > hole.to_id:
                        log.info("repaired", symbol=symbol, from_id=hole.from_id, to_id=hole.to_id)
                        return True
                await asyncio.sleep(REST_LAG_S)
            newest_id = await self._pages.newest_id(symbol)
            if newest_id is not None and newest_id <= hole.to_id:
                return False
            problem = "REST does not have them"
        except (Retryable, Fatal) as error:
            problem = str(error)
        self._give_up(Hole(symbol, self._next_id(symbol), hole.to_id), problem)
        return True

    async def _disbelieve(self, symbol: str, trades: list[Record]) -> list[Record]:
        """Refuse a market's trades, return those of others. Nothing is lost where REST was only
        late: the market's next trade shows the same hole, and then REST has them all."""
        await self._intake.sift(
            refuse(f"{symbol} id {trade['trade_id']} is above REST's newest", trade)
            for trade in trades
            if trade["symbol"] == symbol
        )
        return [trade for trade in trades if trade["symbol"] != symbol]

    def _next_id(self, symbol: str) -> int:
        return self._sequence.last[symbol] + 1

    def _give_up(self, hole: Hole, why: str) -> None:
        log.error(
            "trades_missing",
            symbol=hole.symbol,
            from_id=hole.from_id,
            to_id=hole.to_id,
            why=why,
        )
        self._sequence.skip(hole)

    async def _publish_known(self, page: list[Record]) -> None:
        """Trades from REST, which is the truth: ids that it leaves out do not exist there."""
        pending = page
        while pending:
            admitted = self._sequence.admit(pending)
            self._intake.counters.duplicate += admitted.duplicates
            await self._intake.publish(admitted.ready)
            pending = admitted.waiting
            for hole in admitted.holes:
                self._give_up(hole, "the REST answer leaves them out")

    async def _catch_up(self) -> None:
        """Trades since the last known ids, over all markets in order of time."""
        last = self._sequence.last
        markets = {}
        for symbol in self._source.symbols:
            if symbol in last:
                markets[symbol] = self._pages.since_id(symbol, last[symbol] + 1)
            elif self._unknown_since_ms is not None:
                markets[symbol] = self._pages.since_time(symbol, self._unknown_since_ms)
        if not markets:
            return
        before = self._intake.counters.copy()
        async for chunk in in_time_order(markets):
            await self._publish_known(chunk)
        log.info("caught_up", markets=len(markets), **self._intake.counters.since(before))

    async def _report(self) -> None:
        """One line every ten seconds, whatever happened."""
        before = self._intake.counters.copy()
        while True:
            await asyncio.sleep(SUMMARY_EVERY_S)
            counters = self._intake.counters
            log.info(
                "stream",
                source=self._source.name,
                **counters.since(before),
                buffered=len(self._buffer),
                acknowledged=self._intake.publisher.acknowledged,
                pending=self._intake.publisher.pending,
            )
            before = counters.copy()
