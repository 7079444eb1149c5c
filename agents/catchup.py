"""Merges the pages of many markets by time, holding one page a market at most, and counts what
came of them."""

import asyncio
import heapq
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass

import structlog

from agents.verdict import RequestRefused
from market.errors import Fatal, Retryable
from schemas.codec import Record

log = structlog.get_logger()

# First pages under way at once; the host's weight limit is far above.
CONCURRENT_PAGES = 4
CHUNK_TRADES = 500

Pages = AsyncIterator[list[Record]]


@dataclass(slots=True)
class Part:
    """What a catch-up brought of a market: its trades, from which id on, and their times."""

    from_id: int
    trades: int = 0
    from_ms: int = 0
    to_ms: int = 0


class Tally:
    """The parts of a catch-up since the last `take`. `last` are the ids known before it."""

    def __init__(self, last: Mapping[str, int]) -> None:
        self._last = dict(last)
        self._parts: dict[str, Part] = {}
        self.trades = 0

    def add(self, trades: Iterable[Record]) -> None:
        """Count those that were not known."""
        for trade in trades:
            symbol, trade_id, at_ms = trade["symbol"], trade["trade_id"], trade["traded_at_ms"]
            known_id = self._last.setdefault(symbol, trade_id - 1)
            if trade_id <= known_id:
                continue
            part = self._parts.setdefault(symbol, Part(known_id + 1, from_ms=at_ms))
            part.trades += 1
            part.to_ms = at_ms
            self.trades += 1

    def take(self, last: Mapping[str, int]) -> dict[str, Part]:
        """The parts by market; the next ones begin after `last`."""
        taken, self._parts = self._parts, {}
        self._last |= {symbol: last[symbol] for symbol in taken}
        self.trades = 0
        return taken


async def in_time_order(markets: Mapping[str, Pages]) -> AsyncIterator[list[Record]]:
    """Chunks of all markets' trades by `traded_at_ms`; each market keeps its own order.

    A market whose pages fail is logged and left out from there on: its next live trade shows the
    hole again.
    """
    gate = asyncio.Semaphore(CONCURRENT_PAGES)

    async def head(symbol: str) -> tuple[str, deque[Record]]:
        async with gate:
            return symbol, await _next(symbol, markets[symbol])

    heads = dict(await asyncio.gather(*(head(symbol) for symbol in markets)))
    heap = [(rows[0]["traded_at_ms"], symbol) for symbol, rows in heads.items() if rows]
    heapq.heapify(heap)
    chunk: list[Record] = []
    while heap:
        _, symbol = heapq.heappop(heap)
        rows = heads[symbol]
        chunk.append(rows.popleft())
        if not rows:
            rows = heads[symbol] = await _next(symbol, markets[symbol])
        if rows:
            heapq.heappush(heap, (rows[0]["traded_at_ms"], symbol))
        if len(chunk) >= CHUNK_TRADES:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


async def _next(symbol: str, pages: Pages) -> deque[Record]:
    """The market's next page that holds trades; empty at its end or after an error."""
    try:
        async for page in pages:
            if page:
                return deque(page)
    except RequestRefused as error:
        log.warning("catch_up_refused", symbol=symbol, error=str(error))
    except (Retryable, Fatal) as error:
        log.error("catch_up_failed", symbol=symbol, error=str(error))  # noqa: TRY400 - no trace
    return deque()
