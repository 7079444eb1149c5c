"""The trade agent against the simulator and a real Kafka, each a process of its own.

Killed at any moment and started again, the agent leaves each market's trades in Kafka once, in
order of id, and equal to what the venue says over REST.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from agents.memory import KafkaTail
from schemas.codec import decode
from schemas.record_types import TRADE
from stack.ports import free_port
from tests.platform.recording import START, SYMBOLS, write_recording

pytestmark = pytest.mark.integration

# Three hours in eighteen seconds: the scenario goes on while the agent is dead.
SPEED = 600
MINUTES = 180
KILLS = 2


@contextmanager
def process(
    module: str, *arguments: str, log: Path, **settings: object
) -> Iterator[subprocess.Popen[bytes]]:
    """`python -m module`, killed at the end where it still runs."""
    environment = {f"CRYPTOVIZ_{name}": str(text) for name, text in settings.items()}
    with (
        log.open("ab") as output,
        subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            env={**os.environ, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as running,
    ):
        try:
            yield running
        finally:
            running.kill()


def wait_until(reached: Callable[[], bool], *, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not reached():
        assert time.monotonic() < deadline, "not reached in time"
        time.sleep(0.05)


class Venue:
    """The simulator as its REST clients see it."""

    def __init__(self, port: int) -> None:
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v3", trust_env=False)

    def close(self) -> None:
        self._http.close()

    def answers(self) -> bool:
        try:
            return self._http.get("/time").is_success
        except httpx.TransportError:
            return False

    def now_ms(self) -> int:
        moment: int = self._http.get("/time").json()["serverTime"]
        return moment

    def trades(self, symbol: str) -> list[tuple[int, float, float, int]]:
        """All trades of a market so far: id, price, quantity, time."""
        found: list[tuple[int, float, float, int]] = []
        while True:
            page = self._http.get(
                "/aggTrades", params={"symbol": symbol, "fromId": len(found) + 1, "limit": 1000}
            ).json()
            if not page:
                return found
            found += [(row["a"], float(row["p"]), float(row["q"]), row["T"]) for row in page]


def stored(tail: KafkaTail) -> dict[str, list[tuple[int, float, float, int]]]:
    """Each market's trades as Kafka holds them, in its order."""
    found: dict[str, list[tuple[int, float, float, int]]] = {symbol: [] for symbol in SYMBOLS}
    for partition, (begin, end) in tail.bounds().items():
        for payload in tail.read(partition, begin, end):
            _, trade = decode(payload)
            found[trade["symbol"]].append(
                (trade["trade_id"], trade["price"], trade["quantity"], trade["traded_at_ms"])
            )
    return found


def count(tail: KafkaTail) -> int:
    return sum(end - begin for begin, end in tail.bounds().values())


@pytest.mark.parametrize("seed", [11])
def test_an_agent_killed_at_any_moment_leaves_every_trade_once_in_order(
    kafka_server: Any, tmp_path: Path, seed: int
):
    chance = random.Random(seed)
    bars = write_recording(tmp_path, seed=seed, minutes=MINUTES)
    port, log = free_port(), tmp_path / "agent.log"
    end_ms = round(START.timestamp() * 1000) + MINUTES * 60_000
    simulator = process(
        "simulator",
        log=tmp_path / "simulator.log",
        HOME=tmp_path,
        SIMULATOR_PORT=port,
        SIMULATOR_SCENARIO="bars",
        SIMULATOR_SPEED=SPEED,
        SIMULATOR_BARS=os.pathsep.join(f"{symbol}={path}" for symbol, path in bars),
    )
    agent = {
        "HOME": tmp_path,
        "CLOCK_FILE": tmp_path / "clock.json",
        "KAFKA_BOOTSTRAP": kafka_server.bootstrap,
        "BINANCE_STREAM_URL": f"ws://127.0.0.1:{port}",
        "BINANCE_REST_URL": f"http://127.0.0.1:{port}",
        "BINANCE_SYMBOLS": ",".join(SYMBOLS),
    }
    with (
        simulator,
        closing(Venue(port)) as venue,
        closing(KafkaTail(kafka_server.bootstrap, TRADE)) as tail,
    ):
        wait_until(venue.answers, timeout_s=20)
        for _ in range(KILLS):
            before = count(tail)
            with process("agents", "binance_trades", log=log, **agent) as running:
                wait_until(lambda before=before: count(tail) > before, timeout_s=20)
                time.sleep(chance.uniform(0.0, 2.5))
                assert running.poll() is None, log.read_text("utf-8")
                running.send_signal(signal.SIGKILL)
        assert venue.now_ms() < end_ms, "the kills came after the last trade"
        with process("agents", "binance_trades", log=log, **agent) as running:
            wait_until(lambda: venue.now_ms() > end_ms, timeout_s=30)
            told = {symbol: venue.trades(symbol) for symbol in SYMBOLS}
            total = sum(map(len, told.values()))
            wait_until(lambda: count(tail) >= total, timeout_s=10)
            running.terminate()
            assert running.wait(10) == 0
        held = stored(tail)
    assert total > 1_000
    assert held == told
    assert "trades_missing" not in log.read_text("utf-8")
