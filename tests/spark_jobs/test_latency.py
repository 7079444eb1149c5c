"""Stages of a trade's way: each trade belongs to the batch that read its offset."""

import pytest

from spark_jobs.batches import Batch, Followed, batch_of
from spark_jobs.latency import PATIENCE_MS, STAGES, WINDOW_S, Latency, Sample
from spark_jobs.quantiles import quantile

NOON_MS = 1_678_536_000_000  # 2023-03-11T12:00:00Z
AT = ("crypto-trades", 0)


def a_batch(begin: int, end: int, *, began_ms: int = 400, written_ms: int = 700) -> Batch:
    return Batch(
        began_ms=NOON_MS + began_ms,
        written_ms=NOON_MS + written_ms,
        ended_ms=NOON_MS + written_ms + 50,
        rows=end - begin,
        begin={AT: begin},
        end={AT: end},
        watermark_ms=None,
    )


def a_sample(offset: int, **facts: object) -> Sample:
    named = {"traded_ms": NOON_MS, "collected_ms": NOON_MS + 30, "logged_ms": NOON_MS + 40} | facts
    return Sample(at=AT, offset=offset, **named)


def spent(latency: Latency, now_ms: int = NOON_MS + 1_000) -> dict[str, tuple[float | None, int]]:
    return {one.stage: (one.p50_ms, one.n) for one in latency.stages(now_ms=now_ms)}


def measured(*samples: Sample, batches: list[Batch]) -> dict[str, tuple[float | None, int]]:
    latency = Latency()
    latency.add(samples, batches, now_ms=NOON_MS + 1_000)
    return spent(latency)


def test_the_stages_of_a_trade_add_up_to_the_whole():
    got = measured(a_sample(5), batches=[a_batch(0, 10)])
    assert {stage: took for stage, (took, _) in got.items()} == {
        "agent": 30.0,
        "kafka": 10.0,
        "spark": 360,
        "store": 300,
        "whole": 700,
    }
    assert set(got) == set(STAGES)


def test_a_trade_belongs_to_the_batch_that_read_its_offset_and_to_no_other():
    batches = [a_batch(0, 10), a_batch(10, 20, began_ms=800, written_ms=900)]
    for offset, whole_ms in ((9, 700), (10, 900)):
        assert measured(a_sample(offset), batches=batches)["whole"] == (whole_ms, 1)


def test_a_trade_whose_batch_has_not_ended_waits_for_it():
    latency = Latency()
    latency.add([a_sample(15)], [a_batch(0, 10)], now_ms=NOON_MS + 1_000)
    assert spent(latency)["whole"] == (None, 0)
    latency.add([], [a_batch(10, 20, written_ms=1_200)], now_ms=NOON_MS + 1_500)
    assert spent(latency, NOON_MS + 1_500)["whole"] == (1_200, 1)


def test_a_trade_that_was_read_before_we_looked_counts_nowhere():
    assert measured(a_sample(5), batches=[a_batch(10, 20)])["spark"] == (None, 0)


def test_a_trade_that_arrives_while_its_batch_begins_has_not_waited():
    got = measured(a_sample(5, logged_ms=NOON_MS + 450), batches=[a_batch(0, 10)])
    assert (got["spark"][0], got["store"][0]) == (0, 250)


def test_what_cannot_be_converted_to_real_time_is_in_no_stage_that_needs_it():
    got = measured(a_sample(5, traded_ms=None, collected_ms=None), batches=[a_batch(0, 10)])
    assert [got[stage][1] for stage in STAGES] == [0, 0, 1, 1, 0]


def test_only_the_last_minute_counts_and_what_waits_too_long_is_given_up():
    latency = Latency()
    latency.add([a_sample(5), a_sample(99)], [a_batch(0, 10)], now_ms=NOON_MS + 1_000)
    later_ms = NOON_MS + 1_000 + WINDOW_S * 1_000
    assert spent(latency, later_ms)["whole"] == (None, 0)
    latency.add([], [a_batch(90, 100)], now_ms=NOON_MS + PATIENCE_MS + 1_000)
    assert spent(latency, NOON_MS + PATIENCE_MS + 1_000)["whole"] == (None, 0)


@pytest.mark.parametrize(("share", "wanted"), [(0.5, 50), (0.95, 95), (0.99, 99), (1.0, 100)])
def test_a_quantile_is_a_number_that_was_measured(share: float, wanted: float):
    assert quantile(list(range(1, 101)), share) == wanted
    assert quantile([7.0], share) == 7.0
    assert quantile([], share) is None


PROGRESS = {
    "batchId": 3,
    "timestamp": "2023-03-11T12:00:00.000Z",
    "numInputRows": 12,
    "durationMs": {"latestOffset": 5, "addBatch": 80, "commitOffsets": 20, "triggerExecution": 120},
    "eventTime": {"watermark": "2023-03-11T11:59:30.000Z"},
    "sources": [
        {
            "startOffset": "None",
            "endOffset": "{'crypto-trades': {'0': 7, '1': 5}}",
        },
        {"startOffset": "{'crypto-news': {'0': 1}}", "endOffset": {"crypto-news": {"0": 2}}},
    ],
}


def test_rows_are_readable_before_the_offsets_are_committed():
    batch = batch_of(PROGRESS)
    assert batch == Batch(
        began_ms=NOON_MS,
        written_ms=NOON_MS + 100,
        ended_ms=NOON_MS + 120,
        rows=12,
        begin={("crypto-news", 0): 1},
        end={("crypto-trades", 0): 7, ("crypto-trades", 1): 5, ("crypto-news", 0): 2},
        watermark_ms=NOON_MS - 30_000,
    )


def test_a_trigger_with_nothing_to_do_and_a_source_without_offsets_are_no_trouble():
    assert batch_of(PROGRESS | {"durationMs": {"triggerExecution": 3}}) is None
    other = [{"startOffset": "17", "endOffset": "[not python"}]
    assert batch_of(PROGRESS | {"sources": other}).end == {}


class Query:
    def __init__(self, *recent: dict) -> None:
        self.recentProgress = recent


def test_each_batch_is_given_once_also_those_between_two_looks():
    def at(batch_id: int) -> dict:
        return PROGRESS | {"batchId": batch_id, "timestamp": f"2023-03-11T12:00:0{batch_id}.000Z"}

    followed = Followed()
    assert len(followed.finished(Query(), at(1))) == 1
    assert followed.finished(Query(), at(1)) == []
    query = Query(at(1), at(2), at(3), at(4))
    assert [one.began_ms for one in followed.finished(query, at(4))] == [
        NOON_MS + second * 1_000 for second in (2, 3, 4)
    ]
    idle = at(5) | {"durationMs": {"triggerExecution": 3}}
    assert followed.finished(Query(), idle) == []
    later = [at(6) | {"batchId": 5}, at(7) | {"batchId": 6}]
    assert len(followed.finished(Query(at(4), idle, *later), later[-1])) == 2
