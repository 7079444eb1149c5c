"""The archive on the real Kafka and Spark: each record once, whatever happens to the driver."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from confluent_kafka import Producer
from deltalake import DeltaTable
from pyspark.errors import StreamingQueryException

from market.clock import WallClock
from schemas.codec import encode
from schemas.record_types import AGENT_RECORD_TYPES, FEAR_GREED, TRADE
from spark_jobs import archive
from spark_jobs.delta_sink import DeltaSink, merge_files, next_offsets, remove_unused
from spark_jobs.settings import SparkSettings
from stack.settings import ROOT
from stack.topic import read_topic
from tests.spark_jobs.archive_driver import archive_all
from tests.spark_jobs.builders import START_MS, a_trade_message

pytestmark = pytest.mark.integration

Coordinate = tuple[str, int, int]
DAY_MS = 86_400_000
FIRST_DAY = datetime.fromtimestamp(START_MS / 1000, UTC).date()
GOOD = a_trade_message(7)
POISON = {
    b"tombstone": None,
    b"no header": b"\xff" * 12,
    b"JSON": b'{"p":"1.0"}',
    b"unknown id": b"\x00\xff\xff\xff\xff" + GOOD[5:],
    b"cut": GOOD[:20],
    b"one megabyte": a_trade_message(1, source="x" * 1_000_000),
    b"a day of year 292278994": a_trade_message(1, observed_at_ms=2**63 - 1),
    b"a day before all": a_trade_message(1, observed_at_ms=-(2**63)),
}


@pytest.fixture
def settings(tmp_path, kafka_server) -> SparkSettings:
    return SparkSettings(
        home=tmp_path, kafka_bootstrap=kafka_server.bootstrap, influx_write_token="none"
    )


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    """The shipped query with a short trigger."""
    monkeypatch.setattr(archive, "QUERIES", (replace(archive.QUERIES[0], trigger_ms=10),))


@pytest.fixture
def drain(spark, settings) -> Callable[[], None]:
    """Archives what Kafka holds now, then stops the query."""

    return lambda: archive_all(spark, settings)


def produce(bootstrap: str, topic: str, records: Iterable[tuple[bytes, bytes | None]]) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "message.max.bytes": 2_000_000})
    for key, value in records:
        producer.produce(topic, value, key=key)
    assert producer.flush(20) == 0


def produce_trades(bootstrap: str, ids: Iterable[int], *, days: int = 2) -> None:
    trades = (a_trade_message(n, traded_at_ms=START_MS + n % days * DAY_MS) for n in ids)
    produce(bootstrap, TRADE.topic, ((b"%d" % (n % 7), one) for n, one in enumerate(trades)))


def in_kafka(bootstrap: str) -> Counter[Coordinate]:
    return Counter(
        (kind.topic, message.partition(), message.offset())
        for kind in AGENT_RECORD_TYPES
        for message in read_topic(bootstrap, kind.topic)
    )


def archived(settings: SparkSettings) -> Counter[Coordinate]:
    rows = (
        DeltaTable(settings.archive)
        .to_pyarrow_dataset()
        .to_table(columns=["topic", "partition", "offset"])
    )
    return Counter(zip(*(rows[name].to_pylist() for name in rows.column_names), strict=True))


def newest(folder: Path) -> Path:
    return max((one for one in folder.iterdir() if one.name.isdigit()), key=lambda p: int(p.name))


def test_every_record_is_there_once_after_lost_commits_and_a_new_version(
    monkeypatch, settings, drain
):
    bootstrap = settings.kafka_bootstrap
    produce_trades(bootstrap, range(150))
    drain()
    commits = archive.QUERIES[0].checkpoint(settings) / "commits"
    newest(commits).unlink()  # what a crash between the table's commit and Spark's leaves
    produce_trades(bootstrap, range(150, 250))
    drain()
    assert archived(settings) == in_kafka(bootstrap)

    raised = replace(archive.QUERIES[0], version=archive.QUERIES[0].version + 1)
    monkeypatch.setattr(archive, "QUERIES", (raised,))
    produce_trades(bootstrap, range(250, 300))
    drain()
    newest(raised.checkpoint(settings) / "commits").unlink()
    drain()
    assert archived(settings) == in_kafka(bootstrap)


def test_poison_is_archived_as_it_was_without_a_day_and_its_neighbours_have_theirs(settings, drain):
    fear = {"source": "s", "observed_at_ms": START_MS, "collected_at_ms": START_MS, "index": 5}
    good = (b"neighbour", GOOD)
    poison = [record for bad in POISON.items() for record in (bad, good)]
    produce(settings.kafka_bootstrap, TRADE.topic, poison)
    fears = encode(FEAR_GREED, fear | {"classification": "Fear"})
    produce(settings.kafka_bootstrap, FEAR_GREED.topic, [(b"s", fears), (b"cut", fears[:9])])
    drain()
    rows = DeltaTable(settings.archive).to_pandas()
    for key, value in POISON.items():
        (row,) = rows[rows["key"] == key].query("topic == 'crypto-trades'").to_dict("records")
        assert (row["value"], row["day"]) == (value, None), key
    neighbours = rows[rows["key"] == b"neighbour"]
    assert len(neighbours) == len(POISON)
    assert set(neighbours["day"]) == {FIRST_DAY}
    assert set(neighbours["schema_id"]) == {TRADE.latest_id}
    assert set(rows[rows["key"] == b"no header"]["schema_id"].isna()) == {True}
    assert set(rows[rows["topic"] == FEAR_GREED.topic]["day"]) >= {FIRST_DAY, None}


@pytest.mark.parametrize("lost", ["a planned batch", "the table", "the query's id"])
def test_a_checkpoint_and_a_table_that_do_not_fit_stop_with_the_way_out(settings, drain, lost):
    produce_trades(settings.kafka_bootstrap, range(100))
    drain()
    checkpoint = archive.QUERIES[0].checkpoint(settings)
    if lost == "the table":
        shutil.rmtree(settings.archive)
    elif lost == "the query's id":
        (checkpoint / "metadata").unlink()
    else:
        newest(checkpoint / "commits").unlink()
        newest(checkpoint / "offsets").unlink()
    produce_trades(settings.kafka_bootstrap, range(100, 120))
    with pytest.raises(StreamingQueryException, match="Delete the checkpoint's folder"):
        drain()
    shutil.rmtree(checkpoint)
    drain()
    assert archived(settings) == in_kafka(settings.kafka_bootstrap)


def test_small_files_are_merged_once_and_say_the_same(spark, settings, drain):
    for _ in range(2):
        produce_trades(settings.kafka_bootstrap, range(100))
        drain()
    before = archived(settings)
    assert len(files(settings)) >= 2
    removed, added = merge_files(spark, settings.archive)
    assert removed > added > 0
    assert len(files(settings)) == 1
    assert merge_files(spark, settings.archive) == (0, 0)
    remove_unused(spark, settings.archive)
    drain()
    assert archived(settings) == before == in_kafka(settings.kafka_bootstrap)


def test_files_are_merged_at_a_days_end_and_every_so_often_but_not_in_the_rush_of_a_start(
    spark, tmp_path, monkeypatch
):
    done: list[str] = []
    here = "spark_jobs.delta_sink"
    monkeypatch.setattr(f"{here}._query_id", lambda _spark: "a-query")
    monkeypatch.setattr(f"{here}.merge_files", lambda *_: done.append("merged") or (0, 0))
    monkeypatch.setattr(f"{here}.remove_unused", lambda *_: done.append("cleared"))
    monkeypatch.setattr(f"{here}.MERGE_EVERY_BATCHES", 3)
    monkeypatch.setattr(f"{here}.SETTLED_AFTER_BATCHES", 2)
    clock = FakeClock()
    sink = DeltaSink(table=tmp_path / "table", checkpoint=tmp_path / "c", clock=clock)
    schema = "topic string, day date, partition int, offset long"
    batch = spark.createDataFrame([("t", FIRST_DAY, 0, 1)], schema)
    told = []
    for epoch, moment_ms in enumerate((0, 1, 2, DAY_MS, DAY_MS, DAY_MS, DAY_MS)):
        clock.moment_ms = moment_ms
        sink(batch, epoch)
        told.append(list(done))
        done.clear()
    both = ["merged", "cleared"]
    assert told == [[], [], both, both, [], [], ["merged"]]


class FakeClock(WallClock):
    moment_ms = 0

    def now_ms(self) -> int:
        return self.moment_ms


def files(settings: SparkSettings) -> list[str]:
    folder = f"topic={TRADE.topic}/day={FIRST_DAY.isoformat()}/"
    return [uri for uri in DeltaTable(settings.archive).file_uris() if folder in uri]


def test_every_record_is_there_once_after_a_kill_at_any_moment(spark, settings, tmp_path):
    """Once, because a driver takes half a minute to come back; `chaos driver` kills it 20 times."""
    produce_trades(settings.kafka_bootstrap, range(600))
    moments = random.Random(5)
    killed = start_driver(spark, settings, tmp_path)
    wait_for_commits(settings, version_of(settings) + moments.randint(1, 3), killed)
    time.sleep(moments.random() / 2)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    assert set(archived(settings).values()) == {1}  # readable at once, nothing twice
    last = start_driver(spark, settings, tmp_path)
    try:
        assert last.wait(timeout=300) == 0, (tmp_path / "driver.log").read_text("utf-8")[-2000:]
    finally:
        if last.poll() is None:
            os.killpg(last.pid, signal.SIGKILL)
    assert archived(settings) == in_kafka(settings.kafka_bootstrap)
    assert next_offsets(spark, settings.archive)


def start_driver(spark, settings: SparkSettings, folder: Path) -> subprocess.Popen[bytes]:
    conf = {
        name: setting
        for name, setting in spark.sparkContext.getConf().getAll()
        if not name.startswith("spark.app")
    }
    (folder / "conf.json").write_text(json.dumps(conf), "utf-8")
    env = {
        **os.environ,
        "CRYPTOVIZ_HOME": str(settings.home),
        "CRYPTOVIZ_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "CRYPTOVIZ_INFLUX_WRITE_TOKEN": "none",
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    with (folder / "driver.log").open("ab") as said:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.spark_jobs.archive_driver", folder / "conf.json", "100"],
            cwd=ROOT,
            env=env,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )


def version_of(settings: SparkSettings) -> int:
    log = settings.archive / "_delta_log"
    return max((int(one.stem) for one in log.glob("*[0-9].json")), default=-1)


def wait_for_commits(
    settings: SparkSettings, version: int, driver: subprocess.Popen[bytes]
) -> None:
    give_up = time.monotonic() + 120
    while version_of(settings) < version and driver.poll() is None:
        assert time.monotonic() < give_up
        time.sleep(0.02)


def test_the_one_liners_of_the_document_decode_the_archive(settings, drain, tmp_path, monkeypatch):
    produce_trades(settings.kafka_bootstrap, range(20), days=1)
    drain()
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "live").symlink_to(settings.home)
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/archive.md").read_text("utf-8"), re.S)
    assert len(blocks) == 2
    for block in blocks:
        names: dict[str, object] = {}
        exec(block.replace("2026-01-05", FIRST_DAY.isoformat()), names)  # noqa: S102 - our document
        frame = names["trades"]
        assert len(frame) >= 20
        assert {"symbol", "price", "trade_id"} <= set(frame.columns)
        # Other tests write trades to the same topic.
        assert 20_000.0 in set(frame[frame["trade_id"] == 3]["price"])
