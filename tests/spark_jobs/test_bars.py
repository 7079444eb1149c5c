"""The job's stream: the same output however it is cut, killed or repeated, and equal to a batch."""

import csv
import random
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from confluent_kafka import Consumer
from pydantic import SecretStr
from pyspark.errors import StreamingQueryException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from market.clock import WallClock
from market.store.measurements import CANDLES
from schemas.codec import decode
from schemas.record_types import CANDLE
from spark_jobs.bars import bar_analytics, batch_writer, sinkable
from spark_jobs.failures import reason_of
from spark_jobs.stateful import batch_stateful, stream_stateful
from spark_jobs.transforms.candles import candle_rows, with_event_time
from spark_jobs.transforms.market_analytics import GIVEN, ORDER, keyed_rows, open_core
from spark_jobs.transforms.market_bars import MarketBars
from spark_jobs.transforms.saved_state import packed
from tests.spark_jobs.builders import START_MS, a_bar_row, a_trade
from tests.spark_jobs.transforms.test_candles import SCHEMA, frame

pytestmark = pytest.mark.integration

BUCKETS = SimpleNamespace(influx_bucket="cryptoviz", influx_speed_bucket="cryptoviz_speed")

DELAY_S = 30
HISTORY = (
    ", ".join(f"{tag} string" for tag in CANDLES.tags)
    + ", open double, high double, low double, close double, volume double, quote_volume double,"
    " trades long, vwap double, buy_volume double, sell_volume double, first_trade_id long,"
    " last_trade_id long, coverage double, last_traded_at_ms long, is_partial boolean,"
    " time_ms long"
)
Point = tuple[Any, ...]
Points = dict[Point, dict[str, Any]]


def some_trades(seed: int) -> list[dict[str, Any]]:
    """70 minutes of two markets; they arrive out of order within the watermark's delay."""
    rng = random.Random(seed)
    markets = {"BTCUSDC": "bitcoin", "ETHUSDC": "ethereum"}
    ids = dict.fromkeys(markets, 0)
    trades = []
    for step in range(800):
        symbol = rng.choice(list(markets))
        ids[symbol] += 1
        trades.append(
            a_trade(
                ids[symbol],
                symbol=symbol,
                coin_id=markets[symbol],
                price=round(rng.uniform(90, 110), 2),
                quantity=round(rng.expovariate(1.0) + 0.001, 6),
                aggressor=rng.choice(["buy", "sell"]),
                traded_at_ms=START_MS + 7 * 60_000 + step * 5_250,
            )
        )
    return sorted(trades, key=lambda trade: trade["traded_at_ms"] + rng.randrange(25_000))


def history(spark: SparkSession) -> DataFrame:
    """The exchange's minutes of one market, up to the one in which our stream begins."""
    names = [column.split()[0] for column in HISTORY.split(", ")]
    unknown = dict.fromkeys(names)
    no_ids = dict.fromkeys(("first_trade_id", "last_trade_id", "coverage"))
    rows = [
        unknown
        | a_bar_row(layer="external", time_ms=START_MS + n * 60_000, close=100.0 + n, **no_ids)
        for n in range(-30, 8)
    ]
    return spark.createDataFrame([tuple(row[name] for name in names) for row in rows], HISTORY)


class Stream:
    """The job's plan over files, one micro-batch a piece; remembers what the sink was given."""

    def __init__(self, spark: SparkSession, folder: Path, pieces: list[list[dict]]) -> None:
        self.spark = spark
        self.folder = folder
        self.points: Points = {}
        self.differences: list[Point] = []
        self.batches = 0
        history(spark).coalesce(1).write.parquet(str(folder / "history" / "n=0"))
        for number, piece in enumerate(pieces):
            path = str(folder / "trades" / f"n={number}")
            frame(spark, piece).coalesce(1).write.parquet(path)

    def run(self, *, fail_at: int | None = None) -> None:
        """Until all is read; `fail_at` counts micro-batches from the first of this object."""

        def keep(batch: DataFrame, _epoch: int) -> None:
            rows = [row.asDict() for row in batch.collect()]
            self.batches += 1
            for row in rows:
                self._remember(row)
            if self.batches == fail_at:
                raise ConnectionError("the sink is gone")

        stream = self.spark.readStream.option("maxFilesPerTrigger", 1)
        trades = stream.schema(SCHEMA + ", n int").parquet(str(self.folder / "trades"))
        told = stream.schema(HISTORY + ", n int").parquet(str(self.folder / "history"))
        query = (
            bar_analytics(with_event_time(trades, watermark_delay_s=DELAY_S), told)
            .writeStream.foreachBatch(keep)
            .option("checkpointLocation", str(self.folder / "checkpoint"))
            .trigger(availableNow=True)
            .start()
        )
        query.awaitTermination(120)
        query.stop()

    def _remember(self, row: dict[str, Any]) -> None:
        point = tuple(row[name] for name in ("kind", "interval", "layer", "symbol", "time_ms"))
        before = self.points.get(point)
        # A section is given again while its minute grows; a bar never changes.
        if row["kind"] != "cross_section" and before not in (None, row):
            self.differences.append(point)
        self.points[point] = row


