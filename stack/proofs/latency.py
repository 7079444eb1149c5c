"""How long a trade takes from the moment it was due to be sent until the API shows it.

Venue, Kafka, the trade agent, Spark's driver with its jobs, InfluxDB and the API; real time, real
protocols. The API is asked for the newest candle of one market again and again: an answer that
names `last_trade_id` k shows every trade up to k. A trade's latency is the moment of the first such
answer less the moment at which the rate wanted it sent, so a venue, an agent or an API that stalls
is measured and not left out.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from market.coins import default_symbols
from market.settings import ENV_PREFIX
from stack.console import Step, StepBoard
from stack.failure import Failure
from stack.interrupt import pause
from stack.parts.table import SPARK_JARS
from stack.platform import Platform
from stack.ports import free_port
from stack.processes.influxd import InfluxAccess
from stack.proofs.collection import Broker, Stage
from stack.proofs.demo import resident_mb
from stack.proofs.influx import running_influx
from stack.proofs.trade_feeder import TradeFeeder
from stack.settings import StackSettings
from stack.supervisor import Supervisor

AGENT = "binance_trades"
COIN, SYMBOL = "bitcoin", "BTCUSDT"
READY_S = 120.0
# Between two questions to the API; it is part of the latency, because a reader asks that often.
ASK_EVERY_S = 0.05
LOOK_BACK = timedelta(minutes=5)
MEMORY_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class LatencyReport:
    """Seconds from due to shown, over the trades of one market after the warm-up.

    Memory is Spark's JVM with its Python workers, resident, MB; the slope is that of a line through
    all readings, as a share of the first, over the measured time.
    """

    rate: float
    seconds: float
    trades: int
    p50_s: float
    p95_s: float
    p99_s: float
    longest_s: float
    answers: int
    answer_p50_ms: float
    spark_mb_first: float
    spark_mb_last: float
    spark_mb_peak: float
    spark_slope_pct: float

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return asdict(self)


def run_latency(
    home_root: Path,
    board: StepBoard,
    *,
    rate: float,
    warm_up_s: float,
    seconds: float,
    jobs: Sequence[str],
    settings: StackSettings,
) -> LatencyReport:
    """Measure for `seconds` after `warm_up_s`. Raises Failure where a part ends or shows none."""
    SPARK_JARS.ensure(board.step("get Spark's jars"))
    with Broker(home_root, board) as broker:
        ports = {"influx_port": free_port(), "api_port": free_port()}
        own = broker.settings.model_copy(
            update={**ports, "spark_driver_mb": settings.spark_driver_mb}
        )
        supervisor = Supervisor(broker.home, report=broker.note)
        with running_influx(broker.home, board, own, supervisor) as access:
            bench = _Bench(broker, own, supervisor, access)
            try:
                bench.start(jobs)
                return asyncio.run(bench.measure(rate, warm_up_s, seconds))
            finally:
                supervisor.stop_all((("api",), ("spark",)))


class _Bench:
    def __init__(
        self, broker: Broker, settings: StackSettings, supervisor: Supervisor, access: InfluxAccess
    ) -> None:
        self._broker = broker
        self._supervisor = supervisor
        self._platform = Platform(settings, broker.home, None)
        self._access = access
        self._api = settings.api_address

    def start(self, jobs: Sequence[str]) -> None:
        """Spark's driver with some of the jobs (all where none is named), then the API."""
        driver = self._platform.driver(self._access)
        chosen = {ENV_PREFIX + "SPARK_JOBS": ",".join(jobs)}
        api = self._platform.api(self._access)
        for command in (replace(driver, env={**driver.env, **chosen}), api):
            self._supervisor.start(command)
            step = self._broker.board.step(command.name)
            self._supervisor.wait_ready(command.name, step=step, timeout_s=READY_S)

    async def measure(self, rate: float, warm_up_s: float, seconds: float) -> LatencyReport:
        symbols = default_symbols("binance")
        trades = round(rate * (warm_up_s + seconds))
        feeder = TradeFeeder(symbols, trades, rate)
        await feeder.start()
        venue = f"127.0.0.1:{feeder.port}"
        upstream = {"BINANCE_STREAM_URL": f"ws://{venue}", "BINANCE_REST_URL": f"http://{venue}"}
        with Stage(self._broker, "agent", None) as stage:
            stage.start_agent(AGENT, upstream)
            try:
                step = self._broker.board.step("trades")
                shown = _Shown(feeder, after_s=warm_up_s)
                memory = await self._watch(stage, shown, step, warm_up_s + seconds)
            finally:
                feeder.stop()
        return _report(rate, seconds, shown, memory)

    async def _watch(
        self, stage: Stage, shown: "_Shown", step: Step, run_s: float
    ) -> list[tuple[float, float]]:
        """Ask until the time is over; (seconds, MB) of Spark after the warm-up."""
        memory: list[tuple[float, float]] = []
        spark = self._supervisor.record_of("spark").pid
        began, next_memory, give_up = 0.0, 0.0, time.perf_counter() + READY_S
        async with httpx.AsyncClient(base_url=self._api, timeout=30.0, trust_env=False) as client:
            while not began or time.perf_counter() - began < run_s:
                pause(0)  # raises where somebody asks to stop
                began = began or shown.feeder.first_sent_s or 0.0
                await shown.ask(client)
                now = time.perf_counter()
                if not shown.newest_id and now > give_up:
                    raise Failure(f"The API showed no candle of {SYMBOL} in {READY_S:.0f} s.")
                if shown.is_warm and now > next_memory:
                    memory.append((now - began, resident_mb(spark, descend=True)))
                    next_memory = now + MEMORY_EVERY_S
                    step.tell(f"{now - began:.0f} of {run_s:.0f} s, p95 {shown.p95_s():.2f} s")
                stage.check()
                self._supervisor.tick()
                await asyncio.sleep(ASK_EVERY_S)
        step.done(f"{shown.feeder.sent:,} sent")
        return memory


