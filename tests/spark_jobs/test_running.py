"""A query under supervision, with a fake of Spark's handle and a ledger that records."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from market.errors import StoreUnavailable
from spark_jobs import running
from spark_jobs.batches import epoch_ms
from spark_jobs.query import Query
from spark_jobs.running import RunningQuery

NOON_MS = 1_678_536_000_000  # 2023-03-11T12:00:00Z


@dataclass
class FakeHandle:
    isActive: bool = True  # noqa: N815 - Spark's name
    lastProgress: dict[str, Any] | None = None  # noqa: N815 - Spark's name
    recentProgress: list[dict[str, Any]] = field(default_factory=list)  # noqa: N815 - Spark's name
    stopped: bool = False
    busy_looks: int = 0
    """How often it is still found in a micro-batch."""

    @property
    def status(self) -> dict[str, Any]:
        self.busy_looks -= 1
        return {"isTriggerActive": self.busy_looks >= 0}

    def exception(self) -> Exception | None:
        return None if self.isActive else RuntimeError("no store\nand a long trace")

    def stop(self) -> None:
        self.stopped = True


@dataclass
class FakeLedger:
    lines: list[str] = field(default_factory=list)
    down: bool = False

    def write(self, bucket: str, lines: list[str]) -> list[Any]:
        if self.down:
            raise StoreUnavailable("down")
        assert bucket == "main"
        self.lines += lines
        return []


@dataclass
class FakeSettings:
    checkpoints: Path = Path("checkpoints")
    influx_bucket = "main"
    spark_trigger_ms = 500


class Clockwork:
    """Real time under the test's hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 1_000.0
        monkeypatch.setattr(running.time, "monotonic", lambda: self.now_s)


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[FakeHandle]:
    handles: list[FakeHandle] = []

    def start(self: Query, spark: Any, settings: Any) -> FakeHandle:
        handles.append(FakeHandle())
        return handles[-1]

    monkeypatch.setattr(Query, "start", start)
    return handles


def a_query(ledger: FakeLedger, final_through: tuple[str, ...] = ("1m",)) -> RunningQuery:
    query = Query(name="q", version=1, output=lambda *_: None, final_through=final_through)
    return RunningQuery(query, None, FakeSettings(), ledger)


def progress(watermark: str, *, n: int = 1) -> dict[str, Any]:
    return {
        "batchId": n,
        "timestamp": f"2023-03-11T12:00:{n:02}.000Z",
        "numInputRows": 2,
        "durationMs": {"triggerExecution": 3, "addBatch": 2},
        "eventTime": {"watermark": watermark},
    }


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """Warnings and errors of the log: event and keys."""
    lines: list[tuple[str, dict[str, Any]]] = []
    for level in ("warning", "error"):
        monkeypatch.setattr(running.log, level, lambda event, **keys: lines.append((event, keys)))
    return lines


def test_a_query_that_leaves_an_older_checkpoint_behind_says_so_once(
    starts, said, monkeypatch, tmp_path
):
    clock = Clockwork(monkeypatch)
    for folder in ("q-v1", "q-v2", "q-v9", "q-vault", "other-v2"):
        (tmp_path / folder).mkdir()
    query = Query(name="q", version=3, output=lambda *_: None)
    supervised = RunningQuery(query, None, FakeSettings(tmp_path), FakeLedger())
    supervised.look_after()
    starts[0].isActive = False
    supervised.look_after()
    clock.now_s += running.LONGEST_WAIT_S
    supervised.look_after()
    assert len(starts) == 2
    assert [event for event, _ in said] == ["checkpoint_begun_anew", "query_failed"]
    assert said[0][1] == {
        "query": "q",
        "old_version": 2,
        "version": 3,
        "means": "it reads its topics again from the start and overwrites the same points",
    }


def test_a_query_that_goes_on_from_its_own_checkpoint_says_nothing(starts, said, tmp_path):
    for folder in ("q-v1", "q-v2"):
        (tmp_path / folder).mkdir()
    query = Query(name="q", version=2, output=lambda *_: None)
    RunningQuery(query, None, FakeSettings(tmp_path), FakeLedger()).look_after()
    assert (len(starts), said) == (1, [])


def test_the_watermark_is_published_once_and_again_when_it_moves(starts):
    ledger = FakeLedger()
    query = a_query(ledger)
    query.look_after()
    for watermark in ("2023-03-11T12:00:00.000Z", "2023-03-11T12:00:00.000Z"):
        starts[0].lastProgress = progress(watermark)
        query.look_after()
    starts[0].lastProgress = progress("2023-03-11T12:00:00.250Z")
    query.look_after()
    assert ledger.lines == [
        "batch_ledger,interval=1m,kind=final_through,layer=speed"
        f" final_through_ms={moment}i,late_groups=0i {moment}000000"
        for moment in (NOON_MS, NOON_MS + 250)
    ]


def a_late_batch(n: int, late: int, watermark: str) -> dict[str, Any]:
    return progress(watermark, n=n) | {"stateOperators": [{"numRowsDroppedByWatermark": late}]}


def test_what_came_too_late_is_counted_once_also_from_batches_between_two_looks(starts):
    ledger = FakeLedger()
    query = a_query(ledger)
    query.look_after()
    starts[0].lastProgress = a_late_batch(7, 2, "2023-03-11T12:00:00.000Z")
    query.look_after()
    query.look_after()
    between = [a_late_batch(n, n - 5, "2023-03-11T12:00:01.000Z") for n in (7, 8, 9)]
    starts[0].recentProgress, starts[0].lastProgress = between, between[-1]
    query.look_after()
    assert ["late_groups=2i" in line for line in ledger.lines] == [True, False]
    assert "late_groups=7i" in ledger.lines[1]