def cut(trades: list[dict], *borders: int) -> list[list[dict]]:
    return [trades[a:b] for a, b in pairwise([0, *borders, len(trades)])]


def expected(spark: SparkSession, trades: list[dict]) -> Points:
    """The same by the batch driver, over the minutes that the watermark has closed."""
    final_ms = max(trade["traded_at_ms"] for trade in trades) - DELAY_S * 1_000
    timed = with_event_time(frame(spark, trades), watermark_delay_s=DELAY_S)
    minutes = candle_rows(timed, intervals=["1m"], layer="speed", newest=["collected_at_ms"])
    closed = minutes.where(F.col("time_ms") + 60_000 <= final_ms)
    told = history(spark).withColumn("collected_at_ms", F.lit(None).cast("long"))
    rows = batch_stateful(keyed_rows(closed, told), open_core, order=ORDER, gives=GIVEN)
    stream = Stream.__new__(Stream)
    stream.points, stream.differences = {}, []
    for row in rows.collect():
        stream._remember(row.asDict())
    return stream.points


@pytest.fixture(scope="module")
def trades() -> list[dict]:
    return some_trades(seed=1)


@pytest.fixture(scope="module")
def whole(spark: SparkSession, trades: list[dict]) -> Points:
    return expected(spark, trades)


def assert_same(got: Points, wanted: Points) -> None:
    assert got.keys() == wanted.keys()
    for point, row in wanted.items():
        for name, number in row.items():
            same = pytest.approx(number, rel=1e-9) if isinstance(number, float) else number
            assert got[point][name] == same, (point, name)


@pytest.mark.parametrize("seed", [11, 12])
def test_the_stream_equals_the_batch_however_it_is_cut(spark, tmp_path, trades, whole, seed):
    borders = sorted(random.Random(seed).sample(range(1, len(trades)), 4))
    stream = Stream(spark, tmp_path, cut(trades, *borders))
    stream.run()
    assert_same(stream.points, whole)
    kinds = {(point[0], point[1]) for point in whole}
    assert {("candle", "1h"), ("market", "15m"), ("cross_section", "5m")} <= kinds


def test_a_batch_that_was_cut_off_is_repeated_and_gives_the_same(spark, tmp_path, trades, whole):
    """A sink that fails, then the newest commit missing: what a crash after the write leaves."""
    stream = Stream(spark, tmp_path, cut(trades, 200, 400, 600))
    with pytest.raises(StreamingQueryException):
        stream.run(fail_at=3)
    stream.run()
    newest = max((tmp_path / "checkpoint" / "commits").glob("[0-9]*"), key=lambda f: int(f.name))
    newest.unlink()
    newest.with_name(f".{newest.name}.crc").unlink(missing_ok=True)
    before = stream.batches
    stream.run()
    assert stream.batches > before
    assert stream.differences == []
    assert_same(stream.points, whole)


def newer_core(_key: str, state: bytes | None) -> MarketBars:
    return MarketBars() if state is None else MarketBars.restored(packed(7, [1.0]))


