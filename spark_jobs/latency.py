"""How long trades take from the exchange until they can be read, by stage. Pure; in real time.

agent: traded -> received by our agent; kafka: -> in Kafka's log; spark: -> a micro-batch of
`candles` begins that reads it; store: -> that batch's rows are durable in InfluxDB; whole: all of
it. Which batch read a trade follows exactly from its offset. A trade whose batch is not known (it
ended before we looked, or `candles` does not run here) or whose clock cannot be converted counts in
no stage that needs it.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from spark_jobs.batches import Batch
from spark_jobs.quantiles import quantile

WINDOW_S = 60
# Longer than any batch that is not in trouble; what waits longer is given up.
PATIENCE_MS = 120_000
# More are not needed for a p99; a backlog would else fill the memory.
MOST_WAITING = 50_000
STAGES = ("agent", "kafka", "spark", "store", "whole")


@dataclass(frozen=True, slots=True)
class Sample:
    """A trade, with the real times at which it was traded, received and in Kafka's log, ms."""

    at: tuple[str, int]
    offset: int
    traded_ms: float | None
    collected_ms: float | None
    logged_ms: int


@dataclass(frozen=True, slots=True)
class StageLatency:
    """Quantiles of a stage over the trades that became readable within the window."""

    stage: str
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    n: int


@dataclass(slots=True)
class Latency:
    """Takes samples and batches in any order; answers for the last minute."""

    _waiting: list[Sample] = field(default_factory=list)
    _batches: deque[Batch] = field(default_factory=deque)
    _measured: deque[tuple[int, dict[str, float | None]]] = field(default_factory=deque)

    def add(self, samples: Iterable[Sample], batches: Iterable[Batch], *, now_ms: int) -> None:
        """New samples, and batches of `candles` that are newer than those before."""
        self._batches += batches
        self._waiting += samples
        while self._batches and self._batches[0].ended_ms < now_ms - PATIENCE_MS:
            self._batches.popleft()
        self._settle(now_ms)

    def stages(self, *, now_ms: int) -> Iterator[StageLatency]:
        """Quantiles by stage of what became readable in the last WINDOW_S."""
        while self._measured and self._measured[0][0] < now_ms - WINDOW_S * 1000:
            self._measured.popleft()
        for stage in STAGES:
            spent = sorted(took for _, by in self._measured if (took := by[stage]) is not None)
            yield StageLatency(
                stage=stage,
                p50_ms=quantile(spent, 0.5),
                p95_ms=quantile(spent, 0.95),
                p99_ms=quantile(spent, 0.99),
                n=len(spent),
            )

    def _settle(self, now_ms: int) -> None:
        ordered = sorted(self._batches, key=lambda batch: batch.began_ms)
        ends = {
            at: [batch.end.get(at, 0) for batch in ordered]
            for at in {at for batch in ordered for at in batch.end}
        }
        left, measured = [], []
        for sample in self._waiting:
            held = ends.get(sample.at, [])
            # The first batch that ends behind the offset.
            place = bisect_right(held, sample.offset)
            if place == len(held):
                if sample.logged_ms >= now_ms - PATIENCE_MS:
                    left.append(sample)
                continue
            batch = ordered[place]
            if batch.begin.get(sample.at, 0) <= sample.offset:
                measured.append((batch.written_ms, _spent(sample, batch)))
        self._waiting = left[-MOST_WAITING:]
        self._measured += sorted(measured, key=lambda one: one[0])


def _spent(sample: Sample, batch: Batch) -> dict[str, float | None]:
    """Milliseconds by stage; a trade that arrives while its batch begins has not waited for it."""
    read_ms = max(batch.began_ms, sample.logged_ms)
    return {
        "agent": _between(sample.traded_ms, sample.collected_ms),
        "kafka": _between(sample.collected_ms, sample.logged_ms),
        "spark": read_ms - sample.logged_ms,
        "store": batch.written_ms - read_ms,
        "whole": _between(sample.traded_ms, batch.written_ms),
    }


def _between(began_ms: float | None, ended_ms: float | None) -> float | None:
    """None where a moment is unknown; clocks that disagree by a hair make no negative time."""
    return None if began_ms is None or ended_ms is None else max(ended_ms - began_ms, 0.0)
