import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from market.clock import Anchor
from simulator.binance_stream import StreamTimes
from simulator.scenario import MINUTE_MS
from simulator.server import HOST
from tests.simulator.builders import (
    NOON_MS,
    START_MS,
    Hands,
    bars_scenario,
    market_scenario,
    simulation,
)
from tests.simulator.conftest import Running, Serve

pytestmark = pytest.mark.integration
FAST = StreamTimes(tick_s=0.005, ping_s=0.1, pong_within_s=0.3)


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
async def running(serve: Serve, tmp_path: Path, hands: Hands) -> Running:
    return await serve(simulation(market_scenario(), tmp_path, hands=hands))


def following(address: str) -> connect:
    """A client that reads all it is sent, so that its close does not wait behind frames."""
    return connect(address, max_queue=None, ping_interval=None)


async def frames(socket: ClientConnection, count: int) -> list[dict[str, Any]]:
    async with asyncio.timeout(10):
        return [json.loads(await socket.recv()) for _ in range(count)]


async def silent(socket: ClientConnection) -> bool:
    try:
        await asyncio.wait_for(socket.recv(), 0.3)
    except TimeoutError:
        return True
    return False


async def test_the_first_trade_subscriber_starts_the_clock(
    running: Running, tmp_path: Path
) -> None:
    async with following(running.stream("nope@aggTrade", "BTCUSDT@aggTrade")) as socket:
        assert await silent(socket)
        assert not running.simulation.clock.is_running
    async with following(running.stream("btcusdt@aggTrade")) as socket:
        await socket.ping()
        assert running.simulation.clock.is_running
    assert Anchor.read(tmp_path / "clock.json").running


async def test_frames_are_the_trades_in_time_order_in_the_vendors_fields(
    running: Running, hands: Hands
) -> None:
    names = ("btcusdt@aggTrade", "ethusdt@aggTrade", "nope@aggTrade", "solusdt@trade")
    async with following(running.stream(*names)) as socket:
        await socket.ping()
        hands.seconds += 3
        expected = [
            trade
            for trade in running.simulation.scenario.all_trades(NOON_MS - 1, NOON_MS + 180_000)
            if trade.symbol in {"BTCUSDT", "ETHUSDT"}
        ]
        received = await frames(socket, len(expected))
        assert await silent(socket)
    first = received[0]
    assert set(first) == {"stream", "data"}
    assert list(first["data"]) == ["e", "E", "s", "a", "p", "q", "f", "l", "T", "m", "M"]
    assert first["stream"] == f"{first['data']['s'].lower()}@aggTrade"
    assert (first["data"]["e"], first["data"]["M"]) == ("aggTrade", True)
    assert [
        (f["data"]["s"], f["data"]["a"], f["data"]["p"], f["data"]["q"], f["data"]["T"],
         f["data"]["f"], f["data"]["l"], f["data"]["m"])
        for f in received
    ] == [
        (t.symbol, t.trade_id, t.price, t.quantity, t.traded_at_ms,
         t.first_fill_id, t.last_fill_id, t.buyer_is_maker)
        for t in expected
    ]  # fmt: skip
    times = [frame["data"]["T"] for frame in received]
    assert times == sorted(times)


async def test_nothing_is_sent_before_its_time(running: Running, hands: Hands) -> None:
    async with following(running.stream("btcusdt@aggTrade")) as socket:
        await socket.ping()
        trades = running.simulation.scenario.minute_trades("BTCUSDT", NOON_MS // MINUTE_MS)
        hands.seconds += (trades[4].traded_at_ms - NOON_MS) / 60_000 + 1e-6
        due = sum(trade.traded_at_ms <= running.simulation.now_ms() for trade in trades)
        received = await frames(socket, due)
        assert await silent(socket)
    assert [frame["data"]["a"] for frame in received] == list(range(1, due + 1))


async def test_a_new_subscriber_starts_at_now_and_rest_has_the_rest(
    running: Running, hands: Hands
) -> None:
    running.simulation.clock.run()
    hands.seconds += 5
    async with following(running.stream("btcusdt@aggTrade")) as socket:
        await socket.ping()
        hands.seconds += 1
        first = (await frames(socket, 1))[0]["data"]["a"]
    page = await running.http.get(
        "/api/v3/aggTrades", params={"symbol": "BTCUSDT", "fromId": first - 900, "limit": 1_000}
    )
    assert [t["a"] for t in page.json() if t["a"] < first] == list(range(first - 900, first))


async def test_the_server_pings_and_an_answering_client_stays(
    serve: Serve, tmp_path: Path, hands: Hands
) -> None:
    served = await serve(simulation(market_scenario(), tmp_path, hands=hands), FAST)
    async with following(served.stream("btcusdt@aggTrade")) as socket:
        await asyncio.sleep(1.0)
        hands.seconds += 1
        assert (await frames(socket, 1))[0]["data"]["a"] == 1


async def raw_subscriber(running: Running) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A client that opens the WebSocket and then answers nothing."""
    reader, writer = await asyncio.open_connection(HOST, running.port)
    names = "/".join(f"{s.lower()}@aggTrade" for s in running.simulation.scenario.instruments)
    writer.write(
        f"GET /stream?streams={names} HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    assert b"101" in await reader.readline()
    return reader, writer


async def read_to_the_end(reader: asyncio.StreamReader) -> int:
    count = 0
    try:
        async with asyncio.timeout(10):
            while chunk := await reader.read(1 << 16):
                count += len(chunk)
    except ConnectionError:
        pass
    return count


async def test_a_client_without_pongs_is_cut(serve: Serve, tmp_path: Path, hands: Hands) -> None:
    served = await serve(simulation(market_scenario(), tmp_path, hands=hands), FAST)
    reader, writer = await raw_subscriber(served)
    assert await read_to_the_end(reader) > 0
    writer.close()


async def test_a_client_that_does_not_read_is_cut_and_held_in_bounded_memory(
    serve: Serve, tmp_path: Path, hands: Hands
) -> None:
    simulated = simulation(market_scenario(), tmp_path, hands=hands, max_lag_s=1.0)
    served = await serve(simulated, StreamTimes(tick_s=0.005, ping_s=0.2, pong_within_s=60))
    reader, writer = await raw_subscriber(served)
    for _ in range(40):
        hands.seconds += 60
        await asyncio.sleep(0.02)
    due = sum(len(simulated.minute_frames(NOON_MS // MINUTE_MS + k)) for k in range(60)) * 40 * 200
    assert await read_to_the_end(reader) < due / 4
    writer.close()


async def test_when_bars_run_out_the_stream_stays_open_and_silent(
    serve: Serve, tmp_path: Path, hands: Hands
) -> None:
    scenario = bars_scenario(tmp_path)
    served = await serve(simulation(scenario, tmp_path, hands=hands))
    async with following(served.stream("btcusdc@aggTrade")) as socket:
        await socket.ping()
        hands.seconds += 4
        expected = list(scenario.trades("BTCUSDC", START_MS - 1, START_MS + 10**9))
        received = await frames(socket, len(expected))
        hands.seconds += 3_600
        assert await silent(socket)
        await socket.ping()
    assert [frame["data"]["a"] for frame in received] == [trade.trade_id for trade in expected]
