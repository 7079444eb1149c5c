"""How each query of the driver does: rate, lag, batch times, watermark, restarts.

Rows of `pipeline_health`, kind `job`, every ten seconds of real time from the loop that looks after
the queries: so also of a query that does not run. A row that cannot be written is left out; the
next one tells more than it would have.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from typing import Any, Literal

import structlog
from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from market.clock import Clock
from market.errors import Fatal, StoreUnavailable
from market.store.lines import line_of
from market.store.measurements import PIPELINE_JOBS
from market.store.writer import PointWriter
from spark_jobs.batches import Batch, Offsets
from spark_jobs.quantiles import quantile

WINDOW_S = 60
TELL_EVERY_S = 10.0
ANSWER_S = 5.0
State = Literal["starting", "running", "waiting"]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class JobState:
    """A query at one moment; fields as in `measurements.PIPELINE_JOBS`, None where not known."""

    job: str
    state: State
    records_per_s: float
    lag_records: int | None
    batches: int
    batch_p50_ms: float | None
    batch_p95_ms: float | None
    batch_longest_ms: float | None
    last_batch_at_ms: int | None
    watermark_delay_s: float | None
    restarts: int
    window_s: int = WINDOW_S


class JobHealth:
    """What one query did since the driver began, and in the last minute."""

    def __init__(self, job: str) -> None:
        self.job = job
        self.state: State = "starting"
        self.restarts = 0
        self.batches_in_all = 0
        self.records_in_all = 0
        self._newest: Batch | None = None
        self._recent: deque[Batch] = deque()

    def saw(self, batches: Iterable[Batch]) -> None:
        """Batches that ended, ascending."""
        for batch in batches:
            self._newest = batch
            self._recent.append(batch)
            self.batches_in_all += 1
            self.records_in_all += batch.rows

    @property
    def read_through(self) -> Offsets:
        """Where its newest batch ended, by topic and partition."""
        return {} if self._newest is None else self._newest.end

    def at(self, wall_ms: int, *, platform_ms: int, ends: Offsets | None) -> JobState:
        """Its state now; `ends` are those of the topics, None where Kafka did not tell them."""
        while self._recent and self._recent[0].ended_ms < wall_ms - WINDOW_S * 1000:
            self._recent.popleft()
        took = sorted(float(one.ended_ms - one.began_ms) for one in self._recent)
        newest = self._newest
        watermark_ms = None if newest is None else newest.watermark_ms
        return JobState(
            job=self.job,
            state=self.state,
            records_per_s=sum(one.rows for one in self._recent) / WINDOW_S,
            lag_records=lag_of(self.read_through, ends),
            batches=len(took),
            batch_p50_ms=quantile(took, 0.5),
            batch_p95_ms=quantile(took, 0.95),
            batch_longest_ms=took[-1] if took else None,
            last_batch_at_ms=None if newest is None else newest.ended_ms,
            watermark_delay_s=None if watermark_ms is None else (platform_ms - watermark_ms) / 1000,
            restarts=self.restarts,
        )


def lag_of(read_through: Offsets, ends: Offsets | None) -> int | None:
    """Records between what was read and the ends of the topics; None where neither is known."""
    if ends is None or not read_through or not read_through.keys() <= ends.keys():
        return None
    return sum(max(ends[at] - offset, 0) for at, offset in read_through.items())


class TopicEnds:
    """The ends of topics, asked without waiting: an answer is there at the next look or never."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._client: AdminClient | None = None
        self._asked: dict[TopicPartition, Future[Any]] = {}

    def ask(self, partitions: Iterable[tuple[str, int]]) -> None:
        """Ask for the ends of these."""
        if self._client is None:
            # log_level 0: a broker that is away is told by the lag that is missing.
            self._client = AdminClient({"bootstrap.servers": self._bootstrap, "log_level": 0})
        newest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        wanted = {TopicPartition(*at): newest for at in partitions}
        try:
            self._asked = (
                self._client.list_offsets(wanted, request_timeout=ANSWER_S) if wanted else {}
            )
        except KafkaException as error:
            log.warning("ends_not_asked", why=str(error))

    def read(self) -> Offsets | None:
        """The newest answer, None unless it is there and whole."""
        found = {}
        for at, answer in self._asked.items():
            if not answer.done() or answer.exception() is not None:
                return None
            found[(at.topic, at.partition)] = answer.result().offset
        return found or None


class HealthLedger:
    """Writes the states of all queries every TELL_EVERY_S, and keeps them for `/metrics`."""

    def __init__(
        self, jobs: Sequence[JobHealth], *, ends: TopicEnds, ledger: PointWriter, bucket: str
    ) -> None:
        self.jobs = jobs
        self.states: Mapping[str, JobState] = {}
        self._ends = ends
        self._ledger = ledger
        self._bucket = bucket
        self._due_s = 0.0

    def look(self, now_s: float, *, wall_ms: int, clock: Clock) -> None:
        """Write them where it is time. `now_s` is monotonic."""
        if now_s < self._due_s:
            return
        self._due_s = now_s + TELL_EVERY_S
        ends, platform_ms = self._ends.read(), clock.now_ms()
        states = [one.at(wall_ms, platform_ms=platform_ms, ends=ends) for one in self.jobs]
        self.states = {state.job: state for state in states}
        self._ends.ask({at for one in self.jobs for at in one.read_through})
        try:
            self._ledger.write(self._bucket, list(job_lines(states, wall_ms)))
        except (StoreUnavailable, Fatal) as error:
            log.warning("job_health_not_written", why=str(error))


def job_lines(states: Iterable[JobState], wall_ms: int) -> Iterator[str]:
    """Lines of `measurements.PIPELINE_JOBS`."""
    for state in states:
        row: dict[str, Any] = {**asdict(state), "kind": "job", "time_ms": wall_ms}
        line = line_of(PIPELINE_JOBS, row)
        if line is not None:
            yield line
