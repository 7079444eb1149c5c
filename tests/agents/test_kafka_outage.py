"""Kafka stands still while a market trades on: bounded memory, no loss, and a gap that says so."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from typing import Any

import psutil
import pytest

from agents import buffer
from agents import publisher as publisher_module
from agents.gaps import GapLedger
from agents.intake import Intake
from agents.memory import KafkaTail
from agents.mending import Mender
from agents.publisher import KafkaPublisher
from agents.repair import TradePages
from agents.sequence import TradeSequence
from agents.sources.binance_trades import BinanceTrades
from agents.stream import StreamRunner
from schemas.codec import decode
from schemas.record_types import GAP, RecordType
from tests.agents.fakes import FakeClock, FakeHttp, FakeVenue, settings, trade_frame
from tests.agents.test_kafka import stored, topic

pytestmark = pytest.mark.integration
__all__ = ["topic"]

SYMBOL = "BTCUSDT"
TRADE_EVERY_S = 0.005
AWAY_S = 3.0
QUEUE_RECORDS, BUFFER_FRAMES, HOLD_BACK_S = 50, 20, 0.2


@contextmanager
def frozen(bootstrap: str) -> Iterator[None]:
    """The broker does nothing, as one whose computer is overloaded; its connections stay."""
    port = int(bootstrap.rpartition(":")[2])
    (pid,) = {
        one.pid
        for one in psutil.net_connections("tcp")
        if one.status == psutil.CONN_LISTEN and one.laddr.port == port
    }
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


class BusyMarket:
    """Its REST side, and a stream that brings each trade as it happens."""

    def __init__(self) -> None:
        self.rest = FakeVenue({SYMBOL: 0})

    @asynccontextmanager
    async def connect(self, url: str) -> AsyncIterator[Any]:
        assert SYMBOL.lower() in url
        yield self

    async def receive(self) -> bytes:
        await asyncio.sleep(TRADE_EVERY_S)
        self.rest.newest[SYMBOL] += 1
        return trade_frame(SYMBOL, self.rest.newest[SYMBOL])


def gaps(bootstrap: str, since: dict[int, tuple[int, int]]) -> list[dict[str, Any]]:
    with closing(KafkaTail(bootstrap, GAP)) as tail:
        return [
            decode(payload)[1]
            for partition, (_, end) in tail.bounds().items()
            for payload in tail.read(partition, since[partition][1], end)
        ]


async def test_an_outage_of_kafka_loses_and_doubles_nothing_and_stands_in_the_ledger_as_repaired(
    kafka_server: Any, topic: RecordType, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(publisher_module, "QUEUE_RECORDS", QUEUE_RECORDS)
    monkeypatch.setattr(buffer, "BUFFER_FRAMES", BUFFER_FRAMES)
    monkeypatch.setattr(buffer, "HOLD_BACK_S", HOLD_BACK_S)
    bootstrap = kafka_server.bootstrap
    with closing(KafkaTail(bootstrap, GAP)) as tail:
        before = tail.bounds()
    source = BinanceTrades(settings(binance_symbols=SYMBOL))
    monkeypatch.setattr(source, "record_type", topic)
    clock, market = FakeClock(), BusyMarket()
    publisher = KafkaPublisher(bootstrap, name="test")
    intake = Intake(source, publisher=publisher, clock=clock)
    sequence = TradeSequence({SYMBOL: 0})
    pages = TradePages(
        source, upstream=FakeHttp(market.rest), intake=intake, clock=clock, max_pages=9
    )
    ledger = GapLedger("binance", coin_of=source.coin_of, now_ms=clock.now_ms)
    runner = StreamRunner(
        source,
        connect=market.connect,
        mender=Mender(pages=pages, intake=intake, sequence=sequence, ledger=ledger, newest_ms=None),
        intake=intake,
        sequence=sequence,
        clock=clock,
        unknown_since_ms=None,
    )
    running = asyncio.create_task(runner.run())
    await asyncio.sleep(1.0)
    with frozen(bootstrap):
        await asyncio.sleep(AWAY_S)
        most_held = publisher.pending + len(runner._line.buffer)  # type: ignore[union-attr]
    await asyncio.sleep(2.0)
    assert not running.done()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    await publisher.drained()

    assert most_held <= QUEUE_RECORDS + BUFFER_FRAMES
    held = [trade_id for _, trade_id in stored(bootstrap, topic)]
    assert held == list(range(1, sequence.last[SYMBOL] + 1))
    assert len(held) > AWAY_S / TRADE_EVERY_S / 2
    told = gaps(bootstrap, before)
    assert (told[0]["cause"], {gap["state"] for gap in told}) == ("kafka", {"repaired"})
    missed = sum(gap["repaired_trades"] for gap in told)
    assert missed == sum(gap["to_id"] - gap["from_id"] + 1 for gap in told) > 100
    assert runner.connections == 1
