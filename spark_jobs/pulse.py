"""Job `pulse`: the platform measures itself: gaps, sources, quality, dead letters and latency.

Points of gaps, sources and quality are in the platform's time; those of `pipeline_health` in real
time. How the queries do is written by the driver (`job_health.py`). Without a checkpoint it begins
with what is new, save gaps, which it reads again.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import orjson
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.streaming.readwriter import DataStreamWriter

from market.clock import ConvertibleClock, wall_ms
from market.store.lines import line_of
from market.store.measurements import PIPELINE_LETTERS, PIPELINE_STAGES
from schemas.record_types import GAP, REASONS, RECORD_TYPES, TRADE
from spark_jobs.batches import Batch, batch_of
from spark_jobs.driver import run_job
from spark_jobs.influx_sink import open_writer, write_lines
from spark_jobs.kafka_offsets import EARLIEST, LATEST, offsets_at
from spark_jobs.kafka_source import accepted, decode_each, read_topics
from spark_jobs.latency import WINDOW_S, Latency, Sample
from spark_jobs.query import Query
from spark_jobs.settings import SparkSettings
from spark_jobs.stateful import Core, stream_stateful
from spark_jobs.transforms.pulse_rows import GIVEN, KINDS, ORDER, keyed_rows, open_core

# One trade in so many is timed: at 2,000 a second 15,000 a minute.
SAMPLE_EVERY = 8
# A final minute is known this long after its end: the watermark, and two micro-batches of `bars`.
SETTLE_S = 60
SETTLE_REAL_S = 30
# The query whose batches make a trade readable.
READABLE_BY = "candles"
OTHER = "other"
TOPICS = frozenset(kind.topic for kind in RECORD_TYPES)
Told = Mapping[str, Any]


def _pulse(spark: SparkSession, settings: SparkSettings) -> DataStreamWriter:
    raw = read_topics(
        spark, settings, *(kind.topic for kind in KINDS), starting=_starting(settings)
    )
    write = PulseWriter(settings, batches=lambda: finished_batches(spark))
    rows = told_rows(raw, settings)
    return rows.writeStream.outputMode("append").foreachBatch(write)


def _starting(settings: SparkSettings) -> str:
    if any((QUERIES[0].checkpoint(settings) / "offsets").glob("[0-9]*")):
        return "earliest"  # is not asked for
    places = {kind.topic: EARLIEST if kind is GAP else LATEST for kind in KINDS}
    return offsets_at(settings.kafka_bootstrap, places)


def told_rows(raw: DataFrame, settings: SparkSettings) -> DataFrame:
    """Kafka rows of all topics of KINDS to what the core gives."""
    clock = settings.clock()
    is_replay, speed = clock.scenario is not None, clock.speed
    settle_ms = round(1000 * (SETTLE_S + SETTLE_REAL_S * speed))

    def open_one(_key: str, state: bytes | None) -> Core:
        return open_core(state, settle_ms=settle_ms, speed=speed, is_replay=is_replay)

    is_asked = (F.col("topic") != TRADE.topic) | (F.col("offset") % SAMPLE_EVERY == 0)
    # One task for all partitions: Spark parses every schema anew in each.
    records = accepted(decode_each(raw.where(is_asked).coalesce(1), KINDS))
    return stream_stateful(keyed_rows(records), open_one, order=ORDER, gives=GIVEN)


def finished_batches(spark: SparkSession) -> list[Batch]:
    """What Spark still knows of the batches that make trades readable, ascending.

    As JSON: `recentProgress` asks the JVM for each number of each report, 80 calls a report.
    """
    queries = [query for query in spark.streams.active if query.name == READABLE_BY]
    reports = [json.loads(one.json()) for query in queries for one in query._jsq.recentProgress()]
    return [batch for report in reports if (batch := batch_of(report)) is not None]


class PulseWriter:
    """The function for `foreachBatch`; it has one action, so Spark runs the plan once."""

    def __init__(self, settings: SparkSettings, *, batches: Callable[[], list[Batch]]) -> None:
        self._settings = settings
        self._batches = batches
        self._writer = open_writer(settings)
        self._latency = Latency()
        self._clock = settings.clock()
        self._newest_ms = 0

    def __call__(self, batch: DataFrame, _epoch: int) -> None:
        """Write a micro-batch. Raises StoreUnavailable."""
        rows = batch.toArrow()
        lines = [
            *rows["line"].drop_null().to_pylist(),
            *letter_lines(_told(rows["letters"])),
            *self._stage_lines(_told(rows["samples"])),
        ]
        bucket = self._settings.influx_speed_bucket
        write_lines(self._writer, bucket, lines, settings=self._settings)

    def _stage_lines(self, samples: Sequence[Told]) -> Iterator[str]:
        now_ms = wall_ms()
        finished = [batch for batch in self._batches() if batch.began_ms > self._newest_ms]
        self._newest_ms = max((one.began_ms for one in finished), default=self._newest_ms)
        convert = partial(_sample, clock=self._clock)
        self._latency.add(map(convert, samples), finished, now_ms=now_ms)
        for stage in self._latency.stages(now_ms=now_ms):
            row = {**asdict(stage), "kind": "latency", "time_ms": now_ms, "window_s": WINDOW_S}
            line = line_of(PIPELINE_STAGES, row)
            if line is not None:
                yield line


def _told(column: pa.ChunkedArray) -> list[Told]:
    """The rows of lists in JSON."""
    return [row for rows in column.drop_null().to_pylist() for row in orjson.loads(rows)]


def _sample(row: Told, *, clock: ConvertibleClock) -> Sample:
    return Sample(
        at=(row["topic"], row["partition"]),
        offset=row["offset"],
        traded_ms=clock.wall_of(row["traded_at_ms"]),
        collected_ms=clock.wall_of(row["collected_at_ms"]),
        logged_ms=row["logged_ms"],
    )


def letter_lines(letters: Sequence[Told]) -> Iterator[str]:
    """Dead letters of a batch by topic and reason, at the newest of them: a repeat overwrites."""
    counted: dict[tuple[str, str], tuple[int, int]] = {}
    for letter in letters:
        # Who may write to the topic may write any word: what we do not know is no tag of ours.
        topic = letter["topic"] if letter["topic"] in TOPICS else OTHER
        at = topic, letter["reason"] if letter["reason"] in REASONS else OTHER
        n, newest_ms = counted.get(at, (0, 0))
        counted[at] = n + 1, max(newest_ms, letter["logged_ms"])
    for (topic, reason), (n, newest_ms) in counted.items():
        row = {"kind": "dead_letters", "topic": topic, "reason": reason, "letters": n}
        line = line_of(PIPELINE_LETTERS, {**row, "time_ms": newest_ms})
        if line is not None:
            yield line


QUERIES = (
    Query(
        name="pulse",
        version=2,
        output=_pulse,
        trigger_ms=15_000,
        begins_anew="it goes on with what is new, and reads gaps again",
    ),
)


def main() -> None:
    """Run this job alone."""
    run_job(QUERIES)


if __name__ == "__main__":
    main()
