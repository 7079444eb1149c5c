import asyncio
from typing import Any

import pytest

from agents.budget import Unlimited, Use
from agents.health import Condition, Heart, Idle
from agents.intake import Counters
from schemas.codec import decode, encode
from schemas.record_types import SOURCE_HEALTH
from tests.agents.fakes import FakeClock, FakePublisher
from tests.agents.virtual_time import now_s, run


class Trial:
    def __init__(self) -> None:
        self.publisher = FakePublisher()
        self.condition = Condition()
        self.heart = Heart(
            "binance_trades",
            intake=Idle(self.publisher),
            clock=FakeClock(),
            condition=lambda: self.condition,
            budget=Unlimited(),
        )

    def run(self, seconds: float, change_at_s: float | None = None, **change: Any) -> list[Any]:
        async def change_later() -> None:
            if change_at_s is not None:
                await asyncio.sleep(change_at_s)
                self.condition = Condition(**change)

        async def some_time() -> None:
            changing = asyncio.create_task(change_later())
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(self.heart.beat_for_ever(), seconds)
            await changing
            assert now_s() >= seconds

        run(some_time())
        return self.publisher.on(SOURCE_HEALTH.topic)


def test_a_heart_beats_at_once_and_every_ten_seconds():
    beats = Trial().run(34)
    assert len(beats) == 4
    assert {beat["state"] for beat in beats} == {"running"}
    assert {beat["reason"] for beat in beats} == {None}


def test_a_change_is_told_within_a_second():
    beats = Trial().run(5, change_at_s=2, off_because="no key", breaker="open")
    assert [(beat["state"], beat["reason"]) for beat in beats] == [
        ("running", None),
        ("off", "no key"),
    ]


def test_an_agent_that_has_run_once_is_done_unless_a_setting_keeps_it_off():
    assert Condition(is_done=True).state == "done"
    assert Condition(is_done=True, degraded_because="an unknown symbol").state == "done"
    assert Condition(is_done=True, off_because="451").state == "off"


def test_what_is_degraded_says_so_and_names_silent_markets():
    trial = Trial()
    trial.condition = Condition(degraded_because="ETHUSDT: silent", silent_symbols=("ETHUSDT",))
    (beat,) = trial.run(1)
    assert (beat["state"], beat["silent_symbols"]) == ("degraded", ["ETHUSDT"])


def test_a_heartbeat_is_a_source_health_record_with_what_the_budget_leaves():
    trial = Trial()
    trial.heart._budget = type("Spent", (), {"use": lambda self: Use(3, 40, 9_000)})()
    beat = trial.heart.record(Condition(last_success_ms=7, open_gaps=2, repaired_trades=11))
    assert decode(encode(SOURCE_HEALTH, beat))[1] == beat
    left = ("minute_calls_left", "month_calls_left", "month_calls_projected")
    assert [beat[name] for name in left] == [3, 40, 9_000]
    assert (beat["open_gaps"], beat["repaired_trades"]) == (2, 11)


def test_a_heartbeat_counts_rows_passed_over_and_torn_fills():
    trial = Trial()
    trial.heart._intake.counters = Counters(passed_over=3, torn_fills=2)
    beat = trial.heart.record(Condition())
    assert (beat["passed_over"], beat["torn_fills"]) == (3, 2)
