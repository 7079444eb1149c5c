"""The job on the real Kafka, Spark and InfluxDB: every kind of point, and poison stops nothing."""

import csv
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from confluent_kafka import Producer
from pyspark.sql.streaming.query import StreamingQuery

from market.clock import wall_ms
from market.store.measurements import QUALITY
from schemas.codec import encode, key_of
from schemas.record_types import (
    CANDLE,
    DEAD_LETTER,
    GAP,
    PRICE,
    SOURCE_HEALTH,
    TRADE,
    RecordType,
)
from spark_jobs import candles, pulse
from spark_jobs.settings import SparkSettings
from tests.spark_jobs.builders import a_trade
from tests.spark_jobs.test_kafka_source import POISON

pytestmark = pytest.mark.integration

MINUTE = 60_000
SYMBOL = "PULSEUSDT"
READ = (GAP, SOURCE_HEALTH, CANDLE, PRICE, DEAD_LETTER, TRADE)
Point = dict[str, Any]


def blank(kind: RecordType, **facts: Any) -> Point:
    """A record of which only some fields matter."""
    zero = {"string": "", "long": 0, "int": 0, "double": 1.0, "bytes": b"", "boolean": False}
    record = {}
    for field in kind.latest["fields"]:
        of = field["type"]
        if isinstance(of, list):
            record[field["name"]] = None
        elif isinstance(of, dict):
            record[field["name"]] = [] if of["type"] == "array" else of["symbols"][0]
        else:
            record[field["name"]] = zero[of]
    return record | facts


def a_candle(close_ms: int, **facts: Any) -> Point:
    told = {"source": "binance", "symbol": SYMBOL, "coin_id": "pulse", "quote": "USDT"}
    times = {"open_time_ms": close_ms - MINUTE, "observed_at_ms": close_ms - 5_000}
    ids = {"interval": "1m", "first_trade_id": 1, "last_trade_id": 10, "coverage": 0.9}
    return blank(CANDLE, **told | times | ids | {"collected_at_ms": close_ms} | facts)


def a_gap(state: str, at_ms: int, **facts: Any) -> Point:
    told = {"source": "binance", "symbol": SYMBOL, "coin_id": "pulse", "from_id": 5, "to_id": 9}
    began_ms = at_ms // MINUTE * MINUTE
    times = {"from_ms": began_ms, "to_ms": began_ms + 9_000, "observed_at_ms": at_ms}
    return blank(GAP, **told | times | {"state": state, "collected_at_ms": at_ms} | facts)


def a_beat(at_ms: int, **facts: Any) -> Point:
    told = {"source": "binance_trades", "observed_at_ms": at_ms, "collected_at_ms": at_ms}
    return blank(SOURCE_HEALTH, **told | facts)


def a_letter(topic: str, reason: str, n: int) -> Point:
    now_ms = wall_ms()
    told = {"source": "pulse-test", "topic": topic, "reason": reason, "letter_id": f"pulse:{n}"}
    return blank(DEAD_LETTER, **told, observed_at_ms=now_ms, collected_at_ms=now_ms)


class Platform:
    """The job beside `candles`, on topics that others may have written to."""

    def __init__(self, spark, settings: SparkSettings, influx) -> None:
        self.settings = settings
        self.influx = influx
        self.producer = Producer(
            {"bootstrap.servers": settings.kafka_bootstrap, "message.max.bytes": 2_000_000}
        )
        self.queries: list[StreamingQuery] = [
            candles.QUERIES[0].start(spark, settings),
            pulse.QUERIES[0].start(spark, settings),
        ]
        self.settle()

    def settle(self) -> None:
        """Both have read all there is."""
        for query in self.queries:
            query.processAllAvailable()

    def tell(self, kind: RecordType, *records: Point) -> None:
        for record in records:
            self.producer.produce(kind.topic, encode(kind, record), key=key_of(kind, record))
        assert self.producer.flush(30) == 0

    def points(self, measurement: str, where: str) -> list[dict[str, str]]:
        """All points with their fields as text, of the speed bucket."""
        flux = (
            f'from(bucket: "{self.influx.speed_bucket}") |> range(start: 0)'
            f' |> filter(fn: (r) => r._measurement == "{measurement}" and {where})'
            ' |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value") |> group()'
        )
        answer = httpx.post(
            f"{self.influx.url}/api/v2/query",
            params={"org": self.influx.org},
            headers={
                "Authorization": f"Token {self.influx.read_token}",
                "Content-Type": "application/vnd.flux",
            },
            content=flux,
        )
        answer.raise_for_status()
        return [row for row in csv.DictReader(answer.text.splitlines()) if row.get("_time")]


