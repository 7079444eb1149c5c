"""Checkpoints with damaged or missing files, on the real Spark and RocksDB, under supervision.

Either the output equals that of an undamaged run, or the log names the folder and the way out.
"""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter

from spark_jobs import running
from spark_jobs.query import READS_AGAIN, Query
from spark_jobs.running import RunningQuery
from spark_jobs.transforms.candles import candle_rows, with_event_time
from tests.spark_jobs.test_running import FakeLedger, FakeSettings
from tests.spark_jobs.transforms.test_candles import SCHEMA, frame, some_trades

pytestmark = pytest.mark.integration

PATIENCE_S = 60
Damage = Callable[[Path], None]


def newest(checkpoint: Path, log: str) -> Path:
    numbered = (one for one in (checkpoint / log).iterdir() if one.name.isdecimal())
    return max(numbered, key=lambda one: int(one.name))


def changelogs(checkpoint: Path) -> list[Path]:
    """The newest of each partition."""
    folders = {one.parent for one in checkpoint.glob("state/**/*.changelog")}
    assert len(folders) == 2
    return [max(folder.glob("*.changelog"), key=version) for folder in folders]


def version(state_file: Path) -> int:
    return int(state_file.name.split("_")[0])


def halve(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def empty(file: Path) -> None:
    file.write_bytes(b"")


def flip(file: Path) -> None:
    """One bit in the middle."""
    held = bytearray(file.read_bytes())
    held[len(held) // 2] ^= 1
    file.write_bytes(held)


def cut_without_checksum(checkpoint: Path) -> None:
    file = newest(checkpoint, "offsets")
    halve(file)
    file.with_name(f".{file.name}.crc").unlink()


def all_changelogs(change: Damage) -> Damage:
    def damage(checkpoint: Path) -> None:
        for file in changelogs(checkpoint):
            change(file)

    return damage


REPAIRED: dict[str, Damage] = {
    "metadata is missing": lambda c: (c / "metadata").unlink(),
    "the newest commit is missing": lambda c: newest(c, "commits").unlink(),
}
REFUSED: dict[str, Damage] = {
    "metadata is empty": lambda c: empty(c / "metadata"),
    "the newest offsets are cut": lambda c: halve(newest(c, "offsets")),
    "the newest offsets are cut and their checksum is gone": cut_without_checksum,
    "the newest offsets are empty": lambda c: empty(newest(c, "offsets")),
    "the newest offsets are missing": lambda c: newest(c, "offsets").unlink(),
    "all offsets are missing": lambda c: shutil.rmtree(c / "offsets"),
    "the newest commit is flipped": lambda c: flip(newest(c, "commits")),
    "all commits are missing": lambda c: shutil.rmtree(c / "commits"),
    "a changelog is missing": all_changelogs(Path.unlink),
    "a changelog is cut": all_changelogs(halve),
    "a changelog is flipped": all_changelogs(flip),
    "the state is missing": lambda c: shutil.rmtree(c / "state"),
}


class Job:
    """One query over the files of a folder; what its sink holds by (symbol, open time)."""

    def __init__(self, folder: Path, arriving: Path) -> None:
        self.arriving = arriving
        self.settings = FakeSettings(folder)
        self.query = Query(name="q", version=1, output=self._output, trigger_ms=50)
        self.checkpoint = self.query.checkpoint(self.settings)
        self.sink: dict[tuple[str, int], dict[str, Any]] = {}

    def _output(self, spark: SparkSession, _settings: Any) -> DataStreamWriter:
        stream = spark.readStream.option("maxFilesPerTrigger", 1).schema(SCHEMA)
        trades = with_event_time(stream.parquet(str(self.arriving)), watermark_delay_s=30)
        bars = candle_rows(trades, intervals=["1m"], layer="speed")
        return bars.writeStream.outputMode("update").foreachBatch(self._write)

    def _write(self, batch: DataFrame, _epoch: int) -> None:
        for row in batch.collect():
            self.sink[row["symbol"], row["time_ms"]] = row.asDict()

    def drain(self, spark: SparkSession) -> None:
        """All that has arrived."""
        query = self.query.start(spark, self.settings)
        try:
            query.processAllAvailable()
        finally:
            query.stop()


@dataclass(frozen=True)
class Begun:
    """A job that has read two of three files, and the sink of one that has read all."""

    job: Job
    whole: dict[tuple[str, int], dict[str, Any]]

    def copied_to(self, folder: Path) -> Job:
        job = Job(folder, self.job.arriving)
        shutil.copytree(self.job.checkpoint, job.checkpoint)
        job.sink = dict(self.job.sink)
        return job


@pytest.fixture(scope="module")
def begun(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Begun:
    folder = tmp_path_factory.mktemp("begun")
    job = Job(folder, folder / "arriving")
    job.arriving.mkdir()
    # A bar lies in two of the files: without its state it would be wrong.
    trades = some_trades(seed=3, n=450)
    for n in range(3):
        frame(spark, trades[n * 150 : (n + 1) * 150]).coalesce(1).write.parquet(f"{folder}/{n}")
        file = next((folder / str(n)).glob("*.parquet"))
        file.rename(job.arriving / f"{n}.parquet")
        if n < 2:
            job.drain(spark)
    whole = Job(folder / "whole", job.arriving)
    whole.drain(spark)
    return Begun(job, whole.sink)


@pytest.mark.parametrize("damage", REPAIRED.values(), ids=REPAIRED)
def test_spark_repairs_it_and_the_output_is_that_of_an_undamaged_run(
    spark, tmp_path, begun, damage
):
    job = begun.copied_to(tmp_path)
    damage(job.checkpoint)
    job.drain(spark)
    assert job.sink == begun.whole


@pytest.mark.parametrize("damage", REFUSED.values(), ids=REFUSED)
def test_the_query_stops_before_it_writes_and_the_log_names_the_folder_and_the_way_out(
    spark, tmp_path, begun, damage, monkeypatch
):
    said: list[dict[str, Any]] = []
    monkeypatch.setattr(running.log, "error", lambda event, **keys: said.append({event: keys}))
    job = begun.copied_to(tmp_path)
    before = dict(job.sink)
    damage(job.checkpoint)
    supervised = RunningQuery(job.query, spark, job.settings, FakeLedger())
    look_until(supervised, lambda: said)
    supervised.stop()
    (told,) = said
    assert "checkpoint_damaged" in told, told
    assert told["checkpoint_damaged"]["checkpoint"] == str(job.checkpoint)
    assert told["checkpoint_damaged"]["next_try_s"] == running.FIRST_WAIT_S
    assert READS_AGAIN in told["checkpoint_damaged"]["way_out"]
    assert job.sink == before


def test_the_way_out_leads_to_the_right_numbers(spark, tmp_path, begun, monkeypatch):
    said: list[str] = []
    monkeypatch.setattr(running.log, "error", lambda event, **_: said.append(event))
    job = begun.copied_to(tmp_path)
    all_changelogs(flip)(job.checkpoint)
    supervised = RunningQuery(job.query, spark, job.settings, FakeLedger())
    look_until(supervised, lambda: said)
    job.checkpoint.rename(tmp_path / "away")
    look_until(supervised, lambda: job.sink == begun.whole)
    supervised.stop()


def look_until(supervised: RunningQuery, done: Callable[[], Any]) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < give_up
        supervised.look_after()
        time.sleep(0.02)
