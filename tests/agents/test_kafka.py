"""Publisher and memory on a real broker."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from agents import publisher as publisher_module
from agents.memory import FIRST_WINDOW_RECORDS, KafkaTail, LastPosition, Memory, read_back
from agents.publisher import KafkaPublisher
from agents.sources.binance_trades import BinanceTrades
from market.errors import Fatal
from schemas.codec import decode
from schemas.record_types import TRADE, RecordType
from stack.ports import free_port
from tests.agents.fakes import settings, trade_frame

pytestmark = pytest.mark.integration

SOURCE = BinanceTrades(settings())
RULE = LastPosition("binance", ("symbol",), "trade_id")


@pytest.fixture
def topic(kafka_server: Any, request: pytest.FixtureRequest) -> Iterator[RecordType]:
    """Trades on a topic of this test's own."""
    name = f"trades-{abs(hash(request.node.name))}"
    admin = AdminClient({"bootstrap.servers": kafka_server.bootstrap})
    admin.create_topics([NewTopic(name, 2, 1)])[name].result()
    yield RecordType(
        name="trade", topic=name, versions=TRADE.versions, identity=TRADE.identity, key=TRADE.key
    )
    admin.delete_topics([name])[name].result()


def trades(symbol: str, count: int) -> list[Any]:
    return [
        trade
        for trade_id in range(1, count + 1)
        for trade in SOURCE.parse_frame(trade_frame(symbol, trade_id), 1)
    ]


def recalled(bootstrap: str, topic: RecordType, *symbols: str) -> Memory:
    with closing(KafkaTail(bootstrap, topic)) as tail:
        return read_back(tail, RULE, expected=[(symbol,) for symbol in symbols])


def stored(bootstrap: str, topic: RecordType) -> list[tuple[str, int]]:
    with closing(KafkaTail(bootstrap, topic)) as tail:
        found = [
            decode(payload)[1]
            for partition, (begin, end) in tail.bounds().items()
            for payload in tail.read(partition, begin, end)
        ]
    return [(trade["symbol"], trade["trade_id"]) for trade in found]


async def test_each_market_is_stored_once_in_order_also_through_a_queue_that_is_too_small(
    kafka_server: Any, topic: RecordType, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(publisher_module, "QUEUE_RECORDS", 50)
    publisher = KafkaPublisher(kafka_server.bootstrap, name="test")
    both = [
        pair
        for pairs in zip(trades("BTCUSDT", 3000), trades("ETHUSDT", 3000), strict=True)
        for pair in pairs
    ]
    assert await publisher.publish(topic, both) == []
    await publisher.drained()
    assert (publisher.acknowledged, publisher.pending) == (6000, 0)
    found = stored(kafka_server.bootstrap, topic)
    for symbol in ("BTCUSDT", "ETHUSDT"):
        assert [trade_id for name, trade_id in found if name == symbol] == list(range(1, 3001))


async def test_the_topic_is_the_memory_also_of_a_market_far_back(
    kafka_server: Any, topic: RecordType
):
    publisher = KafkaPublisher(kafka_server.bootstrap, name="test")
    await publisher.publish(topic, trades("ETHUSDT", 7))
    await publisher.publish(topic, trades("BTCUSDT", 2 * FIRST_WINDOW_RECORDS))
    await publisher.drained()
    memory = recalled(kafka_server.bootstrap, topic, "BTCUSDT", "ETHUSDT")
    assert memory.last == {("BTCUSDT",): 2 * FIRST_WINDOW_RECORDS, ("ETHUSDT",): 7}


async def test_windows_before_the_tail_are_read_whole_however_often(
    kafka_server: Any, topic: RecordType
):
    publisher = KafkaPublisher(kafka_server.bootstrap, name="test")
    await publisher.publish(topic, trades("BTCUSDT", 3_000))
    await publisher.drained()
    with closing(KafkaTail(kafka_server.bootstrap, topic)) as tail:
        (partition,) = (number for number, (_, end) in tail.bounds().items() if end)
        for start in [2_000, 1_000, 0] * 10:
            assert len(list(tail.read(partition, start, start + 1_000))) == 1_000


def test_an_empty_topic_is_read_at_once(kafka_server: Any, topic: RecordType):
    assert recalled(kafka_server.bootstrap, topic, "BTCUSDT").last == {}


async def test_a_record_that_does_not_fit_is_given_back_and_its_neighbours_are_stored(
    kafka_server: Any, topic: RecordType
):
    publisher = KafkaPublisher(kafka_server.bootstrap, name="test")
    first, bad, last = trades("BTCUSDT", 3)
    (rejected,) = await publisher.publish(topic, [first, {**bad, "trade_id": 2**63}, last])
    await publisher.drained()
    assert rejected.reason == "impossible_value"
    assert stored(kafka_server.bootstrap, topic) == [("BTCUSDT", 1), ("BTCUSDT", 3)]


async def test_a_delivery_that_fails_ends_the_agent_and_is_not_counted(
    kafka_server: Any, topic: RecordType, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(publisher_module, "DELIVERY_PATIENCE_S", 1)
    publisher = KafkaPublisher("127.0.0.1:1", name="test")
    await publisher.publish(topic, trades("BTCUSDT", 2))
    with pytest.raises(Fatal, match="did not take a record"):
        await publisher.watch()
    assert publisher.acknowledged == 0


@asynccontextmanager
async def reachable_at(port: int, bootstrap: str) -> AsyncIterator[None]:
    """The broker also at another port of this computer."""
    host, broker_port = bootstrap.split(":")

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        broker_reader, broker_writer = await asyncio.open_connection(host, int(broker_port))
        await asyncio.gather(pump(reader, broker_writer), pump(broker_reader, writer))

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(65_536):
            writer.write(piece)
        writer.close()

    async with await asyncio.start_server(forward, "127.0.0.1", port):
        yield


async def test_kafka_back_after_the_patience_is_given_no_trade_without_those_before_it(
    kafka_server: Any, topic: RecordType, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(publisher_module, "DELIVERY_PATIENCE_S", 3)
    port = free_port()
    publisher = KafkaPublisher(f"127.0.0.1:{port}", name="test")
    first, second = trades("BTCUSDT", 2)
    await publisher.publish(topic, [first])
    await asyncio.sleep(2.7)
    await publisher.publish(topic, [second])
    with pytest.raises(Fatal, match="did not take a record"):
        await publisher.watch()
    async with reachable_at(port, kafka_server.bootstrap):
        await asyncio.to_thread(publisher.flush, 10)
    assert stored(kafka_server.bootstrap, topic) == [("BTCUSDT", 1), ("BTCUSDT", 2)]


def test_a_topic_that_does_not_exist_is_fatal_and_says_what_to_check(
    kafka_server: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("agents.memory.KAFKA_PATIENCE_S", 0.0)
    absent = RecordType(name="trade", topic="absent", versions=TRADE.versions, identity=(), key=())
    with pytest.raises(Fatal, match="CRYPTOVIZ_KAFKA_BOOTSTRAP"):
        recalled(kafka_server.bootstrap, absent, "BTCUSDT")
