"""The runner of sources that are asked: cadence, fetch, dedup, publish, one log line a poll.

Cadence is platform time (in a demo the scenario's), so that sixty scenario seconds at speed 60 are
one real second. Waits that another side asked for are real time. A poll that failed is simply taken
again: nothing is kept between polls but the memory.
"""

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

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
# A timer may fire this much early.
TIMER_S = 0.01
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
        plan: Callable[[float, int], float] = lambda interval_s, _cost: interval_s,
    ) -> None:
        """`plan` stretches a cadence, platform seconds, for polls that cost so much."""
        self._source = source
        self._upstream = upstream
        self._intake = intake
        self._memory = memory
        self._clock = clock
        self._plan = plan
        self._cost = 0
        self.asked = 0
        """Polls that began."""
        self.last_success_ms: int | None = None
        """When the newest good answer came, platform time, milliseconds UTC."""
        self._troubles: dict[str, str] = {}
        """By host what failed when it was last asked."""
        self.is_done = False
        """Whether a source that runs once has run."""
        self._rests_until_s: dict[str, float] = {}
        """By host, the event loop's time before which it asked not to be asked again."""

    @property
    def trouble(self) -> str | None:
        """What fails now, also at a host that rests."""
        return next(iter(self._troubles.values()), None)

    async def run(self) -> None:
        """Poll for ever, or until done. Raises Fatal where a source that runs once is refused."""
        loop = asyncio.get_running_loop()
        while True:
            started_s = loop.time()
            failures = await self.poll()
            again_s = self._again_s(started_s, failures)
            if again_s is None:
                self.is_done = True
                log.info("done", source=self._source.name)
                return
            await asyncio.sleep(max(again_s - loop.time(), 0.0))

    def _again_s(self, started_s: float, failures: list[Exception]) -> float | None:
        """The event loop's time of the next poll, None when there is none.

        One host that wants to rest delays nobody but itself; the poll waits where all of them do.
        """
        free_s = min(self._rests_until_s.values(), default=0.0)
        interval_s = self._source.interval_s(self._clock.now_ms())
        if interval_s is None:
            for failure in failures:
                if isinstance(failure, Fatal) and not isinstance(failure, RequestRefused):
                    raise failure
            if not any(isinstance(failure, Retryable) for failure in failures):
                return None
            return max(started_s + ONCE_AGAIN_S, free_s)
        if self._cost:
            interval_s = self._plan(interval_s, self._cost)
        cadence_s = max(interval_s / self._clock.speed, SHORTEST_CADENCE_S)
        return max(started_s + cadence_s, free_s)

    async def poll(self) -> list[Exception]:
        """One round of requests; returns what failed, which the next round asks again."""
        self.asked += 1
        before = self._intake.counters.copy()
        started_s = asyncio.get_running_loop().time()
        failures: list[Exception] = []
        requests = 0
        in_trouble: set[str] = set()
        rests_until_s: dict[str, float] = {}
        troubles: dict[str, str] = {}
        self._cost = 0
        for request in self._source.requests(self._memory.last):
            host = urlsplit(request.url).netloc
            until_s = rests_until_s.setdefault(host, self._rests_until_s.get(host, 0.0))
            if until_s > started_s + TIMER_S and host in self._troubles:
                troubles[host] = self._troubles[host]
            if host in in_trouble or until_s > started_s + TIMER_S:
                continue
            requests += 1
            try:
                await self._take(request)
            except RequestRefused as error:
                failures.append(error)
                troubles.setdefault(host, str(error))
            except (Retryable, Fatal) as error:
                # The host is in trouble: what is left for it would only fail alike.
                failures.append(error)
                troubles.setdefault(host, str(error))
                in_trouble.add(host)
                asked_s = error.retry_after_s if isinstance(error, Retryable) else None
                rests_until_s[host] = asyncio.get_running_loop().time() + (asked_s or 0.0)
        self._rests_until_s = rests_until_s
        self._troubles = troubles
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
            self._cost += request.cost
            response = await self._upstream.fetch(request)
            rows = self._source.parse(response, self._clock.now_ms())
            records = await self._intake.sift(rows)
            self.last_success_ms = self._clock.now_ms()
            new = [record for record in records if self._memory.admit(record)]
            self._intake.counters.duplicate += len(records) - len(new)
            await self._intake.publish(new)
            self._source.taken(response)
            request = self._source.next_page(response)
