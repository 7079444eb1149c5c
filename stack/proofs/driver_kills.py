"""kill -9 of Spark's driver at seeded random moments of a replay changes nothing that it publishes.

Two runs over one backlog in Kafka, each with checkpoints, archive and buckets of its own: one is
left alone, the other is killed again and again, and loses its newest `commits/N` every other time,
which is what a crash between writing and committing leaves. Then every point of both stores is
compared, every bar in `crypto-candles`, every revision of an episode in `crypto-anomalies`, and the
archive has each record once, also after its checkpoint has begun anew.
"""

import json
import math
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from market.settings import ENV_PREFIX
from schemas.codec import decode
from schemas.record_types import ANOMALY, CANDLE, TRADE, RecordType
from stack.console import Step, StepBoard
from stack.failure import Failure, tail_of
from stack.home import Home
from stack.interrupt import pause
from stack.parts.table import SPARK_JARS
from stack.platform import Platform
from stack.ports import free_port
from stack.processes.child import Child
from stack.processes.influxd import InfluxAccess
from stack.processes.records import kill, stop
from stack.proofs.bursts import produce_bursts
from stack.proofs.collection import Broker
from stack.proofs.influx import running_influx, stored_rows
from stack.settings import StackSettings
from stack.supervisor import Supervisor
from stack.topic import bounds_of, open_consumer, read_topic

JOBS = ("candles", "bars", "anomalies", "archive")
# Batches so small that each life of the driver sees some of them.
AT_MOST, TRIGGER_MS = 1_000, 50
# A driver commits its first batch after some ten seconds.
SHORTEST_LIFE_S, LONGEST_LIFE_S = 8.0, 24.0
QUIET_S, LOOK_S, LIMIT_S = 8.0, 0.5, 900.0
TOLERANCE = 1e-9
STORED = """from(bucket: "{bucket}") |> range(start: 0)
  |> filter(fn: (r) => r._measurement != "batch_ledger"
    and r._measurement != "pipeline_health") |> drop(columns: ["_start", "_stop"])"""

