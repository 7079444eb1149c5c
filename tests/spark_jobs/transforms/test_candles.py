"""Candles against a plain oracle, and the same candles however Spark cuts the stream."""

import math
import os
import random
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from spark_jobs.transforms.candles import candle_rows, with_event_time
from tests.spark_jobs.builders import START_MS, a_trade

pytestmark = pytest.mark.integration

SCHEMA = (
    "source string, symbol string, coin_id string, quote string, trade_id long,"
    " first_fill_id long, last_fill_id long, price double, quantity double, aggressor string,"
    " traded_at_ms long, observed_at_ms long, collected_at_ms long, offset long"
)
NAMES = [column.split()[0] for column in SCHEMA.split(", ")]


def frame(spark: SparkSession, trades: list[dict[str, Any]]) -> DataFrame:
    rows = [
        tuple((trade | {"offset": n})[name] for name in NAMES) for n, trade in enumerate(trades)
    ]
    return spark.createDataFrame(rows, SCHEMA)


def candles(trades: DataFrame, *intervals: str) -> DataFrame:
    timed = with_event_time(trades, watermark_delay_s=30)
    return candle_rows(timed, intervals=intervals or ("1m",), layer="speed")


def bars(
    spark: SparkSession, trades: list[dict[str, Any]], interval: str = "1m"
) -> list[dict[str, Any]]:
    rows = candles(frame(spark, trades), interval).orderBy("symbol", "time_ms").collect()
    return [row.asDict() for row in rows]


def some_trades(seed: int, n: int) -> list[dict[str, Any]]:
    """Two markets, several trades a second, ties in time, fills of more than one."""
    rng = random.Random(seed)
    ids = dict.fromkeys(("BTCUSDC", "ETHUSDC"), 0)
    trades = []
    for step in range(n):
        symbol = rng.choice(list(ids))
        ids[symbol] += 1
        moment = START_MS + step * 700 // 2 * 2
        trades.append(
            a_trade(
                ids[symbol],
                symbol=symbol,
                price=round(rng.uniform(90, 110), 2),
                quantity=round(rng.expovariate(1.0) + 0.001, 6),
                aggressor=rng.choice(["buy", "sell"]),
                first_fill_id=ids[symbol] * 3,
                last_fill_id=ids[symbol] * 3 + rng.randrange(3),
                traded_at_ms=moment,
            )
        )
    return trades