def test_state_of_another_version_stops_the_query_with_the_way_out(spark, tmp_path):
    folder = tmp_path / "rows"
    keyed = history(spark).withColumn("collected_at_ms", F.lit(None).cast("long"))
    for n in range(2):
        keyed.withColumn("key", F.lit("m")).coalesce(1).write.parquet(str(folder / f"n={n}"))
    rows = (
        spark.readStream.option("maxFilesPerTrigger", 1)
        .schema(HISTORY + ", collected_at_ms long, key string, n int")
        .parquet(str(folder))
    )
    query = (
        stream_stateful(rows, newer_core, order=ORDER, gives=GIVEN)
        .writeStream.format("noop")
        .option("checkpointLocation", str(tmp_path / "checkpoint"))
        .trigger(availableNow=True)
        .start()
    )
    with pytest.raises(StreamingQueryException) as failed:
        query.awaitTermination(120)
    assert "raise the `version` of the query" in reason_of(str(failed.value))


@pytest.fixture
def given_rows(spark: SparkSession, whole: Points) -> DataFrame:
    rows = [tuple(row[name] for name in GIVEN.names) for row in whole.values()]
    return spark.createDataFrame(rows, GIVEN)


def test_each_row_has_its_line_and_final_bars_are_records(given_rows, whole):
    rows = [row.asDict(recursive=True) for row in sinkable(given_rows, BUCKETS).collect()]
    lines = [row["line"] for row in rows if row["line"]]
    candles = [row["candle"] for row in rows if row["candle"]]
    minutes = sum(point[:2] == ("candle", "1m") for point in whole)
    assert len(lines) == len(whole) - minutes
    assert {line.split(",")[0] for line in lines} == {"crypto_candles", "crypto_analytics"}
    assert not any("interval=1m" in line for line in lines if line.startswith("crypto_candles"))
    assert len(candles) == sum(point[0] == "candle" for point in whole)
    assert {row["bucket"] for row in rows if row["candle"]} == {BUCKETS.influx_speed_bucket}


def test_a_batch_written_twice_is_written_once_and_its_bars_are_records(
    given_rows, whole, influx_server, kafka_server
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
    once: list[set[tuple[Any, ...]]] = []
    for epoch in range(2):
        write(sinkable(given_rows, BUCKETS), epoch)
        held = [stored(influx_server, bucket) for bucket in ("bucket", "speed_bucket")]
        once = once or held
    assert held == once
    candles = {point: row for point, row in whole.items() if point[0] == "candle"}
    records = kafka_records(kafka_server.bootstrap, n=2 * len(candles))
    for record in records:
        point = ("candle", record["interval"], "speed", record["symbol"], record["open_time_ms"])
        row = candles[point]
        assert record["observed_at_ms"] == row["last_traded_at_ms"]
        named = [name for name in record if name in row]
        assert {name: record[name] for name in named} == {name: row[name] for name in named}
    external = {point for point in whole if point[2] == "external"}
    minutes = {point for point in whole if point[:2] == ("candle", "1m")}
    # Other tests write to the same buckets.
    assert external <= held[0]
    assert set(whole) - external - minutes <= held[1]


def kafka_records(bootstrap: str, *, n: int) -> list[dict[str, Any]]:
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "bars", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([CANDLE.topic])
    try:
        messages = consumer.consume(n, timeout=30)
    finally:
        consumer.close()
    assert len(messages) == n
    return [decode(message.value())[1] for message in messages]


def stored(influx_server, bucket: str) -> set[tuple[Any, ...]]:
    """Points of the job's measurements in a bucket, as `whole` names them; none is there twice."""
    flux = (
        f'from(bucket: "{getattr(influx_server, bucket)}")'
        " |> range(start: 0, stop: 2030-01-01T00:00:00Z)"
        ' |> filter(fn: (r) => r._field == "close" or r._field == "coins")'
        ' |> filter(fn: (r) => r.source == "binance" or r.kind == "cross_section")'
        ' |> keep(columns: ["_time", "_measurement", "interval", "kind", "layer", "symbol"])'
        " |> group()"
    )
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
    rows = [
        (
            row["kind"] or "candle",
            row["interval"],
            row["layer"],
            row["symbol"] or None,
            round(datetime.fromisoformat(row["_time"]).timestamp() * 1000),
        )
        for row in csv.DictReader(response.text.splitlines())
        if row["_time"]
    ]
    assert len(set(rows)) == len(rows)
    return set(rows)
