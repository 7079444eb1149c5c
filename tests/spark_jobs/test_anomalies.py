"""The job over the real Kafka: the same episodes however it is cut or killed, poison or not."""

import csv
import random
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import httpx
import orjson
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from pydantic import SecretStr
from pyspark.errors import StreamingQueryException
from pyspark.sql import DataFrame

from market.clock import WallClock
from market.store.stamps import stamp_ns
from schemas.codec import decode, encode
from schemas.record_types import ANOMALY, PRICE, SOURCE_HEALTH, TRADE
from spark_jobs import anomalies
from spark_jobs.anomalies import QUERIES, batch_writer, sinkable
from spark_jobs.settings import SparkSettings
from spark_jobs.transforms.anomalies.seconds import GIVEN, RANKING, SOURCES
from stack.topic import read_topic
from tests.schemas.test_codec import sample
from tests.spark_jobs.builders import START_MS, a_trade
from tests.spark_jobs.test_kafka_source import POISON
from tests.spark_jobs.transforms.anomalies.builders import a_second, in_ranking, revisions

pytestmark = pytest.mark.integration

SECONDS = 1_800
Record = dict[str, Any]
KINDS = (TRADE, PRICE, SOURCE_HEALTH)


def trades() -> list[Record]:
    """Half an hour of bitcoin on two markets: a jump of 8 % after ten minutes, a depeg after 20."""
    rng = random.Random(8)
    found = []
    for at_s in range(0, SECONDS, 2):
        for number, (symbol, quote) in enumerate([("BTCUSDT", "USDT"), ("BTCUSDC", "USDC")]):
            price = 20_000.0 * (1.08 if 600 <= at_s < 900 else 1.0)
            price *= 1.03 if quote == "USDC" and at_s >= 1_200 else 1.0
            found.append(
                a_trade(
                    at_s,
                    symbol=symbol,
                    quote=quote,
                    price=price + rng.randrange(10),
                    quantity=rng.randrange(1, 64) / 64,
                    aggressor=rng.choice(["buy", "sell"]),
                    traded_at_ms=START_MS + at_s * 1000 + 100 * number,
                    collected_at_ms=START_MS + at_s * 1000 + 300,
                )
            )
    return found