def oracle(trades: list[dict[str, Any]]) -> dict[tuple[str, int], dict[str, Any]]:
    groups = defaultdict(list)
    for trade in trades:
        groups[trade["symbol"], trade["traded_at_ms"] // 60_000 * 60_000].append(trade)
    return {key: one_bar(sorted(group, key=in_order)) for key, group in groups.items()}


def in_order(trade: dict[str, Any]) -> tuple[int, int]:
    return trade["traded_at_ms"], trade["trade_id"]


def one_bar(group: list[dict[str, Any]]) -> dict[str, Any]:
    prices = [trade["price"] for trade in group]
    volume = math.fsum(trade["quantity"] for trade in group)
    quote_volume = math.fsum(trade["price"] * trade["quantity"] for trade in group)
    buys = math.fsum(t["quantity"] for t in group if t["aggressor"] == "buy")
    return {
        "open": prices[0],
        "high": max(prices),
        "low": min(prices),
        "close": prices[-1],
        "volume": volume,
        "quote_volume": quote_volume,
        "vwap": quote_volume / volume,
        "buy_volume": buys,
        "trades": sum(t["last_fill_id"] - t["first_fill_id"] + 1 for t in group),
        "first_trade_id": group[0]["trade_id"],
        "last_trade_id": group[-1]["trade_id"],
        "last_traded_at_ms": group[-1]["traded_at_ms"],
    }


def test_candles_equal_a_plain_oracle_in_every_column(spark):
    trades = some_trades(seed=1, n=2_000)
    shuffled = random.Random(2).sample(trades, len(trades))
    expected = oracle(trades)
    got = bars(spark, shuffled)
    assert {(bar["symbol"], bar["time_ms"]) for bar in got} == expected.keys()
    for bar in got:
        for name, number in expected[bar["symbol"], bar["time_ms"]].items():
            assert bar[name] == pytest.approx(number, rel=1e-9), name
        assert bar["coverage"] == 1.0
        assert bar["sell_volume"] == pytest.approx(bar["volume"] - bar["buy_volume"])


def test_open_and_close_go_by_time_then_id_and_not_by_arrival(spark):
    late_first = [
        a_trade(3, price=3.0, traded_at_ms=START_MS + 5),
        a_trade(1, price=1.0, traded_at_ms=START_MS + 5),
        a_trade(2, price=2.0, traded_at_ms=START_MS + 5),
    ]
    (bar,) = bars(spark, late_first)
    assert (bar["open"], bar["close"]) == (1.0, 3.0)


def test_a_missing_id_lowers_the_coverage_of_its_bar(spark):
    (bar,) = bars(spark, [a_trade(1), a_trade(2), a_trade(4)])
    assert bar["coverage"] == 0.75


def test_a_trade_on_the_minute_opens_the_next_bar(spark):
    first, second = bars(
        spark,
        [a_trade(1, traded_at_ms=START_MS + 59_999), a_trade(2, traded_at_ms=START_MS + 60_000)],
    )
    assert (first["time_ms"], second["time_ms"]) == (START_MS, START_MS + 60_000)


class Replay:
    """Trades as a stream of pieces, a micro-batch each, through bars of seconds and minutes."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self._spark = spark
        self._folder = folder
        self.latest: dict[tuple[str, str, int], dict[str, Any]] = {}
        self.progress: list[dict[str, Any]] = []

    def run(self, pieces: list[list[dict[str, Any]]]) -> None:
        """Play them and keep the newest row of each bar."""
        source = self._folder / "trades"
        for number, piece in enumerate(pieces):
            rows = frame(self._spark, piece).coalesce(1)
            rows.write.mode("append").parquet(str(source / f"n={number}"))
        stream = self._spark.readStream.schema(SCHEMA + ", n int").option("maxFilesPerTrigger", 1)
        query = (
            candles(stream.parquet(str(source)), "1s", "1m")
            .writeStream.outputMode("update")
            .foreachBatch(self._keep)
            .option("checkpointLocation", str(self._folder / "checkpoint"))
            .trigger(availableNow=True)
            .start()
        )
        query.awaitTermination(120)
        assert query.exception() is None
        self.progress = list(query.recentProgress)

    def _keep(self, batch: DataFrame, _epoch: int) -> None:
        for row in batch.collect():
            self.latest[row["interval"], row["symbol"], row["time_ms"]] = row.asDict()


# `CUTS=20 pytest ...` cuts it in twenty ways; three are enough to see that a change broke it.
@pytest.mark.parametrize("seed", range(11, 11 + int(os.environ.get("CUTS", "3"))))
def test_the_stream_ends_with_the_bars_of_the_batch_however_it_is_cut(
    spark: SparkSession, tmp_path: Path, seed: int
):
    """Speed = batch: one transform, run over micro-batches and over the whole."""
    rng = random.Random(seed)
    trades = some_trades(11, n=600)
    # Disorder within the watermark delay of 30 s.
    arrived = sorted(trades, key=lambda t: t["traded_at_ms"] + rng.randrange(25_000))
    cuts = sorted(rng.sample(range(1, len(arrived)), 5))
    pieces = [arrived[a:b] for a, b in zip([0, *cuts], [*cuts, len(arrived)], strict=True)]
    replay = Replay(spark, tmp_path)
    replay.run(pieces)
    whole = {
        (interval, bar["symbol"], bar["time_ms"]): bar
        for interval in ("1s", "1m")
        for bar in bars(spark, trades, interval)
    }
    assert replay.latest.keys() == whole.keys()
    for key, bar in whole.items():
        for name, number in bar.items():
            same = pytest.approx(number, rel=1e-9) if isinstance(number, float) else number
            assert replay.latest[key][name] == same, (key, name)


def test_a_trade_behind_the_watermark_changes_no_bar_is_counted_and_no_state_is_kept_of_old_bars(
    spark: SparkSession, tmp_path: Path
):
    """The mark by which Spark drops state is on our own window; see decision 0010."""
    minutes = [[a_trade(n, traded_at_ms=START_MS + n * 60_000)] for n in range(6)]
    too_late = a_trade(99, price=1.0, traded_at_ms=START_MS + 10)
    replay = Replay(spark, tmp_path)
    replay.run([*minutes, [too_late, a_trade(6, traded_at_ms=START_MS + 6 * 60_000)]])
    assert replay.latest["1m", "BTCUSDC", START_MS]["low"] == 20_000.0
    assert replay.latest["1s", "BTCUSDC", START_MS]["low"] == 20_000.0
    states = [one["stateOperators"][0] for one in replay.progress if one["stateOperators"]]
    assert sum(state["numRowsDroppedByWatermark"] for state in states) == 2
    assert states[-1]["numRowsTotal"] <= 4, "two bars a minute, of the last two minutes"


def test_an_hour_window_is_named_by_its_own_interval(spark):
    trades = with_event_time(frame(spark, [a_trade(1)]), watermark_delay_s=30)
    (row,) = candle_rows(trades, intervals=["1h"], layer="batch_a").collect()
    assert (row["interval"], row["layer"], row["time_ms"]) == ("1h", "batch_a", START_MS)
