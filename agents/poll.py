"""The runner of sources that are asked: cadence, fetch, dedup, publish, one log line a poll.

Cadence is platform time (in a demo the scenario's), so that sixty scenario seconds at speed 60 are
one real second. Waits that another side asked for are real time. A poll that failed is simply taken
again: nothing is kept between polls but the memory.
"""

import asyncio

import structlog

from agents.http import Fetch
from agents.intake import Intake
from agents.memory import Memory
from agents.source import PollSource, Request
from agents.verdict import RequestRefused
from market.clock import Clock
from market.errors import Fatal, Retryable

log = structlog.get_logger()

# A demo may run at any speed; more than twenty polls a second would only load the computer.
SHORTEST_CADENCE_S = 0.05
# Between rounds of a source that runs once and has not got everything yet.
ONCE_AGAIN_S = 5.0


class PollRunner:
    """Runs one PollSource."""

    def __init__(
        self,
        source: PollSource,
        *,
        upstream: Fetch,
        intake: Intake,
        memory: Memory,
        clock: Clock,
    ) -> None:
        self._source = source
        self._upstream = upstream
        self._intake = intake
        self._memory = memory
        self._clock = clock

    async def run(self) -> None:
        """Poll for ever, or until done. Raises Fatal where a source that runs once is refused."""
        loop = asyncio.get_running_loop()
        while True:
            started_s = loop.time()
            failures = await self.poll()
            again_s = self._wait_s(failures)
            if again_s is None:
                log.info("done", source=self._source.name)
                return
            await asyncio.sleep(max(started_s + again_s - loop.time(), 0.0))

    def _wait_s(self, failures: list[Exception]) -> float | None:
        """Real seconds from the start of this poll to the next, None when there is none."""
        asked_s = max(
            (e.retry_after_s or 0.0 for e in failures if isinstance(e, Retryable)), default=None
        )
        interval_s = self._source.interval_s(self._clock.now_ms())
        if interval_s is None:
            for failure in failures:
                if isinstance(failure, Fatal) and not isinstance(failure, RequestRefused):
                    raise failure
            return None if asked_s is None else max(ONCE_AGAIN_S, asked_s)
        cadence_s = max(interval_s / self._clock.speed, SHORTEST_CADENCE_S)
        return max(cadence_s, asked_s or 0.0)

    async def poll(self) -> list[Exception]:
        """One round of requests; returns what failed, which the next round asks again."""
        before = self._intake.counters.copy()
        started_s = asyncio.get_running_loop().time()
        failures: list[Exception] = []
        requests = 0
        for request in self._source.requests(self._memory.last):
            requests += 1
            try:
                await self._take(request)
            except RequestRefused as error:
                failures.append(error)
            except (Retryable, Fatal) as error:
                # The host is in trouble: what is left would only fail alike.
                failures.append(error)
                break
        await self._intake.publisher.drained()
        report = log.warning if failures else log.info
        report(
            "poll",
            source=self._source.name,
            requests=requests,
            **self._intake.counters.since(before),
            elapsed_ms=round((asyncio.get_running_loop().time() - started_s) * 1000),
            **({"failed": len(failures), "first": str(failures[0])} if failures else {}),
        )
        return failures

    async def _take(self, first: Request) -> None:
        """An answer and its further pages onto Kafka."""
        request: Request | None = first
        while request is not None:
            response = await self._upstream.fetch(request)
            rows = self._source.parse(response, self._clock.now_ms())
            records = await self._intake.sift(rows)
            new = [record for record in records if self._memory.admit(record)]
            self._intake.counters.duplicate += len(records) - len(new)
            await self._intake.publish(new)
            self._source.taken(response)
            request = self._source.next_page(response)
