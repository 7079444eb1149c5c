"""What a host may be asked: a token bucket a minute and a plan for the month, kept in one file.

All agents of one host share HOME/budget/HOST.json (read, changed and replaced whole under a lock),
so a restart or a second agent never spends a call twice. The minute goes by real time: in any 60
seconds at most `per_minute` calls begin. The month is UTC, platform time, and what is left of it is
spread over its days: the cadence of each agent is stretched by the same factor. In a demo the
months are the scenario's, everything is counted, and nothing waits.
"""

import asyncio
import fcntl
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import structlog

from agents.settings import AgentSettings
from market.clock import Clock, wall_ms
from market.errors import Retryable

log = structlog.get_logger()

MINUTE_US = 60_000_000
# An agent that has not planned for this long, platform time, takes no share of the month.
WISH_VALID_MS = 2 * 86_400_000


class BudgetSpent(Retryable):
    """The month's calls are used up; `retry_after_s` leads to the next month."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Calls that a host allows; None where it names no limit."""

    per_minute: int | None = None
    per_month: int | None = None


@dataclass(frozen=True, slots=True)
class Use:
    """What is left, for the heartbeat; None where there is no limit or no plan yet."""

    minute_left: int | None = None
    month_left: int | None = None
    month_projected: int | None = None


@dataclass
class _State:
    """Content of the file."""

    month: str = ""
    used: int = 0
    free_at_us: int = 0
    """Real time at which the minute's bucket is full again, microseconds UTC."""

    wishes: dict[str, tuple[float, int]] = field(default_factory=dict)
    """By agent its wished calls a platform second, and when it said so, platform ms."""


class Spending(Protocol):
    """What the fetch path sees of a budget."""

    async def take(self, cost: int = 1) -> None:
        """Wait for the minute and count a call. Raises BudgetSpent."""


