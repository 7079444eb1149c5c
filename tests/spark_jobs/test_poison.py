"""Poison through the real Kafka into every query that reads trades, each as it is shipped."""

import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from importlib import import_module
from itertools import chain
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from schemas.codec import decode, encode
from schemas.record_types import DEAD_LETTER, EXTERNAL_BAR, TRADE
from spark_jobs import JOBS, anomalies, bars, dead_letters, pulse
from spark_jobs.batches import epoch_ms
from spark_jobs.query import Query
from spark_jobs.settings import SparkSettings
from stack.topic import read_topic
from tests.spark_jobs.builders import START_MS, a_trade
from tests.spark_jobs.test_kafka_source import POISON

pytestmark = pytest.mark.integration

MODULES = [import_module(f"spark_jobs.{job}") for job in JOBS]
# Job pulse begins with the newest trades and only times them: test_pulse.py poisons it. Job
# anomalies reads three topics and waits 3 s for late trades: test_anomalies.py poisons it.
ON_THEIR_OWN = (pulse, anomalies)
TRADE_JOBS = [one for one in MODULES if hasattr(one, "TRADE") and one not in ON_THEIR_OWN]
READ_TRADES = {query.name: query for module in TRADE_JOBS for query in module.QUERIES}
GOOD = 600
STEP_MS = 3_100
# Some micro-batches come after the first poison, which is the one from the future.
AT_MOST = 150
Points = dict[tuple[str, str], str]


def good_trades() -> list[bytes]:
    """Half an hour of two markets, out of order by some seconds; their sums are exact."""
    rng = random.Random(4)
    trades = []
    for step in range(GOOD):
        symbol, coin_id = rng.choice([("BTCUSDC", "bitcoin"), ("ETHUSDC", "ethereum")])
        trades.append(
            a_trade(
                1_000 + step,
                symbol=symbol,
                coin_id=coin_id,
                price=float(rng.randrange(90, 110)),
                quantity=rng.randrange(1, 640) / 64,
                aggressor=rng.choice(["buy", "sell"]),
                traded_at_ms=START_MS + step * STEP_MS,
            )
        )
    trades.sort(key=lambda trade: trade["traded_at_ms"] + rng.randrange(20_000))
    return [encode(TRADE, trade) for trade in trades]


def with_poison(good: list[bytes]) -> list[bytes | None]:
    """One poison before every so many trades, the one from the future first."""
    poison = [bytes_ for bytes_, _ in reversed(POISON.values())]
    every = len(good) // len(poison)
    cut = [good[n * every : (n + 1) * every] for n in range(len(poison))]
    pieces = ([bad, *held] for bad, held in zip(poison, cut, strict=True))
    return [*chain.from_iterable(pieces), *good[every * len(poison) :]]


class FakeProducer:
    """Takes the candles of `bars`."""

    def __init__(self, _settings: SparkSettings) -> None:
        """Nothing is open."""

    def send(self, _kind: Any, _records: list[Any]) -> None:
        """Nothing is kept: the lines say the same."""


@pytest.fixture
def points(monkeypatch: pytest.MonkeyPatch) -> Points:
    """What the sinks were given, by series and time; a later line of a point replaces it."""
    held: Points = {}

    def write(_writer: Any, _bucket: str, lines: Iterable[str], **_: Any) -> None:
        for line in lines:
            series, fields, at_ns = line.split(" ")
            held[series, at_ns] = fields

    monkeypatch.setattr("spark_jobs.influx_sink.write_lines", write)
    monkeypatch.setattr("spark_jobs.bars.RecordProducer", FakeProducer)
    return held


@pytest.fixture
def settings(tmp_path, kafka_server) -> SparkSettings:
    return SparkSettings(
        home=tmp_path, kafka_bootstrap=kafka_server.bootstrap, influx_write_token="none"
    ).model_copy(update={"spark_max_offsets_per_trigger": AT_MOST})


@pytest.fixture(scope="module")
def topics(kafka_server) -> None:
    """Topics of this test alone, with what each holds: trades, the same with poison, nothing."""
    good = good_trades()
    held = {"poison-no-bars": [], "poison-without": good, "poison-with": with_poison(good)}
    admin = AdminClient({"bootstrap.servers": kafka_server.bootstrap})
    config = {"max.message.bytes": "2000000"}
    for made in admin.create_topics([NewTopic(one, 1, 1, config=config) for one in held]).values():
        made.result(30)
    producer = Producer(
        {"bootstrap.servers": kafka_server.bootstrap, "message.max.bytes": 2_000_000}
    )
    for name, values in held.items():
        for value in values:
            producer.produce(name, value, key=b"k")
    assert producer.flush(30) == 0


Drain = Callable[[Query, str], dict[str, Any]]


@pytest.fixture
def drain(spark, settings, topics, monkeypatch) -> Drain:
    """Runs a query over a topic of trades until all is read; gives its progress."""
    monkeypatch.setattr(bars, "EXTERNAL_BAR", replace(EXTERNAL_BAR, topic="poison-no-bars"))

    def run(query: Query, topic: str) -> dict[str, Any]:
        trades = replace(TRADE, topic=topic)
        for module in TRADE_JOBS:
            monkeypatch.setattr(module, "TRADE", trades)
        monkeypatch.setattr(dead_letters, "AGENT_RECORD_TYPES", (trades,))
        started = replace(query, name=f"{query.name}-{topic}", trigger_ms=50).start(spark, settings)
        try:
            started.processAllAvailable()
            return started.lastProgress
        finally:
            started.stop()

    return run


@pytest.mark.parametrize("name", READ_TRADES)
def test_poison_changes_nothing_beside_it_and_does_not_drag_the_watermark(
    name, drain, points, settings
):
    clean = drain(READ_TRADES[name], "poison-without")
    expected = dict(points)
    points.clear()
    poisoned = drain(READ_TRADES[name], "poison-with")
    assert expected
    assert points == expected
    newest_ms = START_MS + (GOOD - 1) * STEP_MS - settings.watermark_delay_s() * 1_000
    assert epoch_ms(poisoned["eventTime"]["watermark"]) == newest_ms
    assert poisoned["eventTime"]["watermark"] == clean["eventTime"]["watermark"]


def test_every_poison_is_a_dead_letter_with_its_coordinates_and_nothing_else_is(drain, settings):
    drain(dead_letters.QUERIES[0], "poison-with")
    letters = [
        letter
        for message in read_topic(settings.kafka_bootstrap, DEAD_LETTER.topic)
        if (letter := decode(message.value())[1])["topic"] == "poison-with"
    ]
    reasons = [why for _, why in reversed(POISON.values())]
    every = GOOD // len(POISON) + 1
    assert {(one["partition"], one["offset"]): one["reason"] for one in letters} == {
        (0, n * every): why for n, why in enumerate(reasons)
    }
    assert len(letters) == len(POISON)