@pytest.fixture(scope="module")
def platform(spark, kafka_server, influx_server, tmp_path_factory) -> Iterator[Platform]:
    settings = SparkSettings(
        home=tmp_path_factory.mktemp("pulse"),
        kafka_bootstrap=kafka_server.bootstrap,
        influx_url=influx_server.url,
        influx_org=influx_server.org,
        influx_bucket=influx_server.bucket,
        influx_speed_bucket=influx_server.speed_bucket,
        influx_seconds_bucket=influx_server.seconds_bucket,
        influx_write_token=influx_server.write_token,
        spark_trigger_ms=50,
    )
    running = Platform(spark, settings, influx_server)
    yield running
    for query in running.queries:
        query.stop()


def test_gaps_sources_quality_and_dead_letters_become_points(platform):
    end_ms = (wall_ms() - 300_000) // MINUTE * MINUTE
    platform.tell(CANDLE, a_candle(end_ms), a_candle(end_ms, interval="5m"))
    platform.tell(GAP, a_gap("open", end_ms - 9_000), a_gap("repaired", end_ms - 8_000))
    platform.tell(GAP, a_gap("open", end_ms - 7_000, from_id=20, to_id=29, repaired_trades=4))
    times = (end_ms - 5_000, end_ms + 120_000)
    silent = {"silent_symbols": ["AUSDT", "BUSDT"]}
    platform.tell(SOURCE_HEALTH, *(a_beat(at, state="running", **silent) for at in times))
    for n, (topic, reason) in enumerate([("crypto-trades", "truncated")] * 2 + [("x y", "what")]):
        platform.tell(DEAD_LETTER, a_letter(topic, reason, n))
    platform.settle()

    (row,) = platform.points("crypto_quality", f'r.symbol == "{SYMBOL}"')
    assert row["kind"] == "market"
    assert float(row["coverage"]) == pytest.approx(90.0)
    assert float(row["freshness"]) == 100.0
    assert float(row["repairs"]) == 65.0
    assert row["reason"] == "gaps of the last hour: 1 open, 1 repaired"
    assert set(QUALITY.fields) - set(row) == {"agreement"}

    gaps = platform.points("crypto_gaps", f'r.symbol == "{SYMBOL}"')
    told = sorted((int(row["from_id"]), row["state"], int(row["missing_trades"])) for row in gaps)
    assert told == [(5, "repaired", 0), (20, "open", 6)]

    source = platform.points("crypto_sources", 'r.source == "binance_trades"')[-1]
    assert (source["state"], source["silent_symbols"]) == ("running", "AUSDT,BUSDT")

    letters = platform.points("pipeline_health", 'r.kind == "dead_letters"')
    counted = {(row["topic"], row["reason"]): int(row["letters"]) for row in letters}
    assert counted["crypto-trades", "truncated"] >= 2
    assert counted["other", "other"] >= 1


def test_a_trade_is_timed_from_the_exchange_to_the_store(platform):
    give_up = time.monotonic() + 60
    n = 0
    while time.monotonic() < give_up:
        now_ms = wall_ms()
        trades = (
            a_trade(n + one, symbol=SYMBOL, traded_at_ms=now_ms - 100) | {"collected_at_ms": now_ms}
            for one in range(16)
        )
        platform.tell(TRADE, *trades)
        n += 16
        platform.settle()
        rows = platform.points("pipeline_health", 'r.kind == "latency" and r.stage == "whole"')
        if rows and int(rows[-1]["n"]) > 0:
            break
    assert int(rows[-1]["n"]) > 0
    assert float(rows[-1]["p50_ms"]) > 100
    agents = platform.points("pipeline_health", 'r.kind == "latency" and r.stage == "agent"')
    assert float(agents[-1]["p50_ms"]) == pytest.approx(100.0)


def test_poison_in_every_topic_that_it_reads_stops_nothing(platform):
    for kind in READ:
        for value, _reason in POISON.values():
            platform.producer.produce(kind.topic, value, key=b"poison")
    # Decodable, but of a time before the first block.
    platform.tell(GAP, a_gap("open", 1))
    assert platform.producer.flush(30) == 0
    platform.settle()
    end_ms = wall_ms() // MINUTE * MINUTE
    platform.tell(SOURCE_HEALTH, a_beat(end_ms, state="degraded", reason="after the poison"))
    platform.settle()
    assert all(query.isActive for query in platform.queries)
    rows = platform.points("crypto_sources", 'r.source == "binance_trades"')
    assert rows[-1]["reason"] == "after the poison"
