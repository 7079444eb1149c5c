import asyncio
import json
import os
import signal
import socket
import sys
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect

from market.clock import Anchor
from tests.simulator.builders import START_MS, three_minutes

pytestmark = pytest.mark.integration


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def start(home: Path, **settings: object) -> asyncio.subprocess.Process:
    given = {f"CRYPTOVIZ_SIMULATOR_{name}": str(text) for name, text in settings.items()}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulator",
        env={**os.environ, "CRYPTOVIZ_HOME": str(home), **given},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def listening(port: int) -> None:
    async with asyncio.timeout(20), httpx.AsyncClient(trust_env=False) as client:
        while True:
            try:
                (await client.get(f"http://127.0.0.1:{port}/api/v3/ping")).raise_for_status()
            except httpx.TransportError:
                await asyncio.sleep(0.05)
            else:
                return


async def stopped(process: asyncio.subprocess.Process) -> int:
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(10):
        return await process.wait()


async def played(home: Path, port: int, count: int) -> list[int]:
    """Ids of the first trades after a start of the process, which is then stopped."""
    process = await start(home, PORT=port, SPEED=600, SEED=3)
    await listening(port)
    async with connect(
        f"ws://127.0.0.1:{port}/stream?streams=btcusdt@aggTrade", max_queue=None
    ) as stream:
        async with asyncio.timeout(10):
            ids = [json.loads(await stream.recv())["data"]["a"] for _ in range(count)]
        assert await stopped(process) == 0
    return ids


async def test_sigterm_persists_the_clock_and_the_next_start_goes_on_with_the_next_trade(
    tmp_path: Path,
) -> None:
    port = free_port()
    first = await played(tmp_path, port, 300)
    anchor = Anchor.read(tmp_path / "clock.json")
    assert not anchor.running
    second = await played(tmp_path, port, 300)
    assert first == list(range(1, 301))
    assert second == list(range(second[0], second[0] + 300))
    assert second[0] > 300
    assert Anchor.read(tmp_path / "clock.json").scenario_ms > anchor.scenario_ms


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"SCENARIO": "nope"}, ["no scenario nope", "market", "bars"]),
        ({"SPEED": "fast", "PORT": "99999"}, ["SIMULATOR_SPEED", "SIMULATOR_PORT"]),
        ({"SCENARIO": "bars", "BARS": "BTCUSD=absent.csv"}, ["absent.csv", "cannot be read"]),
    ],
)
async def test_wrong_settings_are_printed_and_exit_2(
    tmp_path: Path, settings: dict[str, str], words: list[str]
) -> None:
    process = await start(tmp_path, **settings)
    _, printed = await process.communicate()
    assert process.returncode == 2
    assert all(word in printed.decode() for word in words)


async def test_bars_are_played_from_a_file_and_their_end_is_logged(tmp_path: Path) -> None:
    path, port = three_minutes(tmp_path / "bars.csv"), free_port()
    process = await start(
        tmp_path, PORT=port, SCENARIO="bars", BARS=f"BTCUSD={path}", SPEED=600, FROM_MS=START_MS
    )
    await listening(port)
    async with connect(f"ws://127.0.0.1:{port}/stream?streams=btcusd@aggTrade") as stream:
        assert json.loads(await asyncio.wait_for(stream.recv(), 10))["data"]["p"] == "20000.1"
        assert process.stdout is not None
        async with asyncio.timeout(10):
            while b"scenario_over" not in await process.stdout.readline():
                pass
    assert await stopped(process) == 0


async def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = await start(tmp_path, PORT=port)
        _, printed = await process.communicate()
    assert process.returncode == 1
    assert f"port {port}" in printed.decode()
