"""Heartbeats of one agent on `crypto-source-health`: every ten seconds of real time, and at once
when the state changes. The topic is compacted by the agent's name.

running: all is well. degraded: it works on, but its reason says what is missing. off: a setting
keeps it from working until that is mended. done: it runs once a start, and has run.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from agents.budget import Use
from agents.intake import Counters
from agents.publisher import Publisher
from market.clock import Clock
from schemas.codec import Record
from schemas.record_types import SOURCE_HEALTH

BEAT_S = 10.0
# How soon a change of state is told.
LOOK_S = 0.5
LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Condition:
    """What a runner says of itself."""

    off_because: str | None = None
    is_done: bool = False
    degraded_because: str | None = None
    breaker: str = "closed"
    last_success_ms: int | None = None
    open_gaps: int = 0
    repaired_trades: int = 0
    silent_symbols: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """running, degraded, off or done."""
        if self.off_because is not None:
            return "off"
        if self.is_done:
            return "done"
        return "running" if self.degraded_because is None else "degraded"


class Budgeted(Protocol):
    """What tells a heartbeat how much may still be asked."""

    def use(self) -> Use:
        """What is left."""


class Measured(Protocol):
    """What has passed so far."""

    publisher: Publisher
    counters: Counters
    newest_observed_ms: int | None
    newest_lag_ms: int | None


@dataclass
class Idle:
    """The measures of an agent that is off."""

    publisher: Publisher
    counters: Counters = field(default_factory=Counters)
    newest_observed_ms: int | None = None
    newest_lag_ms: int | None = None


class Heart:
    """Publishes the heartbeats of one agent."""

    def __init__(
        self,
        name: str,
        *,
        intake: Measured,
        clock: Clock,
        condition: Callable[[], Condition],
        budget: Budgeted,
    ) -> None:
        self._name = name
        self._intake = intake
        self._clock = clock
        self._condition = condition
        self._budget = budget
        self.told: Record | None = None
        """The newest heartbeat."""

    async def beat_for_ever(self) -> None:
        """Publish a heartbeat now, at every change and every ten seconds."""
        loop = asyncio.get_running_loop()
        told: tuple[object, ...] = ()
        due_s = loop.time()
        while True:
            condition = self._condition()
            state = (condition.state, condition.breaker, condition.silent_symbols)
            if state != told or loop.time() >= due_s:
                await self.beat()
                told, due_s = state, loop.time() + BEAT_S
            await asyncio.sleep(LOOK_S)

    async def beat(self) -> None:
        """Publish a heartbeat."""
        self.told = self.record(self._condition())
        await self._intake.publisher.publish(SOURCE_HEALTH, [self.told])

    def record(self, condition: Condition) -> Record:
        """A heartbeat."""
        now_ms = self._clock.now_ms()
        use = self._budget.use()
        intake = self._intake
        reason = condition.off_because or condition.degraded_because
        return {
            "source": self._name,
            "observed_at_ms": now_ms,
            "collected_at_ms": now_ms,
            "state": condition.state,
            "reason": None if reason is None else reason[:LONGEST_REASON],
            "last_event_at_ms": intake.newest_observed_ms,
            "last_success_at_ms": condition.last_success_ms,
            "lag_ms": intake.newest_lag_ms,
            "breaker": condition.breaker,
            "minute_calls_left": use.minute_left,
            "month_calls_left": use.month_left,
            "month_calls_projected": use.month_projected,
            "accepted": intake.counters.accepted,
            "duplicate": intake.counters.duplicate,
            "rejected": intake.counters.rejected,
            "open_gaps": condition.open_gaps,
            "repaired_trades": condition.repaired_trades,
            "silent_symbols": list(condition.silent_symbols),
            "passed_over": intake.counters.passed_over,
            "torn_fills": intake.counters.torn_fills,
        }
