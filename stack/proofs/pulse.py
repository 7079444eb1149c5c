"""Whether the latency that job `pulse` tells is true: a stopwatch beside it.

Venue, Kafka, the trade agent, Spark's driver and InfluxDB; real time, real protocols. The stopwatch
asks InfluxDB itself, again and again, for the newest trade in the candles of one market: the first
answer that names trade k tells when k became readable, halfway between that question and the one
before. Its start is the moment at which the venue's rate wanted the trade sent. Each minute that
pulse tells of is compared with the stopwatch's trades of the same minute.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import httpx

from market.clock import wall_ms
from market.coins import default_symbols
from market.settings import ENV_PREFIX
from stack.console import StepBoard
from stack.failure import Failure
from stack.interrupt import pause
from stack.parts.table import SPARK_JARS
from stack.platform import Platform
from stack.ports import free_port
from stack.processes.influxd import InfluxAccess
from stack.proofs.collection import Broker, Stage
from stack.proofs.influx import running_influx, stored_rows
from stack.proofs.trade_feeder import TradeFeeder
from stack.settings import StackSettings
from stack.supervisor import Supervisor

AGENT = "binance_trades"
SYMBOL = "BTCUSDT"
READY_S = 120.0
ASK_EVERY_S = 0.02
QUANTILES = (("p50_ms", 0.5), ("p95_ms", 0.95), ("p99_ms", 0.99))
# A trade that is readable is told of with pulse's next micro-batch.
TOLD_WITHIN_S = 25.0
WINDOW_S = 60.0


@dataclass(frozen=True, slots=True)
class Minute:
    """One point of pulse against the stopwatch's trades of the same minute, milliseconds."""

    trades: int
    samples: int
    pulse: dict[str, float]
    stopwatch: dict[str, float]

    def off_pct(self, name: str) -> float:
        """How far pulse is off."""
        return 100 * (self.pulse[name] / self.stopwatch[name] - 1)


@dataclass(frozen=True, slots=True)
class PulseReport:
    """Mean and largest deviation of each quantile over all minutes, percent."""

    rate: float
    minutes: list[Minute]
    question_p50_ms: float
    stages_p50_ms: dict[str, float]

    def mean(self, name: str, of: Literal["pulse", "stopwatch"]) -> float:
        """Mean of a quantile as `pulse` or the `stopwatch` has it, milliseconds."""
        told = [one.pulse if of == "pulse" else one.stopwatch for one in self.minutes]
        return sum(one[name] for one in told) / len(told)

    def off_pct(self, name: str) -> float:
        """How far pulse's mean is off the stopwatch's."""
        return 100 * (self.mean(name, "pulse") / self.mean(name, "stopwatch") - 1)

    def worst_pct(self, name: str) -> float:
        """The largest deviation of one minute."""
        return max((one.off_pct(name) for one in self.minutes), key=abs)

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        quantiles = {
            name: {
                "pulse_ms": round(self.mean(name, "pulse"), 1),
                "stopwatch_ms": round(self.mean(name, "stopwatch"), 1),
                "off_pct": round(self.off_pct(name), 2),
                "worst_minute_off_pct": round(self.worst_pct(name), 2),
            }
            for name, _ in QUANTILES
        }
        return {**asdict(self), "quantiles": quantiles}


@dataclass
class Stopwatch:
    """Real times at which trades of one market became readable, and how long each took."""

    feeder: TradeFeeder
    newest_id: int = 0
    seen: list[tuple[float, float]] = field(default_factory=list)
    """(readable at, seconds since it was due), on the clock of `time.perf_counter`."""
    questions_s: list[float] = field(default_factory=list)
    _before_s: float = 0.0

    def answered(self, asked_s: float, now_s: float, newest_id: int) -> None:
        """An answer that came now to a question of `asked_s`."""
        middle_s = (asked_s + now_s) / 2
        readable_s = (self._before_s + middle_s) / 2 if self._before_s else middle_s
        self.questions_s.append(now_s - asked_s)
        for trade_id in range(self.newest_id + 1, newest_id + 1):
            due_s = self.feeder.due_s(SYMBOL, trade_id)
            self.seen.append((readable_s, readable_s - due_s))
        self.newest_id = max(self.newest_id, newest_id)
        self._before_s = middle_s

    def quantiles(self, from_s: float, to_s: float) -> tuple[int, dict[str, float]]:
        """Trades that became readable in [from_s, to_s), and their quantiles in milliseconds."""
        took = sorted(1000 * spent for at_s, spent in self.seen if from_s <= at_s < to_s)
        if not took:
            return 0, {}
        rank = {name: min(int(len(took) * share), len(took) - 1) for name, share in QUANTILES}
        return len(took), {name: took[place] for name, place in rank.items()}


def run_pulse(
    home_root: Path,
    board: StepBoard,
    *,
    rate: float,
    warm_up_s: float,
    seconds: float,
    jobs: Sequence[str],
    settings: StackSettings,
) -> PulseReport:
    """Measure for `seconds` after `warm_up_s`. Raises Failure where pulse tells nothing."""
    SPARK_JARS.ensure(board.step("get Spark's jars"))
    with Broker(home_root, board) as broker:
        changed = {"influx_port": free_port(), "spark_driver_mb": settings.spark_driver_mb}
        own = broker.settings.model_copy(update=changed)
        supervisor = Supervisor(broker.home, report=broker.note)
        with running_influx(broker.home, board, own, supervisor) as access:
            driver = Platform(own, broker.home, None).driver(access)
            chosen = {ENV_PREFIX + "SPARK_JOBS": ",".join(jobs)}
            supervisor.start(replace(driver, env={**driver.env, **chosen}))
            try:
                run_s = warm_up_s + seconds
                feeder = TradeFeeder(default_symbols("binance"), round(rate * run_s), rate)
                watch = Stopwatch(feeder)
                asyncio.run(_watch(watch, broker, supervisor, access, run_s))
                return _report(access, watch, rate, warm_up_s)
            finally:
                supervisor.stop_all((("spark",),))


