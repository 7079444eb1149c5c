"""States of queries over the last minute, their lines, and the lag behind the topics."""

from concurrent.futures import Future
from types import SimpleNamespace

import pytest
from confluent_kafka import Producer

from market.clock import WallClock
from market.errors import StoreUnavailable
from market.store.lines import line_of
from market.store.measurements import GAPS, PIPELINE_STAGES
from spark_jobs.batches import Batch
from spark_jobs.job_health import HealthLedger, JobHealth, TopicEnds, job_lines, lag_of

NOON_MS = 1_678_536_000_000  # 2023-03-11T12:00:00Z
AT = ("crypto-trades", 0)


def a_batch(second: int, *, took_ms: int = 200, end: int = 100, rows: int = 60) -> Batch:
    began_ms = NOON_MS + second * 1_000
    ended_ms = began_ms + took_ms
    return Batch(began_ms, ended_ms, ended_ms, rows, {}, {AT: end}, NOON_MS - 30_000)


def seen(*batches: Batch) -> JobHealth:
    health = JobHealth("candles")
    health.saw(batches)
    return health


def test_a_state_tells_rate_lag_times_and_watermark():
    state = seen(a_batch(0), a_batch(1, took_ms=400), a_batch(2, end=130)).at(
        NOON_MS + 10_000, platform_ms=NOON_MS + 10_000, ends={AT: 150}
    )
    assert (state.records_per_s, state.lag_records, state.batches) == (3.0, 20, 3)
    assert (state.batch_p50_ms, state.batch_p95_ms, state.batch_longest_ms) == (200, 400, 400)
    assert state.last_batch_at_ms == NOON_MS + 2_200
    assert state.watermark_delay_s == 40.0


def test_batches_older_than_a_minute_count_only_in_the_totals():
    health = seen(a_batch(0), a_batch(100))
    state = health.at(NOON_MS + 101_000, platform_ms=NOON_MS, ends=None)
    assert (state.batches, health.batches_in_all, health.records_in_all) == (1, 2, 120)


def test_a_query_that_has_done_nothing_has_no_times_and_no_lag():
    state = JobHealth("pulse").at(NOON_MS, platform_ms=NOON_MS, ends={AT: 9})
    assert (state.state, state.lag_records, state.last_batch_at_ms) == ("starting", None, None)
    (line,) = job_lines([state], NOON_MS)
    assert line == (
        'pipeline_health,job=pulse,kind=job state="starting",records_per_s=0.0,batches=0i,'
        f"restarts=0i,window_s=60i {NOON_MS}000000"
    )


@pytest.mark.parametrize(
    ("read", "ends", "lag"),
    [({AT: 5}, {AT: 9}, 4), ({AT: 9}, {AT: 5}, 0), ({AT: 5}, None, None), ({}, {AT: 5}, None)],
)
def test_the_lag_is_known_where_both_ends_are(read, ends, lag):
    assert lag_of(read, ends) == lag


class FakeLedger:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.is_down = False

    def write(self, bucket: str, lines: list[str]) -> list[object]:
        assert bucket == "speed"
        if self.is_down:
            raise StoreUnavailable("down")
        self.lines += lines
        return []


class NoEnds(TopicEnds):
    def ask(self, partitions: object) -> None:
        """Nobody to ask."""


def test_states_are_written_every_ten_seconds_and_a_store_that_is_away_stops_nothing():
    ledger = FakeLedger()
    health = HealthLedger([seen(a_batch(0))], ends=NoEnds("nowhere"), ledger=ledger, bucket="speed")
    for now_s in (100.0, 105.0, 110.0):
        health.look(now_s, wall_ms=NOON_MS, clock=WallClock())
    assert len(ledger.lines) == 2
    ledger.is_down = True
    health.look(120.0, wall_ms=NOON_MS, clock=WallClock())
    assert health.states["candles"].batches == 1


def test_ends_are_read_once_all_answers_are_there():
    ends = TopicEnds("nowhere")
    assert ends.read() is None
    answers = [Future(), Future()]
    partitions = [SimpleNamespace(topic="t", partition=n) for n in range(2)]
    ends._asked = dict(zip(map(Key, partitions), answers, strict=True))
    answers[0].set_result(SimpleNamespace(offset=4))
    assert ends.read() is None
    answers[1].set_result(SimpleNamespace(offset=6))
    assert ends.read() == {("t", 0): 4, ("t", 1): 6}


class Key:
    """A TopicPartition of the test."""

    def __init__(self, at: SimpleNamespace) -> None:
        self.topic, self.partition = at.topic, at.partition


@pytest.mark.integration
def test_ends_come_from_the_real_broker(kafka_server):
    producer = Producer({"bootstrap.servers": kafka_server.bootstrap})
    producer.produce("crypto-gaps", b"x")
    producer.flush(10)
    ends = TopicEnds(kafka_server.bootstrap)
    ends.ask([("crypto-gaps", 0)])
    for answer in ends._asked.values():
        answer.result(10)
    assert ends.read()["crypto-gaps", 0] >= 1


def test_a_line_has_escaped_tags_quoted_text_and_its_own_stamp():
    row = {
        "coin_id": "a b,c=d",
        "source": "binance",
        "symbol": "",
        "cause": 'said "no" \\',
        "from_id": 7,
        "stamp_ns": 12,
    }
    assert line_of(GAPS, row) == (
        'crypto_gaps,coin_id=a\\ b\\,c\\=d,source=binance from_id=7i,cause="said \\"no\\" \\\\" 12'
    )


def test_a_row_without_any_field_makes_no_line():
    row = {"kind": "latency", "stage": "whole", "p50_ms": float("nan"), "time_ms": 1}
    assert line_of(PIPELINE_STAGES, row) is None