class Budget:
    """The budget of one host."""

    def __init__(
        self, path: Path, limits: Limits, *, clock: Clock, now_ms: Callable[[], int] = wall_ms
    ) -> None:
        self._path = path
        self._limits = limits
        self._clock = clock
        self._wall_ms = now_ms
        path.parent.mkdir(parents=True, exist_ok=True)
        per_minute = limits.per_minute or 0
        # A bucket of half the limit that fills in the other half: a burst right before the
        # window's end and what has flown in since are together the limit, never more.
        self._burst = max(1, per_minute // 2)
        self._call_us = -(-MINUTE_US // (per_minute - self._burst + 1)) if per_minute else 0

    @property
    def _blocks(self) -> bool:
        return self._clock.scenario is None

    async def take(self, cost: int = 1) -> None:
        """Count a call of `cost` of the month's units once the minute has room for it."""
        wait_s = self._try(cost)
        while wait_s > 0:
            await asyncio.sleep(wait_s)
            wait_s = self._try(cost)

    def _try(self, cost: int) -> float:
        """Real seconds to wait before another try, 0 when the call has been counted."""
        with self._changed() as state:
            limit = self._limits.per_month
            if self._blocks and limit is not None and state.used + cost > limit:
                wait_s = _month_left_s(self._clock.now_ms()) / self._clock.speed
                raise BudgetSpent(
                    f"{state.used} of the month's {limit} calls to {self._path.stem} are used: "
                    "it is asked again next month, or sooner if you raise its CALLS_PER_MONTH",
                    retry_after_s=wait_s,
                )
            if self._limits.per_minute is not None:
                now_us = self._wall_ms() * 1000
                full_us = self._burst * self._call_us
                # A clock that was set back must not stop the agent: the bucket is empty then.
                ahead_us = min(max(state.free_at_us - now_us, 0), full_us)
                if self._blocks and ahead_us + self._call_us > full_us:
                    state.free_at_us = now_us + ahead_us
                    return (ahead_us + self._call_us - full_us) / 1e6
                state.free_at_us = now_us + min(ahead_us + self._call_us, full_us)
            state.used += cost
            return 0.0

    def plan(self, agent: str, interval_s: float, cost: int) -> float:
        """Platform seconds to the agent's next poll of `cost`, so that the month's budget lasts.

        Never below its wished `interval_s`; in a demo exactly that.
        """
        now_ms = self._clock.now_ms()
        with self._changed() as state:
            state.wishes[agent] = (cost / interval_s, now_ms)
            stretch = self._stretch(state, now_ms)
        if stretch is None:
            return max(interval_s, _month_left_s(now_ms))
        return interval_s * stretch if self._blocks else interval_s

    def use(self) -> Use:
        """What is left, and the month's use if all agents go on as planned."""
        now_ms = self._clock.now_ms()
        with self._changed() as state:
            pass
        per_minute, per_month = self._limits.per_minute, self._limits.per_month
        minute_left = month_left = projected = None
        if per_minute is not None:
            ahead_us = max(state.free_at_us - self._wall_ms() * 1000, 0)
            minute_left = max(self._burst - -(-ahead_us // self._call_us), 0)
        if per_month is not None:
            month_left = max(per_month - state.used, 0)
        if state.wishes:
            stretch = self._stretch(state, now_ms) if self._blocks else 1.0
            rate = 0.0 if stretch is None else self._rate(state, now_ms) / stretch
            projected = state.used + round(rate * _month_left_s(now_ms))
        return Use(minute_left, month_left, projected)

    def _stretch(self, state: _State, now_ms: int) -> float | None:
        """Factor on every cadence; None where nothing is left."""
        if self._limits.per_month is None or not self._blocks:
            return 1.0
        left = self._limits.per_month - state.used
        if left <= 0:
            return None
        return max(1.0, self._rate(state, now_ms) * _month_left_s(now_ms) / left)

    def _rate(self, state: _State, now_ms: int) -> float:
        return sum(
            calls_per_s
            for calls_per_s, said_at_ms in state.wishes.values()
            if now_ms - said_at_ms < WISH_VALID_MS
        )

    @contextmanager
    def _changed(self) -> Iterator[_State]:
        """The state under the host's lock; written back, also where the body raises."""
        with self._path.with_suffix(".lock").open("a", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            state = self._read()
            month = _month(self._clock.now_ms())
            if state.month != month:
                state.month, state.used = month, 0
            before = json.dumps(asdict(state))
            try:
                yield state
            finally:
                after = json.dumps(asdict(state))
                if after != before or not self._path.exists():
                    self._write(after)

    def _read(self) -> _State:
        try:
            held = json.loads(self._path.read_text("utf-8"))
            wishes = {agent: (float(rate), int(at)) for agent, (rate, at) in held["wishes"].items()}
            return _State(str(held["month"]), int(held["used"]), int(held["free_at_us"]), wishes)
        except FileNotFoundError:
            return _State()
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            log.exception("budget_unreadable", file=self._path.name, error=str(error))
            return _State()

    def _write(self, text: str) -> None:
        temporary = self._path.with_suffix(".tmp")
        temporary.write_text(text, "utf-8")
        temporary.replace(self._path)


class Unlimited:
    """The budget of a host for which no limit is set."""

    async def take(self, cost: int = 1) -> None:
        """Nothing to wait for."""
        del cost

    def plan(self, agent: str, interval_s: float, cost: int) -> float:
        """The wished cadence."""
        del agent, cost
        return interval_s

    def use(self) -> Use:
        """Nothing is known."""
        return Use()


def open_budget(
    settings: AgentSettings, vendor: str, host: str, clock: Clock
) -> Budget | Unlimited:
    """The budget of a vendor's host, from VENDOR_CALLS_PER_MINUTE and _PER_MONTH."""
    limits = Limits(
        getattr(settings, f"{vendor}_calls_per_minute", None),
        getattr(settings, f"{vendor}_calls_per_month", None),
    )
    if limits == Limits():
        return Unlimited()
    name = host.removesuffix(":443").replace(":", "_")
    return Budget(settings.home / "budget" / f"{name}.json", limits, clock=clock)


def _month(now_ms: int) -> str:
    return datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y-%m")


def _month_left_s(now_ms: int) -> float:
    """Seconds to the start of the next month, UTC."""
    return max(month_end_ms(now_ms) - now_ms, 1) / 1000


def month_end_ms(now_ms: int) -> int:
    """Start of the next month, milliseconds UTC."""
    moment = datetime.fromtimestamp(now_ms / 1000, UTC)
    year, month = divmod(moment.year * 12 + moment.month, 12)
    return int(datetime(year, month + 1, 1, tzinfo=UTC).timestamp() * 1000)
