"""Job `pulse`: the platform measures itself: gaps, sources, quality, dead letters and latency.

Points of gaps, sources and quality are in the platform's time; those of `pipeline_health` in real
time. How the queries do is written by the driver (`job_health.py`). Without a checkpoint it begins
with what is new, save gaps, which it reads again.
"""

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
from market.store.measurements import (
    GAPS,
    PIPELINE_LETTERS,
    PIPELINE_STAGES,
    QUALITY,
    SOURCES,
)
from schemas.record_types import (
    CANDLE,
    DEAD_LETTER,
    GAP,
    PRICE,
    REASONS,
    RECORD_TYPES,
    SOURCE_HEALTH,
    TRADE,
    RecordType,
)
from spark_jobs.batches import Batch, batch_of
from spark_jobs.driver import run_job
from spark_jobs.influx_sink import open_writer, write_by_bucket, write_lines
from spark_jobs.kafka_source import (
    accepted,
    decode,
    decode_apart,
    read_records,
    read_topics,
)
from spark_jobs.latency import WINDOW_S, Latency, Sample
from spark_jobs.line_protocol import to_lines
from spark_jobs.query import Query
from spark_jobs.settings import SparkSettings
from spark_jobs.stateful import Core, stream_stateful
from spark_jobs.transforms.pulse_rows import (
    JUDGED,
    ORDER,
    gap_rows,
    judged_by,
    open_quality,
    source_rows,
)

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
SAMPLE = ("topic", "partition", "offset", "traded_at_ms", "collected_at_ms", "logged_ms")


def _pulse(spark: SparkSession, settings: SparkSettings) -> DataStreamWriter:
    def newest(kind: RecordType) -> DataFrame:
        return read_topics(spark, settings, kind.topic, starting="latest")

    told = pulse_rows(
        gaps=accepted(read_records(spark, settings, GAP)),
        beats=accepted(decode(newest(SOURCE_HEALTH), SOURCE_HEALTH)),
        bars=accepted(decode(newest(CANDLE), CANDLE)),
        prices=accepted(decode(newest(PRICE), PRICE)),
        settings=settings,
    )
    sampled = newest(TRADE).where(F.col("offset") % SAMPLE_EVERY == 0)
    rows = told.unionByName(_samples(decode(sampled, TRADE)), True).unionByName(
        _letters(decode_apart(newest(DEAD_LETTER), DEAD_LETTER)), True
    )
    write = PulseWriter(settings, batches=lambda: finished_batches(spark))
    return rows.writeStream.outputMode("append").foreachBatch(write)


def pulse_rows(
    *,
    gaps: DataFrame,
    beats: DataFrame,
    bars: DataFrame,
    prices: DataFrame,
    settings: SparkSettings,
) -> DataFrame:
    """Records to `bucket` and `line` of gaps, sources and quality."""
    clock = settings.clock()
    is_replay, speed = clock.scenario is not None, clock.speed
    settle_ms = round(1000 * (SETTLE_S + SETTLE_REAL_S * speed))

    def open_core(_key: str, state: bytes | None) -> Core:
        return open_quality(state, settle_ms=settle_ms, speed=speed, is_replay=is_replay)

    facts = judged_by(gaps=gaps, beats=beats, bars=bars, prices=prices)
    quality = stream_stateful(facts, open_core, order=ORDER, gives=JUDGED)
    lines = (
        to_lines(quality, QUALITY)
        .unionByName(to_lines(gap_rows(gaps), GAPS))
        .unionByName(to_lines(source_rows(beats), SOURCES))
    )
    return lines.select(F.lit(settings.influx_speed_bucket).alias("bucket"), "line")


def _samples(trades: DataFrame) -> DataFrame:
    logged = F.unix_millis("timestamp").alias("logged_ms")
    columns = [logged if name == "logged_ms" else F.col(name) for name in SAMPLE]
    return accepted(trades).select(F.to_json(F.struct(*columns)).alias("sample"))


def _letters(letters: DataFrame) -> DataFrame:
    # Who may write to the topic may write any word: what we do not know is no tag of ours.
    topic = F.when(F.col("record.topic").isin(*TOPICS), F.col("record.topic"))
    reason = F.when(F.col("record.reason").isin(*REASONS), F.col("record.reason"))
    told = F.struct(
        F.coalesce(topic, F.lit(OTHER)).alias("topic"),
        F.coalesce(reason, F.lit(OTHER)).alias("reason"),
        F.unix_millis("timestamp").alias("logged_ms"),
    )
    return accepted(letters).select(F.to_json(told).alias("letter"))


def finished_batches(spark: SparkSession) -> list[Batch]:
    """What Spark still knows of the batches that make trades readable, ascending."""
    queries = [query for query in spark.streams.active if query.name == READABLE_BY]
    reports = [report for query in queries for report in query.recentProgress]
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
        write_by_bucket(self._writer, rows, settings=self._settings)
        lines = [*letter_lines(_told(rows["letter"])), *self._stage_lines(_told(rows["sample"]))]
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
    """Rows that cross as JSON: Arrow refuses null structs of fields that are never null."""
    return [orjson.loads(row) for row in column.drop_null().to_pylist()]


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
        at = letter["topic"], letter["reason"]
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
        version=1,
        output=_pulse,
        trigger_ms=10_000,
        begins_anew="it goes on with what is new, and reads gaps again",
    ),
)


def main() -> None:
    """Run this job alone."""
    run_job(QUERIES)


if __name__ == "__main__":
    main()
