import asyncio
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pybreaker
import pytest

from agents.http import OPEN_S, SettingNames, Upstream, new_breaker, wait_before_retry
from agents.source import Request
from agents.verdict import RequestRefused
from market.errors import Fatal, Retryable
from tests.agents.fakes import FakeHttp, answer
from tests.agents.virtual_time import run

REQUEST = Request("https://venue.test/path")


class Trial:
    """An upstream that gives these answers one after the other, the last one for ever."""

    def __init__(self, *answers: Any) -> None:
        left = list(answers)
        self.http = FakeHttp(lambda request: left.pop(0) if len(left) > 1 else left[0])
        self.breaker = new_breaker("venue.test")
        self.upstream = Upstream(
            self.http,
            breaker=self.breaker,
            names=SettingNames.of("coingecko_url", "coingecko_api_key"),
        )

    def fetch(self, times: int = 1) -> list[Any]:
        async def several() -> list[Any]:
            return [
                (await asyncio.gather(self.upstream.fetch(REQUEST), return_exceptions=True))[0]
                for _ in range(times)
            ]

        return run(several())


def status(code: int, **headers: str) -> Any:
    return answer(REQUEST, {}, status=code, **headers)


GOOD = answer(REQUEST, [1])


def test_a_server_error_is_asked_again_until_it_is_good():
    trial = Trial(status(500), status(502), GOOD)
    assert trial.fetch() == [GOOD]
    assert len(trial.http.asked) == 3


def test_a_429_waits_retry_after_before_the_next_request():
    trial = Trial(status(429, retry_after="9"), GOOD)
    assert trial.fetch() == [GOOD]
    first_s, second_s = trial.http.asked_at_s
    assert 9 <= second_s - first_s <= 10


def test_waits_without_retry_after_grow():
    trial = Trial(status(500))
    trial.fetch()
    at = trial.http.asked_at_s
    waits = [later - earlier for earlier, later in pairwise(at)]
    assert len(waits) == 3
    assert waits[0] < waits[1] < waits[2]


def test_a_long_retry_after_is_left_to_the_runner():
    trial = Trial(status(429, retry_after="600"))
    (error,) = trial.fetch()
    assert isinstance(error, Retryable)
    assert error.retry_after_s == 600
    assert len(trial.http.asked) == 1


@pytest.mark.parametrize(
    ("error", "wait"), [(ValueError(), False), (Fatal(""), False), (Retryable(""), True)]
)
def test_only_what_may_pass_is_retried(error: Exception, wait: bool):
    assert wait_before_retry(error) is wait


def test_a_permanent_error_opens_the_breaker_at_once_and_names_the_settings():
    trial = Trial(status(401))
    first, second = trial.fetch(2)
    assert isinstance(first, Fatal)
    assert "CRYPTOVIZ_COINGECKO_API_KEY" in str(first)
    assert isinstance(second, Retryable)
    assert "CRYPTOVIZ_COINGECKO_API_KEY" in str(second)
    assert second.retry_after_s == 300
    assert len(trial.http.asked) == 1


def test_repeated_failures_open_the_breaker_and_spare_the_host():
    trial = Trial(status(500))
    errors = trial.fetch(5)
    assert len(trial.http.asked) == 3 * 4
    assert trial.breaker.current_state == pybreaker.STATE_OPEN
    assert 0 < errors[-1].retry_after_s <= OPEN_S


def test_a_refused_request_is_neither_retried_nor_held_against_the_host():
    trial = Trial(status(400))
    errors = trial.fetch(6)
    assert {type(error) for error in errors} == {RequestRefused}
    assert len(trial.http.asked) == 6
    assert trial.breaker.current_state == pybreaker.STATE_CLOSED


def test_the_breaker_half_opens_by_itself_and_closes_on_success():
    trial = Trial(status(401), GOOD)
    trial.fetch()
    storage = trial.breaker._state_storage
    storage._opened_at = storage.opened_at - timedelta(seconds=301)
    assert trial.fetch() == [GOOD]
    assert trial.breaker.current_state == pybreaker.STATE_CLOSED
    assert trial.upstream.off_because is None
    assert trial.breaker.reset_timeout == OPEN_S
