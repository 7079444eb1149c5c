"""Faults of the trade stream over real WebSocket clients; what was suffered is in the log."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from simulator.binance_stream import StreamTimes
from simulator.scenario import Trade
from tests.simulator.builders import NOON_MS, Hands, market_scenario, simulation
from tests.simulator.conftest import Running, Serve

pytestmark = pytest.mark.integration
FAST = StreamTimes(tick_s=0.005, ping_s=0.2, pong_within_s=2.0)
NAMES = ("btcusdt@aggTrade", "ethusdt@aggTrade")


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
async def running(serve: Serve, tmp_path: Path, hands: Hands) -> Running:
    return await serve(simulation(market_scenario(), tmp_path, hands=hands), FAST)


def following(running: Running) -> connect:
    return connect(running.stream(*NAMES), max_queue=None, ping_interval=None, close_timeout=0.5)


async def begin(running: Running, kind: str, **options: object) -> None:
    answer = await running.http.post("/control/faults", json={"kind": kind, **options})
    assert answer.status_code == 201, answer.text


async def applied(running: Running) -> list[dict[str, Any]]:
    entries = (await running.http.get("/control/log")).json()["entries"]
    return [entry["what"] for entry in entries if entry["event"] == "applied"]


async def play(running: Running, hands: Hands, socket: ClientConnection) -> list[dict[str, Any]]:
    """Three scenario minutes, and all that came of them."""
    await socket.ping()
    hands.seconds += 3
    await asyncio.sleep(0.1)
    hands.seconds += 1.2
    frames = []
    while True:
        try:
            frames.append(json.loads(await asyncio.wait_for(socket.recv(), 0.4))["data"])
        except TimeoutError:
            return frames


def truth(running: Running) -> list[Trade]:
    trades = running.simulation.scenario.all_trades(NOON_MS - 1, running.simulation.now_ms())
    return [trade for trade in trades if f"{trade.symbol.lower()}@aggTrade" in NAMES]


def identities(frames: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(frame["s"], frame["a"]) for frame in frames]


async def test_skipped_ids_are_those_of_the_log_and_rest_has_them(
    running: Running, hands: Hands
) -> None:
    await begin(running, "skip_ids", share=0.2, seconds=60)
    async with following(running) as socket:
        received = identities(await play(running, hands, socket))
    skipped = [(what["symbol"], what["trade_id"]) for what in await applied(running)]
    assert skipped
    assert sorted(received + skipped) == sorted((t.symbol, t.trade_id) for t in truth(running))
    page = await running.http.get(
        "/api/v3/aggTrades", params={"symbol": "BTCUSDT", "fromId": 1, "limit": 1_000}
    )
    ids = [trade["a"] for trade in page.json()]
    assert ids == list(range(1, len(ids) + 1))


async def test_what_upstream_lacks_is_neither_in_rest_nor_in_the_truth(
    running: Running, hands: Hands
) -> None:
    await begin(running, "skip_ids", share=0.2, seconds=60, also_rest=True, symbol="BTCUSDT")
    async with following(running) as socket:
        received = identities(await play(running, hands, socket))
    skipped = {what["trade_id"] for what in await applied(running)}
    assert skipped
    held = [trade_id for symbol, trade_id in received if symbol == "BTCUSDT"]
    page = await running.http.get(
        "/api/v3/aggTrades", params={"symbol": "BTCUSDT", "fromId": 1, "limit": 1_000}
    )
    assert [trade["a"] for trade in page.json()] == held
    answer = await running.http.get("/control/published?kind=trades&symbol=BTCUSDT")
    ranges = answer.json()["ranges"]
    assert [i for _, first, last in ranges for i in range(first, last + 1)] == held


async def test_the_same_seed_skips_the_same_ids_on_every_connection(
    running: Running, hands: Hands
) -> None:
    await begin(running, "skip_ids", share=0.1, seconds=60, seed=5)
    async with following(running) as one, following(running) as other:
        await other.ping()
        first = identities(await play(running, hands, one))
        second = [
            (frame["s"], frame["a"])
            for frame in [json.loads(await other.recv())["data"] for _ in range(len(first))]
        ]
    assert first == second
    assert len(first) < len(truth(running))


async def test_duplicates_add_nothing_new(running: Running, hands: Hands) -> None:
    await begin(running, "duplicate", share=0.3, seconds=60)
    async with following(running) as socket:
        received = identities(await play(running, hands, socket))
    expected = [(t.symbol, t.trade_id) for t in truth(running)]
    assert list(dict.fromkeys(received)) == expected
    assert len(received) == len(expected) + len(await applied(running))


async def test_reordered_trades_are_all_there_and_late_by_no_more_than_asked(
    running: Running, hands: Hands
) -> None:
    await begin(running, "reorder", within_ms=2_000, seconds=60)
    async with following(running) as socket:
        received = await play(running, hands, socket)
    ids = identities(received)
    newest_ms, late = 0, []
    for frame in received:
        newest_ms = max(newest_ms, frame["T"])
        late.append(newest_ms - frame["T"])
    assert 0 < max(late) <= 2_000 + 60_000
    expected = [(t.symbol, t.trade_id) for t in truth(running)]
    assert ids != expected[: len(ids)]
    assert len(set(ids)) == len(ids)
    missing = set(expected) - set(ids)
    now_ms = running.simulation.now_ms()
    by_id = {(t.symbol, t.trade_id): t.traded_at_ms for t in truth(running)}
    assert all(by_id[one] > now_ms - 2_001 for one in missing)


async def test_a_silent_symbol_leaves_the_others_talking(running: Running, hands: Hands) -> None:
    await begin(running, "symbol_silent", symbol="BTCUSDT", seconds=60)
    async with following(running) as socket:
        received = identities(await play(running, hands, socket))
    assert {symbol for symbol, _ in received} == {"ETHUSDT"}
    expected = [(t.symbol, t.trade_id) for t in truth(running) if t.symbol == "ETHUSDT"]
    assert received == expected


async def test_skewed_clocks_move_both_times_of_a_frame(running: Running, hands: Hands) -> None:
    await begin(running, "clock_skew", skew_ms=-90_000, count=4)
    async with following(running) as socket:
        received = await play(running, hands, socket)
    expected = truth(running)
    shifts = [f["T"] - t.traded_at_ms for f, t in zip(received, expected, strict=True)]
    assert shifts == [-90_000] * 4 + [0] * (len(expected) - 4)
    assert [f["E"] for f in received] == [f["T"] for f in received]


async def test_a_cut_socket_ends_without_a_close_and_the_next_one_serves(
    running: Running, hands: Hands
) -> None:
    async with following(running) as socket:
        await socket.ping()
        await begin(running, "socket_cut")
        with pytest.raises(ConnectionClosed) as caught:
            await asyncio.wait_for(socket.recv(), 5)
        assert caught.value.rcvd is None
    async with following(running) as socket:
        assert identities(await play(running, hands, socket))


async def test_serversshutdown_is_announced_before_the_cut(running: Running, hands: Hands) -> None:
    async with following(running) as socket:
        await socket.ping()
        await begin(running, "server_shutdown", after_s=0.3)
        said = json.loads(await asyncio.wait_for(socket.recv(), 5))
        assert said == {"e": "serverShutdown", "E": running.simulation.now_ms()}
        hands.seconds += 1
        assert json.loads(await asyncio.wait_for(socket.recv(), 5))["data"]["a"] == 1
        async with asyncio.timeout(5):
            await socket.wait_closed()
        assert socket.close_code == 1006


async def test_a_silent_socket_neither_talks_nor_pongs_nor_closes(
    running: Running, hands: Hands
) -> None:
    async with following(running) as socket:
        await socket.ping()
        await begin(running, "socket_silent")
        await asyncio.sleep(0.15)
        hands.seconds += 3
        pong = await socket.ping()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.recv(), 1.0)
        assert not pong.done()
        began = asyncio.get_running_loop().time()
    # The client's own close timeout ends it, not an answer of ours.
    assert asyncio.get_running_loop().time() - began >= 0.4
    async with following(running) as socket:
        assert identities(await play(running, hands, socket))


async def test_stopped_faults_leave_the_stream_alone(running: Running, hands: Hands) -> None:
    await begin(running, "skip_ids", share=1.0, seconds=600)
    await running.http.delete("/control/faults")
    async with following(running) as socket:
        received = identities(await play(running, hands, socket))
    assert received == [(t.symbol, t.trade_id) for t in truth(running)]
