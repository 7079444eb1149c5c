"""The gap ledger and the heartbeats on a real broker."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agents.__main__ import Agent, read_gaps
from agents.gaps import Gap, GapLedger
from agents.health import Condition
from agents.memory import KafkaTail, Memory
from agents.publisher import KafkaPublisher
from agents.sources.binance_klines import BinanceKlines
from agents.sources.binance_trades import BinanceTrades
from schemas.codec import decode
from schemas.record_types import GAP, SOURCE_HEALTH
from tests.agents.fakes import START_MS, FakeClock, FakeHttp, answer, settings

pytestmark = pytest.mark.integration


def ledger() -> GapLedger:
    return GapLedger("binance", coin_of=lambda symbol: "bitcoin", now_ms=lambda: START_MS)


async def test_open_gaps_are_read_back_by_the_next_process(kafka_server: Any):
    own = settings(kafka_bootstrap=kafka_server.bootstrap)
    publisher = KafkaPublisher(kafka_server.bootstrap, name="test")
    book = ledger()
    read_gaps(book, own)
    first = Gap("BTCUSDT", 5, 9, 1, 2, "restart")
    second = Gap("ETHUSDT", 50, 90, 1, 2, "kafka")
    for records in (book.opened(first), book.opened(second), book.repaired(first, 5)):
        await publisher.publish(GAP, records)
    await publisher.publish(GAP, book.progressed(second, 7, next_id=57))
    await publisher.drained()
    again = ledger()
    read_gaps(again, own)
    assert again.open_gaps == book.open_gaps
    assert again.open_gaps[-1].repaired_trades == 7


async def test_an_agent_s_heartbeat_is_kept_on_its_topic(kafka_server: Any, tmp_path: Path):
    own = settings(kafka_bootstrap=kafka_server.bootstrap, home=tmp_path)
    source = BinanceTrades(own)
    publisher = KafkaPublisher(kafka_server.bootstrap, name="test")
    agent = Agent(source, own, FakeClock(), Memory(source.memory), publisher)
    beat = agent.heart.record(Condition(degraded_because="no connection"))
    await publisher.publish(SOURCE_HEALTH, [beat])
    await publisher.drained()
    with closing(KafkaTail(kafka_server.bootstrap, SOURCE_HEALTH)) as tail:
        tail.settle()
        found = [
            decode(payload)[1]
            for partition, (begin, end) in tail.bounds().items()
            for payload in tail.read(partition, begin, end)
        ]
    assert beat in found
    assert beat["minute_calls_left"] == 600


async def test_the_last_heartbeat_of_an_agent_that_runs_once_says_done(
    kafka_server: Any, tmp_path: Path
):
    own = settings(kafka_bootstrap=kafka_server.bootstrap, home=tmp_path)
    source = BinanceKlines(own)
    publisher = KafkaPublisher(kafka_server.bootstrap, name="test")
    agent = Agent(source, own, FakeClock(), Memory(source.memory), publisher)
    agent.runner._upstream = FakeHttp(lambda request: answer(request, []))  # type: ignore[union-attr]
    await agent.work()
    await publisher.drained()
    with closing(KafkaTail(kafka_server.bootstrap, SOURCE_HEALTH)) as tail:
        found = [
            decode(payload)[1]
            for partition, (begin, end) in tail.bounds().items()
            for payload in tail.read(partition, begin, end)
        ]
    last = [beat for beat in found if beat["source"] == "binance_klines"][-1]
    assert (last["state"], last["reason"]) == ("done", None)
    assert last["last_success_at_ms"] is not None