class _Shown:
    """Which trades the API has shown, and when first."""

    def __init__(self, feeder: TradeFeeder, *, after_s: float) -> None:
        self.feeder = feeder
        self.newest_id = 0
        self.latencies_s: list[float] = []
        self.answers_s: list[float] = []
        self._after_s = after_s

    @property
    def is_warm(self) -> bool:
        """Whether the warm-up is over."""
        first_s = self.feeder.first_sent_s
        return first_s is not None and time.perf_counter() - first_s > self._after_s

    async def ask(self, client: httpx.AsyncClient) -> None:
        """One question; what it shows for the first time gets its latency."""
        asked_s = time.perf_counter()
        path = f"/coins/{COIN}/candles"
        back = (datetime.now(UTC) - LOOK_BACK).isoformat()
        try:
            answer = await client.get(path, params={"symbol": SYMBOL, "from": back})
        except httpx.TransportError:
            return
        now_s = time.perf_counter()
        if answer.is_error:
            return
        rows = answer.json()["data"]
        newest_id = rows[-1]["last_trade_id"] or 0 if rows else 0
        if self.is_warm:
            self.answers_s.append(now_s - asked_s)
            for trade_id in range(self.newest_id + 1, newest_id + 1):
                self.latencies_s.append(now_s - self.feeder.due_s(SYMBOL, trade_id))
        self.newest_id = max(self.newest_id, newest_id)

    def p95_s(self) -> float:
        """So far."""
        return _quantile(self.latencies_s, 0.95)


def _quantile(numbers: Sequence[float], share: float) -> float:
    ordered = sorted(numbers)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else float("nan")


def slope(readings: Sequence[tuple[float, float]]) -> float:
    """Least-squares change of the second number over the range of the first."""
    if len(readings) < 2:
        return 0.0
    mean_x = sum(x for x, _ in readings) / len(readings)
    mean_y = sum(y for _, y in readings) / len(readings)
    spread = sum((x - mean_x) ** 2 for x, _ in readings)
    lean = sum((x - mean_x) * (y - mean_y) for x, y in readings) / spread
    return lean * (readings[-1][0] - readings[0][0])


def _report(
    rate: float, seconds: float, shown: _Shown, memory: Sequence[tuple[float, float]]
) -> LatencyReport:
    if not shown.latencies_s or not memory:
        raise Failure("No trade was shown after the warm-up.", fix="Ask for a longer run.")
    found = shown.latencies_s
    return LatencyReport(
        rate=rate,
        seconds=seconds,
        trades=len(found),
        p50_s=round(_quantile(found, 0.5), 3),
        p95_s=round(_quantile(found, 0.95), 3),
        p99_s=round(_quantile(found, 0.99), 3),
        longest_s=round(max(found), 3),
        answers=len(shown.answers_s),
        answer_p50_ms=round(1000 * _quantile(shown.answers_s, 0.5), 1),
        spark_mb_first=round(memory[0][1]),
        spark_mb_last=round(memory[-1][1]),
        spark_mb_peak=round(max(mb for _, mb in memory)),
        spark_slope_pct=round(100 * slope(memory) / memory[0][1], 2),
    )
