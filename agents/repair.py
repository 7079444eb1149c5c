"""Trades over REST: pages of one market, patient with a host that is briefly away, never for ever.

Patience is one budget for the whole stream: an outage is waited out once, not once a market.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Iterator

import structlog

from agents.http import Fetch
from agents.intake import Intake
from agents.source import Request, StreamSource
from agents.verdict import RequestRefused
from market.clock import Clock
from market.errors import Fatal, Retryable
from schemas.codec import Record

log = structlog.get_logger()

# How long an outage of the REST host is waited out before its trades are given up, real seconds.
PATIENCE_S = 120.0
SHORTEST_WAIT_S = 1.0


class PagesSpent(Retryable):
    """A hole is longer than the pages that may be spent on it at once; it is gone on later."""


class TradePages:
    """Reads a market's trades page by page."""

    def __init__(
        self,
        source: StreamSource,
        *,
        upstream: Fetch,
        intake: Intake,
        clock: Clock,
        max_pages: int,
    ) -> None:
        self._source = source
        self._upstream = upstream
        self._intake = intake
        self._clock = clock
        self._max_pages = max_pages
        self._failing_since_s = -math.inf
        self._failed_last_s = -math.inf

    def allowance(self) -> Iterator[int]:
        """The pages that one hole may take, over all its tries."""
        return iter(range(self._max_pages))

    async def since_id(
        self, symbol: str, from_id: int, allowance: Iterator[int]
    ) -> AsyncIterator[list[Record]]:
        """Pages from an id to the newest trade. Raises Retryable, Fatal or RequestRefused, and
        PagesSpent once the allowance is used up."""
        first = self._source.page_from_id(symbol, from_id)
        async for page in self._pages(symbol, first, allowance):
            yield page

    async def since_time(
        self, symbol: str, from_ms: int, allowance: Iterator[int]
    ) -> AsyncIterator[list[Record]]:
        """Pages from a time, milliseconds UTC, to the newest trade. Raises as `since_id`."""
        first = self._source.page_from_time(symbol, from_ms)
        async for page in self._pages(symbol, first, allowance):
            yield page

    async def is_listed(self, symbol: str) -> bool:
        """Whether the venue says that the market trades. Raises as `newest_id`."""
        try:
            return self._source.is_listed(await self._upstream.fetch(self._source.listing(symbol)))
        except RequestRefused:
            return False

    async def newest_id(self, symbol: str) -> int | None:
        """The newest id that REST knows, None where it gives no trade. Raises as `since_id`."""
        _, records = await self._page(self._source.page_of_newest(symbol))
        return records[-1]["trade_id"] if records else None

    async def _pages(
        self, symbol: str, first: Request, allowance: Iterator[int]
    ) -> AsyncIterator[list[Record]]:
        request = first
        for _ in allowance:
            rows, records = await self._page(request)
            yield records
            if rows < self._source.page_rows or not records:
                return
            request = self._source.page_from_id(symbol, records[-1]["trade_id"] + 1)
        raise PagesSpent(f"{symbol}: {self._max_pages} pages were not enough")

    def _outage_s(self, now_s: float) -> float:
        """How long the host has been failing, now once more. Where nothing was asked of it for
        long after a failure, that was another outage."""
        if now_s - self._failed_last_s > PATIENCE_S:
            self._failing_since_s = now_s
        self._failed_last_s = now_s
        return now_s - self._failing_since_s

    async def _page(self, request: Request) -> tuple[int, list[Record]]:
        """Rows of an answer, and the records among them in order of id."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                response = await self._upstream.fetch(request)
                rows = list(self._source.parse(response, self._clock.now_ms()))
            except RequestRefused:
                raise
            except (Retryable, Fatal) as error:
                if isinstance(error, Fatal):
                    raise
                wait_s = max(error.retry_after_s or 0.0, SHORTEST_WAIT_S)
                if self._outage_s(loop.time()) + wait_s > PATIENCE_S:
                    raise
                log.warning("repair_waits", wait_s=round(wait_s, 1), error=str(error))
                await asyncio.sleep(wait_s)
            else:
                self._failed_last_s = -math.inf
                records = await self._intake.sift(rows)
                records.sort(key=lambda record: record["trade_id"])
                return len(rows), records
