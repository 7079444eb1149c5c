"""How many trades a second one agent takes on one core, from the socket to acknowledged Kafka.

The agent has one core to itself; feeder, Kafka and this process share another. Pings go out every
second among the frames, and the agent's memory is read at 100 k trades and at the end.
"""

import asyncio
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from market.coins import default_symbols
from schemas.record_types import TRADE
from stack.console import Step, StepBoard
from stack.failure import Failure
from stack.interrupt import pause
from stack.proofs.collection import Broker, Stage
from stack.proofs.trade_feeder import TradeFeeder

AGENT = "binance_trades"
WARM_TRADES = 100_000
SAMPLE_S = 0.02
# Without a new record in Kafka for so long the agent is stuck.
STUCK_S = 60.0
LAST_PONG_S = 0.5
MEGABYTE = 1e6


@dataclass(frozen=True, slots=True)
class CollectReport:
    """Figures of one run. Seconds are real; memory is the agent's resident memory in MB."""

    trades: int
    stored: int
    seconds: float
    trades_per_s: int
    agent_cpu_s: float
    trades_per_cpu_s: int
    is_pinned: bool
    pings: int
    pongs: int
    pong_p50_ms: float
    pong_max_ms: float
    resident_mb_at_100k: float
    resident_mb_at_end: float
    connections: int

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return asdict(self)


def run_collect(
    home_root: Path, board: StepBoard, *, trades: int, rate: float | None
) -> CollectReport:
    """Measure. Raises Failure where the agent ends or stands still."""
    cores = _pin_to_second()
    try:
        with Broker(home_root, board) as broker, Stage(broker, "agent", None) as stage:
            return asyncio.run(_measure(stage, board.step("trades"), trades, rate, cores))
    finally:
        if cores:
            os.sched_setaffinity(0, cores)


def _pin_to_second() -> list[int]:
    """Leave the first core to the agent; what is started inherits the rest. The cores there are,
    empty where they cannot be chosen."""
    if not hasattr(os, "sched_setaffinity"):
        return []
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return []
    os.sched_setaffinity(0, cores[1:])
    return cores


async def _measure(
    stage: Stage, step: Step, trades: int, rate: float | None, cores: list[int]
) -> CollectReport:
    feeder = TradeFeeder(default_symbols("binance"), trades, rate)
    await feeder.start()
    child = stage.start_agent(
        AGENT,
        {
            "BINANCE_STREAM_URL": f"ws://127.0.0.1:{feeder.port}",
            "BINANCE_REST_URL": f"http://127.0.0.1:{feeder.port}",
        },
    )
    agent = psutil.Process(child.record.pid)
    if cores:
        agent.cpu_affinity(cores[:1])
    stored, moved_s, warm_mb, cpu_s = 0, time.perf_counter(), 0.0, 0.0
    while stored < trades:
        await asyncio.sleep(SAMPLE_S)
        now = await asyncio.to_thread(stage.broker.records, TRADE.topic)
        if feeder.first_sent_s is not None and not cpu_s:
            cpu_s = _cpu_s(agent)
        if now > stored:
            stored, moved_s = now, time.perf_counter()
        elif time.perf_counter() - moved_s > STUCK_S:
            raise Failure(f"Kafka stands at {stored:,} trades for {STUCK_S:.0f} s", log=child.log)
        if stored >= WARM_TRADES and not warm_mb:
            warm_mb = _resident_mb(agent)
        step.tell(f"{stored:,} of {trades:,}")
        stage.check()
        pause(0)  # raises where somebody asks to stop
    seconds = moved_s - (feeder.first_sent_s or moved_s)
    end_mb, cpu_s = _resident_mb(agent), _cpu_s(agent) - cpu_s
    # The last ping may have no answer yet.
    await asyncio.sleep(LAST_PONG_S)
    feeder.stop()
    await asyncio.to_thread(stage.stop_agent, AGENT)
    step.done(f"{trades:,} in {seconds:.1f} s")
    pongs_ms = sorted(1000 * pong_s for pong_s in feeder.pongs_s) or [float("inf")]
    return CollectReport(
        trades=trades,
        stored=await asyncio.to_thread(stage.broker.records, TRADE.topic),
        seconds=round(seconds, 2),
        trades_per_s=round(trades / seconds),
        agent_cpu_s=round(cpu_s, 2),
        trades_per_cpu_s=round(trades / cpu_s),
        is_pinned=bool(cores),
        pings=feeder.pings,
        pongs=len(feeder.pongs_s),
        pong_p50_ms=round(pongs_ms[len(pongs_ms) // 2], 1),
        pong_max_ms=round(pongs_ms[-1], 1),
        resident_mb_at_100k=round(warm_mb or end_mb, 1),
        resident_mb_at_end=round(end_mb, 1),
        connections=feeder.connections,
    )


def _resident_mb(process: psutil.Process) -> float:
    return float(process.memory_info().rss / MEGABYTE)


def _cpu_s(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)
