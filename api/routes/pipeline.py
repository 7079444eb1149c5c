"""How the platform itself does: its jobs, how long trades take, what was refused. Real time."""

from fastapi import APIRouter, Response
from pydantic import Field

from api.answers import answer
from api.dependencies import ServicesDep
from api.envelope import Answer, Envelope, Meta, Moment
from api.intervals import moment, optional_moment
from api.problems import StoreDown, responses
from market.clock import wall_ms
from market.store.pulse import JobRow, StageRow

router = APIRouter(tags=["pipeline"])

# Jobs tell every ten seconds, latency comes with a micro-batch every 15 s.
STALE_AFTER_MS = 60_000
STAGES = ("agent", "kafka", "spark", "store", "whole")


class Job(Answer):
    """One query of the Spark driver, over the last `window_s` of real time."""

    job: str
    state: str | None = Field(description="running, starting, or waiting to be started again.")
    records_per_s: float | None
    lag_records: int | None = Field(description="Records behind the ends of its topics.")
    batches: int | None
    batch_p50_ms: float | None
    batch_p95_ms: float | None
    batch_longest_ms: float | None
    last_batch_at: Moment | None = Field(description="End of its newest micro-batch, real time.")
    watermark_delay_s: float | None = Field(description="Of the platform's time; null without one.")
    restarts: int | None = Field(description="Since the driver began.")
    window_s: int | None
    observed_at: Moment
    age_s: float


class Stage(Answer):
    """How long trades took that became readable in the last `window_s`, real milliseconds."""

    stage: str = Field(
        description="agent: traded to received; kafka: to Kafka's log; spark: to the micro-batch "
        "that reads it; store: to readable in InfluxDB; whole: all of it."
    )
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    n: int | None = Field(description="Trades that were timed.")
    window_s: int | None
    observed_at: Moment
    age_s: float


class DeadLetters(Answer):
    """What was refused in the last hour of real time."""

    topic: str
    reason: str
    letters_1h: int


class PipelineAnswer(Answer):
    """Parts that nobody has written within an hour are absent."""

    jobs: list[Job]
    latency: list[Stage]
    dead_letters: list[DeadLetters]


@router.get("/pipeline", response_model=Envelope[PipelineAnswer], responses=responses(StoreDown))
async def get_pipeline(held: ServicesDep) -> Response:
    """Jobs, latency by stage and dead letters; times are real, also in a demo."""
    now_ms = wall_ms()
    known = await held.store.pulse.pipeline(wall_ms=now_ms)
    stages = {row.stage: row for row in known.stages}
    found = PipelineAnswer(
        jobs=[_job(row, now_ms) for row in known.jobs],
        latency=[_stage(stages[name], now_ms) for name in STAGES if name in stages],
        dead_letters=[
            DeadLetters(topic=row.topic, reason=row.reason, letters_1h=row.letters)
            for row in sorted(known.letters, key=lambda row: (-row.letters, row.topic, row.reason))
        ],
    )
    newest_ms = max((row.observed_at_ms for row in known.jobs), default=None)
    meta = Meta(
        as_of=optional_moment(newest_ms),
        is_stale=newest_ms is None or now_ms - newest_ms > STALE_AFTER_MS,
        source=None,
    )
    return answer(Envelope(data=found, meta=meta))


def _job(row: JobRow, now_ms: int) -> Job:
    return Job(
        job=row.job,
        state=row.state,
        records_per_s=row.records_per_s,
        lag_records=row.lag_records,
        batches=row.batches,
        batch_p50_ms=row.batch_p50_ms,
        batch_p95_ms=row.batch_p95_ms,
        batch_longest_ms=row.batch_longest_ms,
        last_batch_at=optional_moment(row.last_batch_at_ms),
        watermark_delay_s=row.watermark_delay_s,
        restarts=row.restarts,
        window_s=row.window_s,
        observed_at=moment(row.observed_at_ms),
        age_s=max(now_ms - row.observed_at_ms, 0) / 1000,
    )


def _stage(row: StageRow, now_ms: int) -> Stage:
    return Stage(
        stage=row.stage,
        p50_ms=row.p50_ms,
        p95_ms=row.p95_ms,
        p99_ms=row.p99_ms,
        n=row.n,
        window_s=row.window_s,
        observed_at=moment(row.observed_at_ms),
        age_s=max(now_ms - row.observed_at_ms, 0) / 1000,
    )
