"""Closes holes in the trades over REST and keeps the ledger of them.

A hole that REST closes at once leaves one `repaired` record. Where REST is away or the hole is too
long, the gap is recorded as open, live trades go on, and it is asked for again later.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence

import structlog

from agents.catchup import Tally, in_time_order
from agents.fills import FillChain
from agents.gaps import Gap, GapLedger
from agents.intake import Intake
from agents.repair import TradePages
from agents.sequence import Hole, TradeSequence
from agents.verdict import RequestRefused
from market.errors import Fatal, Retryable
from schemas.codec import Record
from schemas.record_types import GAP

log = structlog.get_logger()

# REST may know a trade a moment later than the stream.
REST_LAG_S = 0.5
REST_LAG_TRIES = 3
# A catch-up after a long outage takes minutes: what it has repaired is marked on the way, so that
# the ledger knows of the outage also where this process ends before the catch-up does.
MARK_EVERY_TRADES = 50_000
LOOK_FOR_DUE_S = 5.0
BETWEEN_GAPS_S = 0.1


class Mender:
    """All that a trade stream asks of REST."""

    def __init__(
        self,
        *,
        pages: TradePages,
        intake: Intake,
        sequence: TradeSequence,
        ledger: GapLedger,
        newest_ms: int | None,
    ) -> None:
        """`newest_ms`: event time of the topic's newest trade, where a restart's holes begin."""
        self.pages = pages
        self.ledger = ledger
        self.turn = asyncio.Lock()
        """Held while trades are published, so that a late repair waits for its own to be safe."""
        self._intake = intake
        self._sequence = sequence
        self._newest_ms = newest_ms
        self._times: dict[str, int] = {}
        self._fills = FillChain()
        self._torn_markets: set[str] = set()
        self._unfinished: dict[str, str] = {}
        """By market, why its next hole is there: a catch-up that failed."""

    async def publish(self, trades: Sequence[Record]) -> None:
        """Trades onto Kafka, in order."""
        self._mark_torn(self._fills.torn(trades))
        await self._intake.publish(trades)
        times = self._times
        for trade in trades:
            times[trade["symbol"]] = trade["traded_at_ms"]

    def _mark_torn(self, trades: Sequence[Record]) -> None:
        """Count trades whose fills do not join on; each market is named once, for a venue that
        numbers otherwise would fill the log."""
        self._intake.counters.torn_fills += len(trades)
        for trade in trades:
            if trade["symbol"] not in self._torn_markets:
                self._torn_markets.add(trade["symbol"])
                log.error(
                    "fills_torn",
                    symbol=trade["symbol"],
                    trade_id=trade["trade_id"],
                    first_fill_id=trade["first_fill_id"],
                    why="it is not the fill after the last trade's last; all trades are kept, and "
                    "counts of fills of this market may be wrong",
                )

    async def close(self, hole: Hole, behind: Record) -> bool:
        """Publish a hole's trades from REST, or leave it open; the sequence then stands at its end.

        `behind` is the trade after it. False where REST does not know that one either: the sequence
        does not move, because one absurd id would make every real trade after it an old one.
        """
        symbol = hole.symbol
        to_ms = behind["traded_at_ms"]
        from_ms = min(self._times.get(symbol, self._newest_ms or to_ms), to_ms)
        cause = self._unfinished.pop(symbol, "skipped")
        gap = Gap(symbol, hole.from_id, hole.to_id, from_ms, to_ms, cause)
        trades = 0
        try:
            allowance = self.pages.allowance()
            for _ in range(REST_LAG_TRIES):
                async for page in self.pages.since_id(symbol, self._next_id(symbol), allowance):
                    trades += await self._publish_known(page, within=gap)
                    if self._next_id(symbol) > hole.to_id:
                        await self._record_repaired(gap, trades)
                        return True
                await asyncio.sleep(REST_LAG_S)
            newest_id = await self._newest_id(symbol)
            if newest_id <= hole.to_id:
                if trades:
                    await self._record_repaired(_part(gap, self._next_id(symbol) - 1), trades)
                return False
            await self._miss(Hole(symbol, self._next_id(symbol), hole.to_id), gap)
            await self._record_repaired(gap, trades)
        except (Retryable, Fatal) as error:
            await self._leave_open(gap, trades, error)
        return True

    async def _leave_open(self, gap: Gap, trades: int, error: Exception) -> None:
        """What came counts as a repaired gap of its own; the rest is asked for later."""
        symbol = gap.symbol
        next_id = self._next_id(symbol)
        if next_id > gap.from_id:
            await self._record_repaired(_part(gap, next_id - 1), trades)
        rest = Gap(symbol, next_id, gap.to_id, gap.from_ms, gap.to_ms, gap.cause)
        log.error(
            "trades_missing",
            symbol=symbol,
            from_id=rest.from_id,
            to_id=rest.to_id,
            why=str(error),
        )
        await self._note(self.ledger.opened(rest))
        self.ledger.postpone(rest, _now_s(), at_least_s=_asked_s(error))
        self._sequence.skip(Hole(symbol, rest.from_id, rest.to_id))

    async def catch_up(
        self, symbols: Iterable[str], *, cause: str, unknown_since_ms: int | None
    ) -> None:
        """Trades since the last known ids, over these markets in order of time."""
        last = self._sequence.last
        markets = {}
        for symbol in symbols:
            allowance = self.pages.allowance()
            if symbol in last:
                since = self.pages.since_id(symbol, last[symbol] + 1, allowance)
            elif unknown_since_ms is not None:
                since = self.pages.since_time(symbol, unknown_since_ms, allowance)
            else:
                continue
            markets[symbol] = self._watched(symbol, since, cause)
        if not markets:
            return
        tally, counted = Tally(last), self._intake.counters.copy()
        async for chunk in in_time_order(markets):
            tally.add(chunk)
            await self._publish_known(chunk, cause=cause)
            if tally.trades >= MARK_EVERY_TRADES:
                await self._mark(tally, cause)
        await self._mark(tally, cause)
        log.info("caught_up", markets=len(markets), **self._intake.counters.since(counted))

    async def _mark(self, tally: Tally, cause: str) -> None:
        """Into the ledger what a catch-up has repaired so far."""
        last = self._sequence.last
        for symbol, part in tally.take(last).items():
            gap = Gap(symbol, part.from_id, last[symbol], part.from_ms, part.to_ms, cause)
            await self._record_repaired(gap, part.trades)

    async def begin(self, symbols: Iterable[str]) -> None:
        """Learn the newest id of markets that are not known yet; without REST they begin blind."""
        for symbol in symbols:
            if symbol in self._sequence.last:
                continue
            try:
                newest_id = await self.pages.newest_id(symbol)
            except RequestRefused as error:
                log.warning("market_refused", symbol=symbol, error=str(error))
            except (Retryable, Fatal) as error:
                log.warning("begins_unchecked", symbol=symbol, error=str(error))
                return
            else:
                if newest_id is not None:
                    self._sequence.begins[symbol] = newest_id

    async def mend_for_ever(self, followed: Callable[[], Sequence[str]]) -> None:
        """Ask again for open gaps of followed markets, one at a time, each with growing pauses."""
        while True:
            gap = self.ledger.due(_now_s(), followed())
            if gap is None:
                await asyncio.sleep(LOOK_FOR_DUE_S)
                continue
            await self.mend(gap)
            # After a storm thousands are due at once: a breath for the live frames, not a nap.
            await asyncio.sleep(BETWEEN_GAPS_S)

    async def mend(self, gap: Gap) -> None:
        """One more attempt at an open gap. Its trades come after newer ones."""
        at = self.ledger.next_id(gap)
        trades = 0
        fills = FillChain()
        try:
            allowance = self.pages.allowance()
            async for page in self.pages.since_id(gap.symbol, at, allowance):
                self._mark_torn(fills.torn(page))
                async with self.turn:
                    for trade in page:
                        trade_id = trade["trade_id"]
                        if at < trade_id:
                            upto = min(trade_id - 1, gap.to_id)
                            await self._note_missing(gap, at, upto)
                        if trade_id <= gap.to_id:
                            await self._intake.publish([trade])
                            trades += 1
                        at = trade_id + 1
                        if at > gap.to_id:
                            break
                    await self._intake.publisher.drained()
                if at > gap.to_id:
                    break
            if at <= gap.to_id:
                await self._end(gap, at)
        except (Retryable, Fatal) as error:
            await self._note(self.ledger.progressed(gap, trades, next_id=at))
            self.ledger.postpone(gap, _now_s(), at_least_s=_asked_s(error))
            log.warning("gap_stays_open", symbol=gap.symbol, from_id=at, error=str(error))
            return
        if gap.key in {open_gap.key for open_gap in self.ledger.open_gaps}:
            await self._note(self.ledger.repaired(gap, trades))
        log.info("gap_mended", symbol=gap.symbol, to_id=gap.to_id, trades=trades)

    async def _end(self, gap: Gap, at: int) -> None:
        """REST ended inside the gap. Where we hold later trades that proves nothing: Retryable."""
        if self._sequence.last.get(gap.symbol, gap.to_id) >= gap.to_id:
            raise Retryable(f"{gap.symbol}: REST ends before {at}, and we hold later trades")
        await self._note_missing(gap, at, gap.to_id)

    async def _newest_id(self, symbol: str) -> int:
        """An empty answer proves nothing: Retryable."""
        newest_id = await self.pages.newest_id(symbol)
        if newest_id is None:
            raise Retryable(f"{symbol}: REST gives no trade at all")
        return newest_id

    def _next_id(self, symbol: str) -> int:
        return self._sequence.last[symbol] + 1

    async def _watched(
        self, symbol: str, pages: AsyncIterator[list[Record]], cause: str
    ) -> AsyncIterator[list[Record]]:
        try:
            async for page in pages:
                yield page
        except (Retryable, Fatal):
            self._unfinished[symbol] = cause
            raise

    async def _publish_known(
        self, page: list[Record], *, within: Gap | None = None, cause: str = "skipped"
    ) -> int:
        """Trades from REST, which is the truth: ids that it leaves out do not exist there. Returns
        how many of them are of the gap."""
        pending = page
        trades = 0
        while pending:
            admitted = self._sequence.admit(pending)
            self._intake.counters.duplicate += admitted.duplicates
            await self.publish(admitted.ready)
            if within is not None:
                trades += sum(trade["trade_id"] <= within.to_id for trade in admitted.ready)
            pending = admitted.waiting
            for hole in admitted.holes:
                at_ms: int = self._times.get(hole.symbol) or pending[0]["traded_at_ms"]
                await self._miss(hole, within or Gap(hole.symbol, 0, 0, at_ms, at_ms, cause))
        return trades

    async def _miss(self, hole: Hole, around: Gap) -> None:
        """REST does not have these ids."""
        if hole.from_id <= hole.to_id:
            log.error(
                "trades_missing",
                symbol=hole.symbol,
                from_id=hole.from_id,
                to_id=hole.to_id,
                why="REST does not have them",
            )
            await self._note_missing(around, hole.from_id, hole.to_id)
            self._sequence.skip(hole)

    async def _note_missing(self, around: Gap, from_id: int, to_id: int) -> None:
        gap = Gap(around.symbol, from_id, to_id, around.from_ms, around.to_ms, around.cause)
        await self._note(self.ledger.missing(gap))

    async def _record_repaired(self, gap: Gap, trades: int) -> None:
        """Once the trades are safe; a gap without a single one has its `upstream_missing`."""
        if trades:
            log.info("repaired", symbol=gap.symbol, from_id=gap.from_id, to_id=gap.to_id)
            await self._intake.publisher.drained()
            await self._note(self.ledger.repaired(gap, trades))

    async def _note(self, records: Sequence[Record]) -> None:
        await self._intake.publisher.publish(GAP, records)


def _part(gap: Gap, to_id: int) -> Gap:
    return Gap(gap.symbol, gap.from_id, to_id, gap.from_ms, gap.to_ms, gap.cause)


def _asked_s(error: Exception) -> float:
    return (error.retry_after_s or 0.0) if isinstance(error, Retryable) else 0.0


def _now_s() -> float:
    return asyncio.get_running_loop().time()
