"""What the platform says of itself: pipeline, sources, gaps and quality."""

from typing import Any

import httpx
import pytest

from api.envelope import Envelope
from api.routes import pipeline
from api.routes.gaps import RecordedGap
from api.routes.pipeline import PipelineAnswer
from api.routes.quality import Quality
from api.routes.sources import Source
from market.store.pulse import GapRow, JobRow, LettersRow, Pipeline, QualityRow, SourceRow, StageRow
from tests.api.fakes import NOW, FakeClock, FakePulse, FakeStore, serving

REAL = 1_795_000_000_000  # real time of a replay's minute
JOB = JobRow("candles", REAL - 4_000, state="running", records_per_s=2_000.0, lag_records=12)


@pytest.fixture(autouse=True)
def real_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "wall_ms", lambda: REAL)


async def get(path: str, pulse: FakePulse, **facts: Any) -> httpx.Response:
    async with serving(FakeStore(pulse=pulse), **facts) as client:
        return await client.get(path)


async def test_the_pipeline_is_told_in_real_time_with_its_stages_in_order():
    known = Pipeline(
        jobs=(JOB,),
        stages=(StageRow("whole", REAL - 2_000, p95_ms=900.0, n=5), StageRow("agent", REAL)),
        letters=(LettersRow("crypto-trades", "truncated", 1), LettersRow("a", "oversized", 7)),
    )
    response = await get("/pipeline", FakePulse(known=known), clock=FakeClock(scenario="market"))
    answer = Envelope[PipelineAnswer].model_validate_json(response.content)
    (job,) = answer.data.jobs
    assert (job.age_s, job.lag_records, job.last_batch_at) == (4.0, 12, None)
    assert [stage.stage for stage in answer.data.latency] == ["agent", "whole"]
    assert [one.letters_1h for one in answer.data.dead_letters] == [7, 1]
    assert not answer.meta.is_stale


async def test_jobs_that_tell_nothing_are_stale_and_none_is_no_error():
    old = Pipeline(jobs=(JobRow("bars", REAL - 61_000),), stages=(), letters=())
    assert (await get("/pipeline", FakePulse(known=old))).json()["meta"]["is_stale"] is True
    nothing = await get("/pipeline", FakePulse())
    assert nothing.json()["data"] == {"jobs": [], "latency": [], "dead_letters": []}
    assert nothing.json()["meta"]["is_stale"] is True


async def test_a_source_that_is_not_heard_any_more_says_so_save_one_that_is_done():
    told = [
        SourceRow("binance_trades", NOW - 10_000, state="running", silent_symbols="A,B", reason=""),
        SourceRow("rss", NOW - 70_000, state="running", silent_symbols=""),
        SourceRow("binance_klines", NOW - 900_000, state="done"),
    ]
    response = await get("/sources", FakePulse(heard=tuple(told)))
    answer = Envelope[list[Source]].model_validate_json(response.content)
    assert [one.is_heard for one in answer.data] == [True, False, True]
    assert (answer.data[0].silent_symbols, answer.data[1].silent_symbols) == (["A", "B"], [])
    assert (answer.data[0].reason, answer.data[0].age_s) == (None, 10.0)


def a_gap(n: int, state: str) -> GapRow:
    return GapRow(
        coin_id="bitcoin",
        source="binance",
        symbol="BTCUSDT",
        from_ms=NOW - n * 60_000,
        to_ms=NOW,
        from_id=n,
        to_id=n + 4,
        missing_trades=5,
        repaired_trades=0,
        cause="reconnect",
        state=state,
        observed_at_ms=NOW - 30_000,
    )


async def test_gaps_are_those_of_the_last_day_unless_asked_otherwise():
    pulse = FakePulse(holes=(a_gap(1, "open"), a_gap(2, "repaired"), a_gap(3, "open")))
    response = await get("/gaps?state=open&limit=1", pulse)
    (gap,) = Envelope[list[RecordedGap]].model_validate_json(response.content).data
    assert (gap.from_id, gap.to_id, gap.cause, gap.missing_trades) == (1, 5, "reconnect", 5)
    assert response.json()["data"][0]["from"] == "2023-03-11T11:59:00.000Z"
    assert pulse.asked == [{"from_ms": NOW - 86_400_000, "to_ms": NOW}]


@pytest.mark.parametrize(
    "query",
    ["from=2023-01-01T00:00:00Z", "from=2023-03-12T00:00:00Z", "state=lost", "limit=0"],
)
async def test_a_question_about_gaps_that_makes_no_sense_is_refused(query: str):
    assert (await get(f"/gaps?{query}", FakePulse())).status_code == 422


def a_quality(score: float, **facts: Any) -> QualityRow:
    told = {"kind": "market", "coin_id": "bitcoin", "source": "binance", "symbol": "BTCUSDT"}
    return QualityRow(**told | {"score": score, "reason": "", "through_ms": NOW - 120_000} | facts)


async def test_quality_has_its_parts_and_the_reason_of_the_worst():
    worst = a_quality(40.0, reason="it stands still", freshness=20.0)
    pulse = FakePulse(judged=[worst, a_quality(100.0, kind="snapshot", symbol=None)])
    response = await get("/quality?coin_id=bitcoin", pulse)
    first, second = Envelope[list[Quality]].model_validate_json(response.content).data
    assert (first.score, first.reason, first.freshness) == (40.0, "it stands still", 20.0)
    assert (second.reason, second.symbol, second.coverage) == (None, None, None)
    assert (first.age_s, first.is_stale) == (120.0, False)
    assert pulse.asked[0]["coin_id"] == "bitcoin"


async def test_old_quality_is_stale_and_a_replay_is_allowed_more():
    old = FakePulse(judged=[a_quality(90.0, through_ms=NOW - 600_000)])
    assert (await get("/quality", old)).json()["meta"]["is_stale"] is True
    fast = FakeClock(speed=60.0, scenario="market")
    assert (await get("/quality", old, clock=fast)).json()["meta"]["is_stale"] is False


@pytest.mark.parametrize("path", ["/pipeline", "/sources", "/gaps", "/quality"])
async def test_without_the_store_nothing_is_told_of_it(path: str):
    response = await get(path, FakePulse(is_down=True))
    assert response.status_code == 503
    assert "secret-host" not in response.text