def prices() -> list[Record]:
    """Two coins a minute; the second passes the first after a quarter of an hour."""
    return [
        sample(
            PRICE,
            source="coingecko",
            coin_id=coin,
            observed_at_ms=START_MS + 60_000 * n,
            collected_at_ms=START_MS + 60_000 * n + 1_500,
            market_cap_usd=cap + (3e9 if coin == "monero" and n > 15 else 0.0),
        )
        for n in range(SECONDS // 60)
        for coin, cap in (("stellar", 9e9), ("monero", 8e9))
    ]


def heartbeats() -> list[Record]:
    """One agent; for five minutes it names a silent market."""
    return [
        sample(
            SOURCE_HEALTH,
            source="binance_trades",
            observed_at_ms=START_MS + 10_000 * n,
            collected_at_ms=START_MS + 10_000 * n,
            state="running",
            last_success_at_ms=START_MS + 10_000 * n,
            silent_symbols=["ETHUSDT"] if 30 <= n < 60 else [],
        )
        for n in range(SECONDS // 10)
    ]


@pytest.fixture(scope="module")
def topics(kafka_server) -> None:
    """Each kind's records alone, and the same with poison before every few of them."""
    admin = AdminClient({"bootstrap.servers": kafka_server.bootstrap})
    names = [f"{suffix}-{kind.topic}" for kind in KINDS for suffix in ("pure", "poisoned")]
    config = {"max.message.bytes": "2000000"}
    for made in admin.create_topics([NewTopic(one, 1, 1, config=config) for one in names]).values():
        made.result(30)
    producer = Producer(
        {"bootstrap.servers": kafka_server.bootstrap, "message.max.bytes": 2_000_000}
    )
    poison = [held for held, _ in POISON.values()]
    for kind, records in zip(KINDS, (trades(), prices(), heartbeats()), strict=True):
        every = len(records) // len(poison)
        for number, record in enumerate(records):
            payload = encode(kind, record)
            producer.produce(f"pure-{kind.topic}", payload, key=b"k")
            if number % every == 0 and number // every < len(poison):
                producer.produce(f"poisoned-{kind.topic}", poison[number // every], key=b"k")
            producer.produce(f"poisoned-{kind.topic}", payload, key=b"k")
            producer.poll(0)
    assert producer.flush(30) == 0


class Sink:
    """What the job was given to write: newest line of each point, records by identity."""

    def __init__(self) -> None:
        self.lines: dict[tuple[str, str], str] = {}
        self.records: dict[tuple[str, int], Record] = {}
        self.differences: list[tuple[str, int]] = []

    def write(self, _writer: Any, _bucket: str, lines: Iterable[str], **_: Any) -> None:
        for line in lines:
            head, _, at_ns = line.rpartition(" ")
            self.lines[head.split(" ")[0], at_ns] = head

    def send(self, _kind: Any, records: Iterable[Record]) -> None:
        for record in records:
            identity = record["anomaly_id"], record["revision"]
            told = {name: one for name, one in record.items() if name != "coordinates"}
            if self.records.get(identity, told) != told:
                self.differences.append(identity)
            self.records[identity] = told


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> Sink:
    held = Sink()
    monkeypatch.setattr("spark_jobs.influx_sink.write_lines", held.write)
    monkeypatch.setattr("spark_jobs.anomalies.RecordProducer", lambda _settings: held)
    return held


@pytest.fixture
def run(spark, kafka_server, tmp_path, topics, monkeypatch) -> Iterator[Any]:
    """Runs the shipped query over topics until all is read, with so many records a batch."""

    def until_read(prefix: str, name: str, *, at_most: int = 1_000_000) -> SparkSettings:
        for kind in KINDS:
            own = replace(kind, topic=f"{prefix}-{kind.topic}")
            monkeypatch.setattr(anomalies, kind.name.upper(), own)
        settings = SparkSettings(
            home=tmp_path, kafka_bootstrap=kafka_server.bootstrap, influx_write_token="none"
        ).model_copy(update={"spark_max_offsets_per_trigger": at_most})
        (query,) = QUERIES
        started = replace(query, name=name, trigger_ms=50).start(spark, settings)
        try:
            started.processAllAvailable()
        finally:
            started.stop()
        return settings

    return until_read


@pytest.fixture
def whole(run, sink: Sink) -> Sink:
    """All in one batch."""
    run("pure", "whole")
    held = Sink()
    held.lines, held.records = dict(sink.lines), dict(sink.records)
    sink.lines.clear()
    sink.records.clear()
    return held


def test_what_happened_is_found_in_trades_snapshots_and_heartbeats(whole):
    opened = [one for one in whole.records.values() if one["phase"] == "opened"]
    found = {(one["kind"], one["symbol"] or one["coin_id"]) for one in opened}
    assert found >= {
        ("price_move", "BTCUSDT"),
        ("price_move", "BTCUSDC"),
        ("divergence", "BTCUSDC"),
        ("overtake", "monero"),
        ("silence", "ETHUSDT"),
    }
    divergence = next(one for one in opened if one["kind"] == "divergence")
    assert divergence["started_at_ms"] // 1000 == START_MS // 1000 + 1_200
    assert divergence["value"] == pytest.approx(3.0, abs=0.1)


def test_small_batches_a_repeated_one_and_a_new_driver_change_nothing(run, sink, whole):
    settings = run("pure", "cut", at_most=600)
    folder = settings.checkpoints / "cut-v1" / "commits"
    newest = max(folder.glob("[0-9]*"), key=lambda file: int(file.name))
    assert int(newest.name) > 2
    newest.unlink()
    newest.with_name(f".{newest.name}.crc").unlink(missing_ok=True)
    with suppress(StreamingQueryException):  # Spark fails once after a repeated batch: SPARK-57438
        run("pure", "cut", at_most=600)
    run("pure", "cut", at_most=600)
    assert sink.differences == []
    assert sink.records == whole.records
    assert sink.lines.keys() == whole.lines.keys()


def test_poison_changes_nothing_beside_it(run, sink, whole):
    run("poisoned", "poisoned", at_most=600)

    def told(records: dict[Any, Record]) -> dict[Any, Record]:
        return {key: one for key, one in records.items() if one["kind"] != "volume"}

    assert told(sink.records) == told(whole.records)


@pytest.fixture
def given_rows(spark) -> DataFrame:
    moved = revisions([a_second(0), a_second(10, 106.0), a_second(11, 112.0), a_second(90, 112.0)])
    rows = [tuple(row[name] for name in GIVEN.names) for row in moved]
    assert [row["phase"] for row in moved] == ["opened", "peaked", "resolved"]
    return spark.createDataFrame(rows, GIVEN).coalesce(1)


def test_an_episode_is_one_point_of_its_newest_revision_and_a_record_a_revision(
    given_rows, influx_server, kafka_server
):
    settings = SimpleNamespace(
        influx_url=influx_server.url,
        influx_org=influx_server.org,
        influx_bucket=influx_server.bucket,
        influx_speed_bucket=influx_server.speed_bucket,
        influx_write_token=SecretStr(influx_server.write_token),
        kafka_bootstrap=kafka_server.bootstrap,
        clock=WallClock,
    )
    write = batch_writer(settings)
    for epoch in range(2):
        write(sinkable(given_rows, settings), epoch)
    records = [decode(one.value())[1] for one in read_topic(kafka_server.bootstrap, ANOMALY.topic)]
    assert [one["revision"] for one in records] == [1, 2, 3] * 2
    assert records[2]["trade_ids"]
    assert records[2]["coordinates"]
    last = records[2]
    stamp = stamp_ns(last["started_at_ms"], last["anomaly_id"])
    point = stored(influx_server, stamp)
    assert point["phase"] == "resolved"
    assert point["revision"] == 3
    assert orjson.loads(point["trade_ids"]) == last["trade_ids"]


def stored(influx_server, stamp: int) -> dict[str, Any]:
    """The one point of that nanosecond; other tests have others."""
    flux = (
        f'from(bucket: "{influx_server.speed_bucket}") |> range(start: 0)'
        ' |> filter(fn: (r) => r._measurement == "crypto_anomalies")'
        ' |> filter(fn: (r) => contains(value: r._field, set: ["phase", "trade_ids"]))'
        ' |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")'
        " |> map(fn: (r) => ({phase: r.phase, trade_ids: r.trade_ids, at: int(v: r._time)}))"
    )
    revision = flux.replace('["phase", "trade_ids"]', '["revision"]').replace(
        "phase: r.phase, trade_ids: r.trade_ids", "revision: r.revision"
    )
    (text,) = (row for row in _asked(influx_server, flux) if int(row["at"]) == stamp)
    (number,) = (row for row in _asked(influx_server, revision) if int(row["at"]) == stamp)
    return {**text, "revision": int(number["revision"])}


def _asked(influx_server, flux: str) -> list[dict[str, str]]:
    response = httpx.post(
        f"{influx_server.url}/api/v2/query",
        params={"org": influx_server.org},
        headers={
            "Authorization": f"Token {influx_server.read_token}",
            "Content-Type": "application/vnd.flux",
        },
        content=flux,
    )
    response.raise_for_status()
    return [row for row in csv.DictReader(response.text.splitlines()) if row.get("at")]


def test_the_keys_that_see_everything_are_nobody_s_coin():
    assert RANKING.startswith("_")
    assert SOURCES.startswith("_")
    assert in_ranking([]) == []
