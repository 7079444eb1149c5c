import asyncio
import json
from collections import deque
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from agents.budget import Budget, BudgetSpent, Limits, Unlimited, month_end_ms, open_budget
from tests.agents.fakes import FakeClock, settings
from tests.agents.virtual_time import now_s, run

DAY_MS = 86_400_000


def at(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp() * 1000)


class Trial:
    """A budget whose real time and platform time are set by the test."""

    def __init__(
        self, folder: Path, *, minute: int | None = None, month: int | None = None, **clock: object
    ) -> None:
        self.clock = FakeClock(**clock)  # type: ignore[arg-type]
        self.clock.at_ms = at(2026, 4, 1)
        self.real_ms = 1_800_000_000_000
        self.path = folder / "budget" / "host.json"
        self.limits = Limits(minute, month)
        self.budget = self.again()

    def again(self) -> Budget:
        return Budget(self.path, self.limits, clock=self.clock, now_ms=lambda: self.real_ms)

    def take(self, times: int = 1, cost: int = 1) -> None:
        async def several() -> None:
            for _ in range(times):
                await self.budget.take(cost)

        run(several())


@hypothesis_settings(max_examples=60, deadline=None)
@given(
    limit=st.integers(1, 90),
    pauses_ms=st.lists(st.integers(0, 30_000), min_size=1, max_size=200),
)
def test_no_sixty_seconds_ever_hold_more_calls_than_the_limit(
    tmp_path_factory: pytest.TempPathFactory, limit: int, pauses_ms: list[int]
):
    trial = Trial(tmp_path_factory.mktemp("budget"), minute=limit)
    window: deque[int] = deque()
    for pause_ms in pauses_ms:
        trial.real_ms += pause_ms
        while (wait_s := trial.budget._try(1)) > 0:
            trial.real_ms += max(int(wait_s * 1000), 1)
        window.append(trial.real_ms)
        while trial.real_ms - window[0] >= 60_000:
            window.popleft()
        assert len(window) <= limit


@pytest.mark.parametrize("limit", [1, 2, 3, 30])
def test_a_patient_agent_gets_its_half_of_the_limit_at_least(tmp_path: Path, limit: int):
    trial = Trial(tmp_path, minute=limit)
    calls, end_ms = 0, trial.real_ms + 600_000
    while trial.real_ms < end_ms:
        wait_s = trial.budget._try(1)
        calls += wait_s == 0
        trial.real_ms += max(int(wait_s * 1000), 1)
    assert calls >= limit * 10 / 2


def test_a_spent_minute_is_waited_for(tmp_path: Path):
    trial = Trial(tmp_path, minute=2)
    base_ms = trial.real_ms

    async def three() -> float:
        budget = Budget(
            trial.path,
            trial.limits,
            clock=trial.clock,
            now_ms=lambda: base_ms + int(now_s() * 1000),
        )
        for _ in range(3):
            await budget.take()
        return now_s()

    assert run(three()) == pytest.approx(60, abs=1)


def test_a_clock_set_back_an_hour_does_not_stop_the_agent_for_an_hour(tmp_path: Path):
    trial = Trial(tmp_path, minute=2)
    trial.take()
    trial.real_ms -= 3_600_000
    assert 0 < trial.budget._try(1) <= 60


def test_use_of_the_month_survives_a_restart_and_ends_with_the_month(tmp_path: Path):
    trial = Trial(tmp_path, month=10)
    trial.take(3)
    assert trial.again().use().month_left == 7
    assert json.loads(trial.path.read_text())["used"] == 3
    trial.clock.at_ms = at(2026, 5, 1)
    assert trial.again().use().month_left == 10


def test_a_spent_month_is_an_error_that_leads_to_the_next_month(tmp_path: Path):
    trial = Trial(tmp_path, month=4)
    trial.clock.at_ms = at(2026, 4, 30, 23)
    trial.take(2, cost=2)
    with pytest.raises(BudgetSpent, match="CALLS_PER_MONTH") as caught:
        trial.take()
    assert caught.value.retry_after_s == 3600
    assert trial.budget.use().month_left == 0


def test_two_agents_of_a_host_share_its_month(tmp_path: Path):
    trial = Trial(tmp_path, month=3)
    other = trial.again()
    trial.take(2)
    run(other.take())
    with pytest.raises(BudgetSpent):
        trial.take()


def test_a_cadence_that_the_month_can_carry_stays_as_wished(tmp_path: Path):
    assert Trial(tmp_path, month=50_000).budget.plan("coingecko", 60.0, 1) == 60.0


def test_a_cadence_beyond_the_month_is_stretched_until_the_budget_lasts(tmp_path: Path):
    trial = Trial(tmp_path, month=10_000)
    assert trial.budget.plan("coingecko", 60.0, 1) == pytest.approx(30 * 86_400 / 10_000)
    assert trial.budget.use().month_projected == 10_000


def test_two_agents_are_stretched_alike(tmp_path: Path):
    trial = Trial(tmp_path, month=10_000)
    trial.budget.plan("coingecko", 60.0, 1)
    other = trial.budget.plan("coingecko_global", 120.0, 1)
    first = trial.budget.plan("coingecko", 60.0, 1)
    assert other == pytest.approx(2 * first)
    assert 30 * 86_400 * (1 / first + 1 / other) == pytest.approx(10_000)


@hypothesis_settings(max_examples=30, deadline=None)
@given(limit=st.integers(1, 400), wished_s=st.floats(60, 7_200), cost=st.integers(1, 3))
def test_a_planned_month_is_never_overspent_and_lasts_to_its_last_days(
    tmp_path_factory: pytest.TempPathFactory, limit: int, wished_s: float, cost: int
):
    trial = Trial(tmp_path_factory.mktemp("budget"), month=limit)
    spent, last_ms = 0, trial.clock.at_ms
    end_ms = month_end_ms(trial.clock.at_ms)
    for _ in range(limit + 2):
        try:
            trial.take(cost=cost)
        except BudgetSpent:
            break
        spent, last_ms = spent + cost, trial.clock.at_ms
        trial.clock.at_ms += int(trial.budget.plan("a", wished_s, cost) * 1000)
        if trial.clock.at_ms >= end_ms:
            break
    assert spent <= limit
    if limit >= 30 * cost and trial.clock.at_ms < end_ms:
        assert end_ms - last_ms < 3 * DAY_MS


def test_in_a_demo_everything_is_counted_and_nothing_waits(tmp_path: Path):
    trial = Trial(tmp_path, minute=1, month=2, speed=60.0, scenario="market")
    trial.take(5)
    assert trial.budget.plan("coingecko", 60.0, 1) == 60.0
    use = trial.budget.use()
    assert (use.minute_left, use.month_left) == (0, 0)
    assert use.month_projected == 5 + 43_200


def test_a_damaged_file_is_named_and_counting_starts_anew(tmp_path: Path):
    trial = Trial(tmp_path, month=5)
    trial.path.write_text("{")
    trial.take()
    assert trial.budget.use().month_left == 4


def test_the_limits_come_from_the_vendor_s_settings_and_a_host_without_any_is_free(tmp_path: Path):
    own = settings(home=tmp_path, coingecko_calls_per_month=7)
    budget = open_budget(own, "coingecko", "api.coingecko.com", FakeClock())
    assert budget.use().month_left == 7
    free = open_budget(own, "rss", "feeds.test", FakeClock())
    assert isinstance(free, Unlimited)
    asyncio.run(free.take())
    assert free.plan("rss", 300.0, 2) == 300.0