Point = tuple[str, ...]
Points = dict[Point, str]
Records = dict[tuple[str, ...], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class DriverKillsReport:
    """Outcome. A point is one field of one row; a bar is a record of `crypto-candles`, a revision
    one of `crypto-anomalies`.
    """

    trades: int
    kills: int
    kills_at_work: int
    commits_deleted: int
    points: int
    points_equal: int
    points_extra: int
    bars: int
    bars_equal: int
    revisions: int
    revisions_equal: int
    revisions_extra: int
    archived: int
    archived_twice: int
    seconds: float

    @property
    def holds(self) -> bool:
        """Nothing is missing, nothing differs, nothing came of nothing."""
        return (
            self.points == self.points_equal
            and self.bars == self.bars_equal
            and self.revisions == self.revisions_equal
            and not self.revisions_extra
            and not self.points_extra
            and self.archived == self.trades
            and not self.archived_twice
        )


def run_driver_kills(
    home_root: Path,
    board: StepBoard,
    *,
    kills: int,
    trades: int,
    seed: int,
    settings: StackSettings,
    report: Callable[[str], None] = lambda _line: None,
) -> DriverKillsReport:
    """Run both. Raises Failure where a run comes to no end."""
    began = time.monotonic()
    SPARK_JARS.ensure(board.step("get Spark's jars"))
    with Broker(home_root, board) as broker:
        produce_bursts(broker.bootstrap, trades, seed)
        supervisor = Supervisor(broker.home, report=broker.note)
        own = broker.settings.model_copy(
            update={"influx_port": free_port(), "spark_driver_mb": settings.spark_driver_mb}
        )
        whole = _Run("whole", broker, supervisor, own)
        killed = _Run("killed", broker, supervisor, own)
        expected, *expected_records = whole.outcome(kills=0, seed=seed, report=report)
        found, *found_records = killed.outcome(kills=kills, seed=seed, report=report)
        archived = killed.archived()
    return DriverKillsReport(
        trades=trades,
        kills=kills,
        kills_at_work=killed.kills_at_work,
        commits_deleted=killed.commits_deleted,
        points=len(expected),
        points_equal=sum(_is_equal(text, found.get(key)) for key, text in expected.items()),
        points_extra=len(found.keys() - expected.keys()),
        bars=len(expected_records[0]),
        bars_equal=_equal(expected_records[0], found_records[0]),
        revisions=len(expected_records[1]),
        revisions_equal=_equal(expected_records[1], found_records[1]),
        revisions_extra=len(found_records[1].keys() - expected_records[1].keys()),
        archived=len(archived),
        archived_twice=sum(count > 1 for count in archived.values()),
        seconds=round(time.monotonic() - began, 1),
    )


class _Run:
    """One home and one set of buckets over the shared Kafka and InfluxDB."""

    def __init__(
        self, name: str, broker: Broker, supervisor: Supervisor, settings: StackSettings
    ) -> None:
        self.home = Home(broker.home.path / name)
        self.home.make()
        self.kills_at_work = 0
        self.commits_deleted = 0
        self._name = name
        self._broker = broker
        self._supervisor = supervisor
        self._settings = settings.model_copy(
            update={
                "influx_bucket": name,
                "influx_speed_bucket": f"{name}_speed",
                "influx_seconds_bucket": f"{name}_seconds",
            }
        )

    def outcome(
        self, *, kills: int, seed: int, report: Callable[[str], None]
    ) -> tuple[Points, Records, Records]:
        """All that the store, `crypto-candles` and `crypto-anomalies` hold at the end."""
        step = self._broker.board.step(f"replay, {self._name}")
        before = [(kind, self._ends(kind.topic)) for kind in (CANDLE, ANOMALY)]
        with running_influx(
            self._broker.home, self._broker.board, self._settings, self._supervisor
        ) as access:
            chance = random.Random(seed)  # noqa: S311 - moments to be repeated, no secret
            for number in range(1, kills + 1):
                self._life(access, chance, number, report)
            with self._driver(access, JOBS) as child:
                self._until_done(child, step)
            points = self._points(access)
        step.done(f"{len(points):,} points")
        bars, revisions = (self._records(kind, ends) for kind, ends in before)
        return points, bars, revisions

    def archived(self) -> Counter[tuple[str, int, int]]:
        """How often the archive holds each trade, after its checkpoint has begun anew."""
        from deltalake import DeltaTable

        for checkpoint in self.home.path.glob("checkpoints/archive-v*"):
            checkpoint.rename(checkpoint.with_name(f"old-{checkpoint.name}"))
        with running_influx(
            self._broker.home, self._broker.board, self._settings, self._supervisor
        ) as access:
            step = self._broker.board.step("archive, begun anew")
            with self._driver(access, ("archive",)) as child:
                self._until_done(child, step)
            step.done()
        table = DeltaTable(str(self.home.path / "archive")).to_pyarrow_table(
            columns=["topic", "partition", "offset"]
        )
        rows = zip(*(table[name].to_pylist() for name in table.column_names), strict=True)
        return Counter(row for row in rows if row[0] == TRADE.topic)

    @contextmanager
    def _driver(self, access: InfluxAccess, jobs: Iterable[str]) -> Iterator[Child]:
        """Spark's driver with these jobs; it is gone when the context ends."""
        command = Platform(self._settings, self.home, None).driver(access)
        own = {
            "SPARK_JOBS": ",".join(jobs),
            "SPARK_MAX_OFFSETS_PER_TRIGGER": str(AT_MOST),
            "SPARK_TRIGGER_MS": str(TRIGGER_MS),
        }
        env = {**command.env, **{ENV_PREFIX + key: text for key, text in own.items()}}
        child = Child(replace(command, env=env), self.home)

        def reap() -> None:
            child.poll()

        try:
            yield child
        finally:
            stop([child.record], report=self._broker.note, reap=reap)

    def _life(
        self,
        access: InfluxAccess,
        chance: random.Random,
        number: int,
        report: Callable[[str], None],
    ) -> None:
        before = self._committed()
        life_s = chance.uniform(SHORTEST_LIFE_S, LONGEST_LIFE_S)
        with self._driver(access, JOBS) as child:
            give_up = time.monotonic() + life_s
            while time.monotonic() < give_up:
                self._check(child)
                pause(LOOK_S / 5)
            is_at_work = not self._is_done()
            kill(child.record)
        deleted = self._delete_newest_commit(chance) if number % 2 == 0 else ""
        new = self._committed() - before
        self.kills_at_work += is_at_work
        report(f"kill {number} after {life_s:.1f} s: {new} batches committed{deleted}")

    def _check(self, child: Child) -> None:
        self._broker.tick()
        self._supervisor.tick()
        if child.poll() is not None:
            raise Failure("The driver ended by itself.", log=child.log, tail=tail_of(child.log))

    def _delete_newest_commit(self, chance: random.Random) -> str:
        """Of one query whose newest batch is committed; the words for the report."""
        whole = [
            one for one in self._checkpoints() if one.newest("offsets") == one.newest("commits")
        ]
        whole = [one for one in whole if one.newest("commits") > 0]
        if not whole:
            return ""
        one = chance.choice(whole)
        commit = one.folder / "commits" / str(one.newest("commits"))
        commit.unlink()
        self.commits_deleted += 1
        return f"; commits/{commit.name} of {one.folder.name} deleted"

    def _checkpoints(self) -> list["_Checkpoint"]:
        folders = self.home.path.glob("checkpoints/*-v*")
        return [_Checkpoint(one) for one in folders if not one.name.startswith("old-")]

    def _committed(self) -> int:
        return sum(one.newest("commits") + 1 for one in self._checkpoints())

    def _is_done(self) -> bool:
        """Whether every query has read and committed all there is."""
        ends = self._ends(TRADE.topic)
        held = self._checkpoints()
        return bool(held) and all(one.has_read(TRADE.topic, ends) for one in held)

    def _until_done(self, child: Child, step: Step) -> None:
        """Until all is read and nothing more is committed, which is what the last windows take."""
        give_up = time.monotonic() + LIMIT_S
        quiet_since, committed = time.monotonic(), -1
        while time.monotonic() - quiet_since < QUIET_S or not self._is_done():
            if time.monotonic() > give_up:
                raise Failure(f"The replay did not end in {LIMIT_S:.0f} s.", log=child.log)
            self._check(child)
            pause(LOOK_S)
            if (now := self._committed()) != committed:
                committed, quiet_since = now, time.monotonic()
                step.tell(f"{committed} batches committed")

    def _ends(self, topic: str) -> dict[int, int]:
        consumer = open_consumer(self._broker.bootstrap)
        try:
            return {one: high for one, (_, high) in bounds_of(consumer, topic).items()}
        finally:
            consumer.close()

    def _records(self, kind: RecordType, before: Mapping[int, int]) -> Records:
        """Records of this run by their identity; a repeated one counts once."""
        found = {}
        for message in read_topic(self._broker.bootstrap, kind.topic):
            partition, offset, payload = message.partition(), message.offset(), message.value()
            if partition is None or offset is None or payload is None:
                continue
            if offset >= before.get(partition, 0):
                _, record = decode(payload)
                found[tuple(str(record[name]) for name in kind.identity)] = record
        return found

    def _points(self, access: InfluxAccess) -> Points:
        points: Points = {}
        for bucket in (access.bucket, access.speed_bucket, access.seconds_bucket):
            for row in stored_rows(access, STORED.format(bucket=bucket)):
                value = row.pop("_value")
                kept = (f"{name}={row[name]}" for name in sorted(row) if name not in _NO_TAGS)
                points[(bucket.removeprefix(self._name), *kept)] = value
        return points


_NO_TAGS = frozenset(("", "result", "table"))


@dataclass(frozen=True, slots=True)
class _Checkpoint:
    """Spark's own records of one query."""

    folder: Path

    def newest(self, kind: str) -> int:
        """Newest number in `offsets` or `commits`, -1 without any."""
        names = (path.name for path in (self.folder / kind).glob("[0-9]*"))
        return max((int(name) for name in names if name.isdigit()), default=-1)

    def has_read(self, topic: str, ends: Mapping[int, int]) -> bool:
        """Whether its newest batch is committed and reaches the ends of the topic."""
        newest = self.newest("offsets")
        if newest < 0 or self.newest("commits") != newest:
            return False
        read: dict[int, int] = {}
        for line in (self.folder / "offsets" / str(newest)).read_text("utf-8").splitlines():
            if line.startswith("{") and (held := json.loads(line).get(topic)) is not None:
                read = {int(partition): offset for partition, offset in held.items()}
        return all(read.get(partition, 0) >= end for partition, end in ends.items())


def _is_equal(expected: str, found: str | None) -> bool:
    if found is None or expected == found:
        return found is not None
    try:
        return math.isclose(float(expected), float(found), rel_tol=TOLERANCE)
    except ValueError:
        return False


def _equal(expected: Records, found: Records) -> int:
    return sum(_is_same(record, found.get(key)) for key, record in expected.items())


def _is_same(expected: Mapping[str, Any], found: Mapping[str, Any] | None) -> bool:
    return found is not None and all(
        math.isclose(one, found[name], rel_tol=TOLERANCE)
        if isinstance(one, float) and isinstance(found[name], float)
        else one == found[name]
        for name, one in expected.items()
    )
