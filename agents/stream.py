"""The runner of trade streams: each market's trades reach Kafka once, in order of id, without hole.

A line receives frames into a bounded buffer, so that pings are answered whatever Kafka does; a
worker parses, orders and publishes in small batches. After each connection the trades since the
last known id come over REST, in time order over all markets, while live frames wait in the buffer.
Frames that the buffer had to drop are taken from REST like any other hole; what REST does not give
is in the gap ledger; an id beyond all that REST knows is refused.

A line is renewed before the venue cuts it, when the markets file has changed, and when it is silent
though trades happen: the new one is opened first, both receive for a while, and the worker ends the
old one's frames before it begins the new one's, so that the overlap is only duplicates.
"""

import asyncio
import random
from collections.abc import Callable, Sequence

import structlog

from agents.checks import refuse
from agents.intake import Intake
from agents.line import Line
from agents.mending import Mender
from agents.sequence import TradeSequence
from agents.silence import Silence
from agents.source import StreamSource
from agents.verdict import RequestRefused
from agents.websocket import Connect
from market.clock import Clock
from market.errors import Fatal, Retryable
from schemas.codec import Record

log = structlog.get_logger()

SUMMARY_EVERY_S = 10.0
FIRST_RECONNECT_S = 0.5
LONGEST_RECONNECT_S = 30.0
# A connection that lived this long was a good one: backoff starts afresh.
GOOD_CONNECTION_S = 60.0
# How long two lines receive at once: more than their frames can be apart.
OVERLAP_S = 2.0
LOOK_S = 1.0
# What the scenario's clock may be off, real seconds.
DEMO_TOLERANCE_S = 10.0

Symbols = Sequence[str]