async def _watch(
    watch: Stopwatch, broker: Broker, supervisor: Supervisor, access: InfluxAccess, run_s: float
) -> None:
    """Feed and ask until the time is over."""
    feeder = watch.feeder
    await feeder.start()
    venue = f"127.0.0.1:{feeder.port}"
    upstream = {"BINANCE_STREAM_URL": f"ws://{venue}", "BINANCE_REST_URL": f"http://{venue}"}
    step = broker.board.step("trades")
    client = httpx.AsyncClient(base_url=access.url, timeout=30.0, trust_env=False)
    with Stage(broker, "agent", None) as stage:
        stage.start_agent(AGENT, upstream)
        began_s, give_up = 0.0, time.perf_counter() + READY_S
        try:
            while not began_s or time.perf_counter() - began_s < run_s + TOLD_WITHIN_S:
                pause(0)  # raises where somebody asks to stop
                began_s = began_s or feeder.first_sent_s or 0.0
                if began_s:
                    await _ask(client, access, watch)
                if not watch.newest_id and time.perf_counter() > give_up:
                    raise Failure(f"InfluxDB held no candle of {SYMBOL} in {READY_S:.0f} s.")
                if watch.seen and len(watch.questions_s) % 100 == 0:
                    step.tell(f"{time.perf_counter() - began_s:.0f} of {run_s:.0f} s")
                stage.check()
                supervisor.tick()
                await asyncio.sleep(ASK_EVERY_S)
        finally:
            feeder.stop()
            await client.aclose()
    step.done(f"{feeder.sent:,} sent")


async def _ask(client: httpx.AsyncClient, access: InfluxAccess, watch: Stopwatch) -> None:
    query = (
        f'from(bucket: "{access.speed_bucket}") |> range(start: -3m)'
        ' |> filter(fn: (r) => r._measurement == "crypto_candles" and r.interval == "1m"'
        f' and r.symbol == "{SYMBOL}" and r._field == "last_trade_id")'
        ' |> last() |> keep(columns: ["_value"])'
    )
    asked_s = time.perf_counter()
    answer = await client.post(
        "/api/v2/query",
        params={"org": access.org},
        headers={"Authorization": f"Token {access.read_token}"},
        json={"query": query, "dialect": {"annotations": [], "header": False}},
    )
    now_s = time.perf_counter()
    cells = answer.raise_for_status().text.strip().split(",")
    watch.answered(asked_s, now_s, int(cells[-1]) if cells[-1].isdigit() else 0)


def _report(access: InfluxAccess, watch: Stopwatch, rate: float, warm_up_s: float) -> PulseReport:
    """Pulse's points whose minute lies wholly after the warm-up and before the end."""
    # The same moment on both clocks.
    wall_at_0_s = wall_ms() / 1000 - time.perf_counter()
    from_s = (watch.feeder.first_sent_s or 0.0) + warm_up_s
    to_s = watch.seen[-1][0] if watch.seen else 0.0
    points = _points(access)
    minutes = []
    for at_wall_s, told in points["whole"]:
        end_s = at_wall_s - wall_at_0_s
        trades, stopwatch = watch.quantiles(end_s - WINDOW_S, end_s)
        if from_s <= end_s - WINDOW_S and end_s <= to_s + 1.0 and trades and told["n"]:
            pulse = {name: told[name] for name, _ in QUANTILES}
            minutes.append(Minute(trades, int(told["n"]), pulse, stopwatch))
    if not minutes:
        raise Failure("pulse told of no whole minute after the warm-up.", fix="Run longer.")
    asked = sorted(watch.questions_s)
    return PulseReport(
        rate=rate,
        minutes=minutes,
        question_p50_ms=round(1000 * asked[len(asked) // 2], 1),
        stages_p50_ms={stage: held[-1][1].get("p50_ms", 0.0) for stage, held in points.items()},
    )


def _points(access: InfluxAccess) -> dict[str, list[tuple[float, dict[str, float]]]]:
    """By stage (real time in seconds, fields) of all that pulse told, ascending."""
    query = (
        f'from(bucket: "{access.speed_bucket}") |> range(start: -2h)'
        ' |> filter(fn: (r) => r._measurement == "pipeline_health" and r.kind == "latency")'
        ' |> toFloat() |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")'
        " |> map(fn: (r) => ({r with at_s: float(v: int(v: r._time)) / 1000000000.0}))"
    )
    found: dict[str, list[tuple[float, dict[str, float]]]] = {}
    for row in stored_rows(access, query):
        names = ("n", *(name for name, _ in QUANTILES))
        told = {name: float(row[name]) for name in names if row.get(name)}
        if told.get("n"):
            found.setdefault(row["stage"], []).append((float(row["at_s"]), told))
    return {stage: sorted(held, key=lambda one: one[0]) for stage, held in found.items()}
