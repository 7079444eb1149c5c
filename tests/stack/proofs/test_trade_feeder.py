"""The bench's feeder speaks the protocol that the agent speaks."""

import asyncio

import pytest
from websockets.asyncio.client import connect

from agents.sources.binance_trades import BinanceTrades
from market.errors import RecordRejected
from stack.proofs.trade_feeder import TradeFeeder
from tests.agents.fakes import settings

pytestmark = pytest.mark.integration


async def test_a_real_client_receives_every_trade_in_order_and_its_pong_is_measured():
    feeder = TradeFeeder(("BTCUSDT", "ETHUSDT"), 1_200)
    await feeder.start()
    source = BinanceTrades(settings())
    ids: dict[str, list[int]] = {"BTCUSDT": [], "ETHUSDT": []}
    async with connect(f"ws://127.0.0.1:{feeder.port}/stream?streams=x", compression=None) as line:
        for _ in range(1_200):
            (trade,) = source.parse_frame(await line.recv(decode=False), 1)
            assert not isinstance(trade, RecordRejected)
            ids[trade["symbol"]].append(trade["trade_id"])
        await asyncio.wait_for(await line.ping(), 5)
    feeder.stop()
    assert ids == {"BTCUSDT": list(range(1, 601)), "ETHUSDT": list(range(1, 601))}
    assert feeder.pings >= 1
    assert 0 <= feeder.pongs_s[0] < 5