class StreamRunner:
    """Runs one StreamSource."""

    def __init__(
        self,
        source: StreamSource,
        *,
        connect: Connect,
        mender: Mender,
        intake: Intake,
        sequence: TradeSequence,
        clock: Clock,
        unknown_since_ms: int | None,
        followed: Callable[[], Symbols | None] = lambda: None,
        start_cause: str = "restart",
    ) -> None:
        """`unknown_since_ms`: since when markets without a known id are asked for; None at the
        very first start, which begins with the live trades. `followed` gives the markets to follow
        once they have changed, else None. `start_cause` is the gap cause of what was missed before
        the start."""
        self._source = source
        self._connect = connect
        self._intake = intake
        self._sequence = sequence
        self._clock = clock
        self._unknown_since_ms = unknown_since_ms
        self._followed = followed
        self._line: Line | None = None
        self._coming: tuple[Line, Symbols] | None = None
        """The line that is to replace this one, and the markets it brings."""
        self._deaf: set[str] = set()
        self._cause = start_cause
        settings = source.settings
        tolerance_s = 0.0 if clock.scenario is None else DEMO_TOLERANCE_S * clock.speed
        self._silent_after_ms = 1000 * (settings.binance_silent_after_s + tolerance_s)
        self._max_age_s = settings.binance_stream_max_age_s
        self.mender = mender
        self.silence = Silence(after_ms=self._silent_after_ms)
        self.connections = 0
        self.lost_because: str | None = None
        """Why there is no connection now, None while there is one."""

    @property
    def asked(self) -> int:
        """Connections that were opened."""
        return self.connections

    @property
    def last_success_ms(self) -> int | None:
        """When the newest frame came, milliseconds UTC."""
        return None if self._line is None else self._line.last_frame_ms

    async def run(self) -> None:
        """Stream for ever. Raises Fatal where Kafka does not take records."""
        tasks = [
            asyncio.create_task(part)
            for part in (
                self._connections(),
                self._report(),
                self._listen(),
                self.mender.mend_for_ever(lambda: self._source.symbols),
            )
        ]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _connections(self) -> None:
        loop = asyncio.get_running_loop()
        wait_s = FIRST_RECONNECT_S
        while True:
            started_s = loop.time()
            try:
                await self._follow(await self._open(self._source.symbols))
            except Retryable as error:
                self.lost_because = str(error)
                log.warning("disconnected", source=self._source.name, error=str(error))
            if loop.time() - started_s > GOOD_CONNECTION_S:
                wait_s = FIRST_RECONNECT_S
            await asyncio.sleep(wait_s * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
            wait_s = min(wait_s * 2, LONGEST_RECONNECT_S)

    async def _open(self, symbols: Symbols) -> Line:
        """A line that receives. Raises Retryable."""
        line = Line(
            self._connect,
            self._source.stream_url(symbols),
            farewell=self._source.farewell,
            now_ms=self._clock.now_ms,
        )
        try:
            await line.opened()
        except BaseException:
            await line.close()
            raise
        self.connections += 1
        self.lost_because = None
        log.info("connected", source=self._source.name, connection=self.connections)
        return line

    async def _follow(self, line: Line) -> None:
        """Work off a line and those that replace it. Raises Retryable once one is lost."""
        connected_at_ms = self._clock.now_ms()
        self._line = line
        try:
            if self._unknown_since_ms is None:
                await self.mender.begin(self._source.symbols)
            await self._catch_up(self._source.symbols, self._cause)
            self._cause = "reconnect"
            if self._unknown_since_ms is None:
                self._unknown_since_ms = connected_at_ms
            while True:
                self._line = line
                line = await self._until_renewed(line)
        finally:
            await line.close()
            if self._coming is not None:
                await self._coming[0].close()
                self._coming = None

    async def _until_renewed(self, line: Line) -> Line:
        """Work a line off; returns the one that goes on. Raises Retryable where none does."""
        renewal = asyncio.create_task(self._renew(line))
        try:
            await self._work_off(line)
            if not line.is_lost:
                return await renewal
        finally:
            renewal.cancel()
            await asyncio.wait([renewal])
        coming, self._coming = self._coming, None
        if coming is None:
            raise line.error
        log.info("lost_while_renewed", source=self._source.name, error=str(line.error))
        line, symbols = coming
        await self._switch(symbols, set())
        await self._catch_up(self._source.symbols, "reconnect")
        return line

    async def _renew(self, line: Line) -> Line:
        """Wait until the line must be replaced, open its successor, then drop it."""
        why, symbols = await self._reason_to_renew(line)
        log.info("renews", source=self._source.name, why=why)
        deaf, self._deaf = self._deaf, set()
        wait_s = FIRST_RECONNECT_S
        while True:
            try:
                coming = await self._open(symbols)
                break
            except Retryable as error:
                log.warning("not_renewed", source=self._source.name, error=str(error))
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, LONGEST_RECONNECT_S)
        self._coming = coming, symbols
        await asyncio.sleep(OVERLAP_S)
        await line.close()
        await line.buffer.worked_off()
        await self._switch(symbols, deaf)
        self._coming = None
        return coming

    async def _reason_to_renew(self, line: Line) -> tuple[str, Symbols]:
        loop = asyncio.get_running_loop()
        too_old_s = loop.time() + self._max_age_s
        last_frame_ms = self._clock.now_ms()
        while True:
            symbols = self._source.symbols
            last_frame_ms = max(last_frame_ms, line.last_frame_ms or 0)
            if line.told_to_leave.is_set():
                return "the venue is about to cut the connection", symbols
            if loop.time() >= too_old_s:
                return "the venue would cut the connection soon", symbols
            if self._deaf:
                return f"REST has trades that it did not bring: {sorted(self._deaf)}", symbols
            if self._clock.now_ms() - last_frame_ms > self._silent_after_ms:
                self._deaf = set(symbols)
                return "it brings nothing at all", symbols
            changed = self._followed()
            if changed is not None and set(changed) != set(symbols):
                return "the followed markets have changed", changed
            await asyncio.sleep(LOOK_S)

    async def _switch(self, symbols: Symbols, deaf: set[str]) -> None:
        """Between the old line's last frame and the new one's first."""
        before = set(self._source.symbols)
        added, removed = set(symbols) - before, before - set(symbols)
        if added or removed:
            self._source.follow(symbols)
            for symbol in removed:
                self._sequence.forget(symbol)
            log.info("follows", added=sorted(added), removed=sorted(removed))
            await self.mender.begin(sorted(added))
        await self._catch_up(sorted(deaf - removed), "reconnect")

    async def _work_off(self, line: Line) -> None:
        """A line's frames until its end."""
        buffer = line.buffer
        publisher = self._intake.publisher
        waits = publisher.waits
        while batch := await buffer.take():
            async with self.mender.turn:
                await self._work(batch)
            if buffer.dropped and not len(buffer):
                log.warning("frames_dropped", frames=buffer.resume())
                cause = "overflow" if publisher.waits == waits else "kafka"
                await self._catch_up(self._source.symbols, cause)
                waits = publisher.waits
            # A batch without a wait inside would keep pings waiting.
            await asyncio.sleep(0)

    async def _work(self, batch: list[tuple[bytes, int]]) -> None:
        """Frames to Kafka, holes repaired before what came after them."""
        parse = self._source.parse_frame
        outcomes = [found for frame, at_ms in batch for found in parse(frame, at_ms)]
        pending = await self._intake.sift(outcomes)
        while pending:
            admitted = self._sequence.admit(pending)
            self._intake.counters.duplicate += admitted.duplicates
            await self.mender.publish(admitted.ready)
            pending = admitted.waiting
            for hole in admitted.holes:
                behind = next(trade for trade in pending if trade["symbol"] == hole.symbol)
                if not await self.mender.close(hole, behind):
                    pending = await self._disbelieve(hole.symbol, pending)

    async def _disbelieve(self, symbol: str, trades: list[Record]) -> list[Record]:
        """Refuse a market's trades, return those of others. Nothing is lost where REST was only
        late: the market's next trade shows the same hole, and then REST has them all."""
        await self._intake.sift(
            refuse(f"{symbol} id {trade['trade_id']} is above REST's newest", trade)
            for trade in trades
            if trade["symbol"] == symbol
        )
        return [trade for trade in trades if trade["symbol"] != symbol]

    async def _catch_up(self, symbols: Symbols, cause: str) -> None:
        async with self.mender.turn:
            await self.mender.catch_up(
                symbols, cause=cause, unknown_since_ms=self._unknown_since_ms
            )

    async def _listen(self) -> None:
        """Once a second, which markets have fallen silent; their silence is checked over REST."""
        while True:
            await asyncio.sleep(LOOK_S)
            now_ms = self._clock.now_ms()
            for symbol in self.silence.sample(self._sequence.last, self._source.symbols, now_ms):
                try:
                    await self._check(symbol)
                except (Retryable, Fatal) as error:
                    log.warning("silence_unchecked", symbol=symbol, error=str(error))

    async def _check(self, symbol: str) -> None:
        """Whether a silent market has no trades, is listed no more, or is only not heard."""
        pages, sequence = self.mender.pages, self._sequence
        held_id = sequence.last.get(symbol, sequence.begins.get(symbol))
        try:
            newest_id = await pages.newest_id(symbol)
        except RequestRefused:
            newest_id, is_listed = None, False
        else:
            is_listed = await pages.is_listed(symbol)
        log.info("silent", symbol=symbol, is_listed=is_listed, id=held_id, newest_id=newest_id)
        if not is_listed:
            self.silence.delisted.add(symbol)
        elif newest_id is None:
            return
        elif held_id is None:
            await self._check_unheard(symbol, newest_id)
        elif newest_id > held_id == sequence.last.get(symbol, sequence.begins.get(symbol)):
            self._deaf.add(symbol)
        elif newest_id < held_id:
            async with self.mender.turn:  # a repair under way stands on the last id
                if sequence.last.get(symbol) == held_id:
                    log.error("id_beyond_the_venue_s", symbol=symbol, id=held_id, newest=newest_id)
                    sequence.forget(symbol)
                    sequence.begins[symbol] = newest_id

    async def _check_unheard(self, symbol: str, newest_id: int) -> None:
        """A market of which no id is known: what it traded since we listen is asked for by time."""
        await self._catch_up([symbol], "reconnect")
        if symbol in self._sequence.last:
            self._deaf.add(symbol)
        else:
            self._sequence.begins[symbol] = newest_id

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
                buffered=0 if self._line is None else len(self._line.buffer),
                acknowledged=self._intake.publisher.acknowledged,
                pending=self._intake.publisher.pending,
            )
            before = counters.copy()