def test_what_came_too_late_is_counted_also_in_the_first_batch_after_an_idle_trigger(starts):
    ledger = FakeLedger()
    query = a_query(ledger)
    query.look_after()
    first = a_late_batch(7, 2, "2023-03-11T12:00:00.000Z")
    idle = a_late_batch(8, 0, "2023-03-11T12:00:00.000Z")
    idle |= {"durationMs": {"triggerExecution": 3}}
    then = a_late_batch(8, 4, "2023-03-11T12:00:01.000Z") | {"timestamp": "2023-03-11T12:00:20Z"}
    for newest in (first, idle, then):
        starts[0].lastProgress = newest
        query.look_after()
    assert "late_groups=2i" in ledger.lines[0]
    assert "late_groups=4i" in ledger.lines[1]


def test_the_epoch_that_spark_shows_before_the_first_event_is_not_published(starts):
    ledger = FakeLedger()
    query = a_query(ledger)
    query.look_after()
    starts[0].lastProgress = progress("1970-01-01T00:00:00.000Z")
    query.look_after()
    assert ledger.lines == []


def test_a_watermark_that_the_store_did_not_take_is_published_later(starts):
    ledger = FakeLedger(down=True)
    query = a_query(ledger)
    query.look_after()
    starts[0].lastProgress = progress("2023-03-11T12:00:00.000Z")
    query.look_after()
    ledger.down = False
    query.look_after()
    assert len(ledger.lines) == 1


def test_a_query_that_decides_no_finality_publishes_none(starts):
    ledger = FakeLedger()
    query = a_query(ledger, final_through=())
    query.look_after()
    starts[0].lastProgress = progress("2023-03-11T12:00:00.000Z")
    query.look_after()
    assert ledger.lines == []


def test_each_query_tells_of_its_batches_once_in_half_a_minute(starts, monkeypatch):
    told: list[str] = []
    monkeypatch.setattr(running.log, "info", lambda event, **keys: told.append(event))
    clock = Clockwork(monkeypatch)
    query = a_query(FakeLedger())
    query.look_after()
    for pause_s in (1.0, 1.0, running.TELL_EVERY_S, 1.0):
        starts[0].lastProgress = progress("2023-03-11T12:00:00.000Z")
        clock.now_s += pause_s
        query.look_after()
    assert told == ["query_started", "micro_batch", "micro_batch"]


def test_a_failed_query_starts_again_after_a_wait_that_doubles(starts, monkeypatch):
    clock = Clockwork(monkeypatch)
    query = a_query(FakeLedger())
    query.look_after()
    for wait_s in (1.0, 2.0, 4.0):
        starts[-1].isActive = False
        before = len(starts)
        query.look_after()
        clock.now_s += wait_s - 0.1
        query.look_after()
        assert len(starts) == before, "it must wait"
        clock.now_s += 0.2
        query.look_after()
        assert len(starts) == before + 1


def test_a_long_healthy_run_makes_the_next_wait_short_again(starts, monkeypatch):
    clock = Clockwork(monkeypatch)
    query = a_query(FakeLedger())
    query.look_after()
    for _ in range(4):
        starts[-1].isActive = False
        query.look_after()
        clock.now_s += running.LONGEST_WAIT_S
        query.look_after()
    clock.now_s += running.HEALTHY_AFTER_S + 1
    starts[-1].isActive = False
    before = len(starts)
    query.look_after()
    clock.now_s += running.FIRST_WAIT_S
    query.look_after()
    assert len(starts) == before + 1


def test_the_next_query_waits_for_the_first_batch_of_this_one_but_not_for_ever(starts, monkeypatch):
    clock = Clockwork(monkeypatch)
    query = a_query(FakeLedger())
    assert not query.is_under_way
    query.look_after()
    assert not query.is_under_way
    starts[0].lastProgress = progress("2023-03-11T12:00:00.000Z")
    assert query.is_under_way
    starts[0].lastProgress = None
    clock.now_s += running.ALONE_FOR_S + 1
    assert query.is_under_way


def test_a_query_that_failed_keeps_nobody_waiting(starts):
    query = a_query(FakeLedger())
    query.look_after()
    starts[0].isActive = False
    query.look_after()
    assert query.is_under_way


def test_stopping_waits_for_the_end_of_the_micro_batch(starts, monkeypatch):
    monkeypatch.setattr(running.time, "sleep", lambda _s: None)
    query = a_query(FakeLedger())
    query.look_after()
    starts[0].busy_looks = 3
    query.stop()
    assert starts[0].stopped
    assert starts[0].busy_looks == -1


def test_a_micro_batch_that_does_not_end_is_cut_off(starts, monkeypatch):
    clock = Clockwork(monkeypatch)
    monkeypatch.setattr(running.time, "sleep", lambda _s: setattr(clock, "now_s", clock.now_s + 1))
    query = a_query(FakeLedger())
    query.look_after()
    starts[0].busy_looks = 1_000
    query.stop()
    assert starts[0].stopped
    assert starts[0].busy_looks > 900


def test_sparks_progress_time_is_read_as_utc():
    assert epoch_ms("2023-03-11T12:00:00.001Z") == NOON_MS + 1
