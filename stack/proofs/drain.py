"""How fast a backlog of trades drains through the shipped query, and where the time goes.

Kafka and InfluxDB of its own, one spark-submit of `spark_jobs/draining.py`. The last drain of each
stage counts: by then the JVM has compiled what it runs. What InfluxDB holds afterwards is compared
with a plain sum over the same trades: a drain that is fast and wrong is void.
"""

import json
import math
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from market.coins import default_symbols, market_of
from stack.console import Step, StepBoard
from stack.failure import Failure, tail_of
from stack.parts.table import SPARK_JARS
from stack.platform import Platform
from stack.ports import free_port
from stack.processes.influxd import InfluxAccess
from stack.processes.spark import JOBS_FOLDER
from stack.proofs.backlog import produce
from stack.proofs.collection import Broker
from stack.proofs.influx import running_influx, stored_rows
from stack.settings import StackSettings
from stack.supervisor import Supervisor

SOURCE = "binance"
SHIPPED, MINUTES, BARE = "shipped", "minutes", "bare"
TOLERANCE = 1e-9
STORED = """from(bucket: "{bucket}") |> range(start: 0)
  |> filter(fn: (r) => r._measurement == "crypto_candles" and r.interval == "1m")
  |> keep(columns: ["_time", "_value", "_field", "symbol"])"""


@dataclass(frozen=True, slots=True)
class Drain:
    """One pass over the whole topic. Seconds are real, `cpu_s` is the JVM's."""

    stage: str
    repeat: int
    trades_per_s: int
    seconds: float
    cpu_s: float
    phases_s: dict[str, float]


@dataclass(frozen=True, slots=True)
class DrainReport:
    """All drains, and how many of the oracle's bars the store holds equal in every column."""

    trades: int
    markets: int
    drains: list[Drain]
    bars: int
    equal: int

    def last(self, stage: str) -> Drain:
        """The hot drain of a stage."""
        return [one for one in self.drains if one.stage == stage][-1]

    def ratio_to_bare(self, stage: str) -> float:
        """Speed of a stage over that of the bare one."""
        return self.last(stage).trades_per_s / self.last(BARE).trades_per_s

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {
            "trades": self.trades,
            "markets": self.markets,
            "trades_per_s": {one: self.last(one).trades_per_s for one in (MINUTES, SHIPPED)},
            "ratio_to_bare": {one: round(self.ratio_to_bare(one), 3) for one in (MINUTES, SHIPPED)},
            "bars": self.bars,
            "equal": self.equal,
            "drains": [
                {
                    "stage": one.stage,
                    "repeat": one.repeat,
                    "trades_per_s": one.trades_per_s,
                    "seconds": round(one.seconds, 2),
                    "cpu_s": round(one.cpu_s, 2),
                    "phases_s": one.phases_s,
                }
                for one in self.drains
            ],
        }


def run_drain(
    home_root: Path, board: StepBoard, *, count: int, settings: StackSettings
) -> DrainReport:
    """Measure. Raises Failure where the submitted driver ends with an error."""
    SPARK_JARS.ensure(board.step("get Spark's jars"))
    with Broker(home_root, board) as broker:
        own = broker.settings.model_copy(
            update={"influx_port": free_port(), "spark_driver_mb": settings.spark_driver_mb}
        )
        supervisor = Supervisor(broker.home, report=broker.note)
        with running_influx(broker.home, board, own, supervisor) as access:
            return _measure(broker, access, own, count)


def _measure(
    broker: Broker, access: InfluxAccess, settings: StackSettings, count: int
) -> DrainReport:
    markets = [market_of(SOURCE, symbol) for symbol in default_symbols(SOURCE)]
    step = broker.board.step("backlog")
    expected = produce(broker.bootstrap, markets, count, tell=step.tell).bars
    step.done(f"{count:,} trades of {len(markets)} markets")
    drains = list(_drains(broker, access, settings, broker.board.step("drains")))
    stored = _stored(access)
    equal = sum(_is_equal(bar, stored.get(key, {})) for key, bar in expected.items())
    if stored.keys() - expected.keys():
        raise Failure(f"{len(stored.keys() - expected.keys())} bars were made of no trade.")
    return DrainReport(count, len(markets), drains, len(expected), equal)


def _drains(
    broker: Broker, access: InfluxAccess, settings: StackSettings, step: Step
) -> Iterator[Drain]:
    command = Platform(settings, broker.home, None).job(
        JOBS_FOLDER / "draining.py",
        access,
        name="draining",
        # A drain of many batches is summed up from the progress of each.
        options=("--conf", "spark.sql.streaming.numRecentProgressUpdates=1000"),
    )
    log = broker.home.logs / "draining.log"
    with (
        log.open("wb") as errors,
        subprocess.Popen(  # noqa: S603 - our own command
            command.argv,
            cwd=command.cwd,
            env={**os.environ, **command.env},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as driver,
    ):
        for line in driver.stdout or ():
            told: dict[str, Any] = json.loads(line)
            stage, repeat = told.pop("stage"), told.pop("repeat")
            rows, seconds, cpu_s = told.pop("rows"), told.pop("seconds"), told.pop("cpu_s")
            step.tell(f"{stage}, drain {repeat}: {rows / seconds:,.0f} trades/s")
            phases = {name: round(spent_s, 2) for name, spent_s in told.items()}
            yield Drain(stage, repeat, round(rows / seconds), seconds, cpu_s, phases)
    if driver.returncode:
        raise Failure("The draining driver failed.", log=log, tail=tail_of(log))
    step.done()


def _stored(access: InfluxAccess) -> dict[tuple[str, int], dict[str, float]]:
    """Every one-minute bar of the store, keyed as the oracle's."""
    bars: dict[tuple[str, int], dict[str, float]] = {}
    for row in stored_rows(access, STORED.format(bucket=access.speed_bucket)):
        at_ms = round(datetime.fromisoformat(row["_time"]).timestamp() * 1000)
        bars.setdefault((row["symbol"], at_ms), {})[row["_field"]] = float(row["_value"])
    return bars


def _is_equal(expected: dict[str, float], stored: dict[str, float]) -> bool:
    return all(
        math.isclose(stored.get(name, math.nan), number, rel_tol=TOLERANCE)
        for name, number in expected.items()
    )
