import csv
from datetime import UTC, datetime
from typing import Any

import pytest

from agents.intake import Intake
from agents.memory import Memory
from agents.poll import PollRunner
from agents.source import Request
from agents.sources.fear_greed import DAY_MS, FearGreed
from market.errors import RecordRejected, Retryable
from schemas.codec import decode, encode
from schemas.record_types import FEAR_GREED
from tests.agents.fakes import FakeClock, FakeHttp, FakePublisher, answer, settings
from tests.agents.sources.recordings import recording
from tests.agents.virtual_time import run

TODAY_MS = 1_767_571_200_000
NOON_MS = TODAY_MS + DAY_MS // 2


def day(days_ago: int = 0, **overrides: Any) -> dict[str, Any]:
    newest = {"time_until_update": "43200"} if days_ago == 0 else {}
    return {
        "value": str(40 + days_ago),
        "value_classification": "Fear",
        "timestamp": str((TODAY_MS - days_ago * DAY_MS) // 1000),
        **newest,
        **overrides,
    }


def body(*days: Any) -> dict[str, Any]:
    return {"name": "Fear and Greed Index", "data": list(days), "metadata": {"error": None}}


def request(limit: int = 30) -> Request:
    return Request("https://api.alternative.me/fng/", params={"limit": str(limit)})


def parsed(*days: Any, source: FearGreed | None = None) -> list[Any]:
    source = source or FearGreed(settings())
    return list(source.parse(answer(request(), body(*days)), NOON_MS))


def test_strings_become_numbers_and_days_rise():
    older, newest = parsed(day(), day(1))
    assert (older["index"], newest["index"]) == (41, 40)
    assert newest["observed_at_ms"] == TODAY_MS
    assert newest["classification"] == "Fear"
    assert newest["source"] == "alternative_me"
    assert decode(encode(FEAR_GREED, newest)) == (FEAR_GREED, newest)


@pytest.mark.parametrize(
    "fault",
    [
        {"value": "101"},
        {"value": "-1"},
        {"value": "47.5"},
        {"value": ""},
        {"value": None},
        {"value": "٤٧"},
        {"timestamp": "1767571201"},
        {"timestamp": "05-01-2026"},
        {"timestamp": "9" * 12},
        {"value_classification": ""},
    ],
)
def test_a_day_that_cannot_be_is_refused_and_its_neighbours_pass(fault: dict[str, Any]):
    outcomes = parsed(day(), day(1, **fault), day(2))
    refused = [one for one in outcomes if isinstance(one, RecordRejected)]
    assert len(refused) == 1
    assert refused[0].payload
    days = [one["observed_at_ms"] for one in outcomes if not isinstance(one, RecordRejected)]
    assert days == [TODAY_MS - 2 * DAY_MS, TODAY_MS]


def test_a_row_that_is_no_day_is_refused():
    outcomes = parsed(7, day())
    assert isinstance(outcomes[0], RecordRejected)


@pytest.mark.parametrize("wrong", [b"", b"<html>", b"[]", {"data": []}, {"data": None}])
def test_an_answer_without_days_is_asked_again(wrong: Any):
    with pytest.raises(Retryable):
        list(FearGreed(settings()).parse(answer(request(), wrong), NOON_MS))


def test_a_first_start_takes_a_month_and_later_polls_the_newest():
    source = FearGreed(settings())
    (first,) = source.requests({})
    (later,) = source.requests({(): TODAY_MS})
    assert (first.params["limit"], later.params["limit"]) == ("30", "2")


def test_the_next_poll_is_when_the_source_says_that_it_updates():
    source = FearGreed(settings())
    parsed(day(time_until_update="3600"), source=source)
    assert source.interval_s(NOON_MS) == pytest.approx(3_630)
    assert source.interval_s(NOON_MS + 3_000_000) == pytest.approx(630)


def test_without_that_word_it_is_due_when_the_day_changes():
    source = FearGreed(settings())
    parsed(day(time_until_update=None), source=source)
    assert source.interval_s(NOON_MS) == pytest.approx(12 * 3_600 + 30)


def test_once_due_or_not_yet_known_it_is_asked_for_at_the_cadence_of_retries():
    source = FearGreed(settings(fear_greed_retry_s=300))
    assert source.interval_s(NOON_MS) == 300
    parsed(day(time_until_update="10"), source=source)
    assert source.interval_s(NOON_MS + 20_000) == 300


@pytest.mark.parametrize("absurd", ["999999999999", "-5", "soon", "1e9"])
def test_an_absurd_promise_is_no_reason_to_sleep_longer_than_a_day(absurd: str):
    source = FearGreed(settings())
    parsed(day(time_until_update=absurd), source=source)
    assert 600 <= source.interval_s(NOON_MS) <= 86_430


def polled(held_ms: int | None, days: int) -> tuple[list[int], list[str]]:
    """Days on Kafka after one poll of a source that has `days` of them, and what was asked."""
    source = FearGreed(settings())
    memory = Memory(source.memory)
    if held_ms is not None:
        memory.last[()] = held_ms

    def script(asked: Request) -> Any:
        return answer(asked, body(*map(day, range(min(days, int(asked.params["limit"]))))))

    http, publisher, clock = FakeHttp(script), FakePublisher(), FakeClock()
    clock.at_ms = NOON_MS
    intake = Intake(source, publisher=publisher, clock=clock)
    runner = PollRunner(source, upstream=http, intake=intake, memory=memory, clock=clock)
    run(runner.poll())
    found = [row["observed_at_ms"] for row in publisher.on("crypto-market-sentiment")]
    return found, [asked.params["limit"] for asked in http.asked]


def test_days_that_were_missed_are_fetched_and_each_passes_once():
    found, asked = polled(TODAY_MS - 5 * DAY_MS, days=100)
    assert found == [TODAY_MS - ago * DAY_MS for ago in (4, 3, 2, 1, 0)]
    assert asked == ["2", "30"]


def test_after_more_than_a_month_all_missed_days_are_fetched():
    found, asked = polled(TODAY_MS - 45 * DAY_MS, days=100)
    assert found == [TODAY_MS - ago * DAY_MS for ago in range(44, -1, -1)]
    assert asked == ["2", "45"]


def test_the_day_after_the_held_one_costs_one_request():
    found, asked = polled(TODAY_MS - DAY_MS, days=100)
    assert (found, asked) == ([TODAY_MS], ["2"])


def test_a_first_start_has_a_month_of_days():
    found, asked = polled(None, days=100)
    assert (len(found), asked) == (30, ["30"])


def test_the_recorded_days_parse():
    rows = list(csv.DictReader(recording("api/fng_20240501.csv").decode().splitlines()))
    days = [
        {
            "value": row["fng_value"],
            "value_classification": row["fng_classification"],
            "timestamp": str(
                int(datetime.strptime(row["date"], "%d-%m-%Y").replace(tzinfo=UTC).timestamp())
            ),
        }
        for row in rows
    ]
    records = parsed(*days)
    print(f"fng_20240501.csv: {len(records)} of {len(rows)} days")
    assert not [one for one in records if isinstance(one, RecordRejected)]
    assert len({one["observed_at_ms"] for one in records}) == len(rows) > 2_000


def test_the_recorded_answer_in_the_broken_format_is_an_outage():
    broken = recording("api/fng_20240501_format_csv.txt")
    with pytest.raises(Retryable, match="not JSON"):
        list(FearGreed(settings()).parse(answer(request(), broken), NOON_MS))
