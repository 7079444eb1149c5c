"""Bars of trades against expected ones: how they are compared, and on files of every kind."""

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batch.evaluations.candles import DIFFERENCES_AT_MOST, compare
from batch.plain_csv import NAMED_AT_MOST
from market.errors import Fatal
from spark_jobs.transforms.candles import ID_BITS
from tests.batch.builders import START_MS, a_bar, a_trade, write_bars, write_trades
from tests.batch.conftest import Evaluate

ROOT = Path(__file__).resolve().parents[3]
KEY = ("BTCUSDC", START_MS)

on_spark = pytest.mark.integration


def compared(expected: dict[str, Any], got: dict[str, Any]):
    return compare({KEY: a_bar(**expected)}, {KEY: a_bar(**got)})


@pytest.mark.parametrize("name", ["open", "high", "low", "close"])
def test_a_price_is_equal_only_as_the_same_double(name):
    assert compared({name: 0.1}, {name: 0.1}).equal == 1
    result = compared({name: 0.1}, {name: 0.10000000000000002})
    assert result.equal == 0
    (difference,) = result.differences
    assert difference == {
        "symbol": "BTCUSDC",
        "open_time_ms": START_MS,
        "expected": {name: 0.1},
        "got": {name: 0.10000000000000002},
    }


def test_a_volume_may_differ_by_a_billionth():
    assert compared({"volume": 1.0}, {"volume": 1.0 + 9e-10}).equal == 1
    assert compared({"volume": 1.0}, {"volume": 1.0 + 2e-9}).equal == 0


def test_the_number_of_trades_counts_where_it_is_given():
    assert compared({"trades": 2}, {"trades": 3}).equal == 0
    assert compared({"trades": None}, {"trades": 3}).equal == 1


def test_a_bar_that_nobody_made_is_a_difference_unless_nobody_traded():
    missing = compare({KEY: a_bar()}, {})
    assert (missing.bars, missing.equal, missing.missing) == (1, 0, 1)
    assert missing.differences[0]["got"] is None
    quiet = compare({KEY: a_bar(volume=0.0, trades=0)}, {})
    assert (quiet.bars, quiet.equal, quiet.quiet, quiet.differences) == (1, 1, 1, [])
    assert compared({"volume": 0.0, "trades": 0}, {}).equal == 0


def test_a_bar_that_nobody_expected_is_told_but_not_counted():
    result = compare({KEY: a_bar()}, {KEY: a_bar(), ("ETHUSDC", START_MS): a_bar()})
    assert (result.bars, result.equal, result.not_expected) == (1, 1, 1)


def test_differences_are_listed_up_to_a_bound_and_counted_beyond():
    expected = {("BTCUSDC", START_MS + n): a_bar() for n in range(DIFFERENCES_AT_MOST + 5)}
    result = compare(expected, {})
    assert len(result.differences) == DIFFERENCES_AT_MOST
    assert result.missing == result.bars == DIFFERENCES_AT_MOST + 5


@on_spark
@pytest.mark.usefixtures("shared_spark")
class TestOnSpark:
    """The evaluation as the command runs it, in the session of the tests."""

    def test_the_first_line_opens_and_the_last_closes_where_there_are_no_ids(
        self, evaluate: Evaluate, tmp_path: Path
    ):
        prices = [3.0, 1.0, 2.0]
        trades = [a_trade("", price=price, aggressor="") for price in prices]
        bar = a_bar(open=3.0, high=3.0, low=1.0, close=2.0, volume=3.0, trades=3)
        report = run(evaluate, tmp_path, trades, [bar])
        assert (report["bars"], report["equal"], report["differences"]) == (1, 1, [])

    @pytest.mark.parametrize(
        "ids",
        [[2, 1, 3], [1 << ID_BITS, (1 << ID_BITS) - 1, 10**17], ["", "", 1], ["", 7, 9]],
        ids=["small", "beyond the transform's bits", "some absent", "one absent"],
    )
    def test_trades_of_one_millisecond_go_by_id_then_by_line_and_without_an_id_first(
        self, evaluate: Evaluate, tmp_path: Path, ids: list[int | str]
    ):
        rows = [a_trade(number, price=line) for line, number in enumerate(ids, start=2)]
        ordered = sorted(rows, key=lambda row: row["trade_id"] or 0)
        first, last = ordered[0]["price"], ordered[-1]["price"]
        bar = a_bar(open=first, high=4, low=2, close=last, volume=3, trades=3)
        report = run(evaluate, tmp_path, rows, [bar])
        assert report["differences"] == []

    def test_bad_rows_are_counted_and_named_and_their_neighbours_count(
        self, evaluate: Evaluate, tmp_path: Path
    ):
        trades = [
            a_trade(1),
            a_trade(2, price="-5"),
            a_trade(3, price="NaN"),
            a_trade(4, traded_at_ms=START_MS * 1000),
        ]
        bars = [a_bar(), a_bar(), a_bar(open_time_ms=START_MS + 60_000, close="x")]
        report = run(evaluate, tmp_path, trades, bars)
        assert (report["bars"], report["equal"], report["trades"]) == (1, 1, 1)
        assert report["bad_rows"] == 5
        assert [(bad["file"], bad["row"], bad["column"]) for bad in report["bad_rows_named"]] == [
            ("trades.csv", 3, "price"),
            ("trades.csv", 4, "price"),
            ("trades.csv", 5, "traded_at_ms"),
            ("expected.csv", 3, "open_time_ms"),
            ("expected.csv", 4, "close"),
        ]

    def test_a_trade_counts_once_where_the_file_has_it_first(
        self, evaluate: Evaluate, tmp_path: Path
    ):
        again = [a_trade(7, price=9.0) for _ in range(NAMED_AT_MOST + 3)]
        trades = [a_trade(7), a_trade(7, symbol="ETHUSDC"), *again, a_trade(""), a_trade("")]
        bars = [a_bar(volume=3.0, trades=3), a_bar(symbol="ETHUSDC")]
        report = run(evaluate, tmp_path, trades, bars)
        assert (report["bars"], report["equal"], report["trades"]) == (2, 2, 4)
        assert report["bad_rows"] == NAMED_AT_MOST + 3
        named = report["bad_rows_named"]
        assert [bad["row"] for bad in named] == list(range(4, 4 + NAMED_AT_MOST))
        assert named[0]["problem"] == "repeats the trade of row 2"

    @pytest.mark.parametrize(
        ("interval", "minutes"),
        [("1s", 1 / 60), ("15m", 15), ("1h", 60), ("4h", 240), ("1d", 1440)],
    )
    def test_bars_of_every_interval_begin_at_its_borders_in_utc(
        self, evaluate: Evaluate, tmp_path: Path, interval: str, minutes: float
    ):
        length_ms = round(minutes * 60_000)
        begins_ms = START_MS - START_MS % length_ms
        last_ms = begins_ms + length_ms - 1
        trades = [a_trade(1, traded_at_ms=begins_ms), a_trade(2, traded_at_ms=last_ms)]
        trades.append(a_trade(3, traded_at_ms=last_ms + 1))
        bars = [
            a_bar(open_time_ms=begins_ms, volume=2.0, trades=2),
            a_bar(open_time_ms=begins_ms + length_ms),
        ]
        report = run(evaluate, tmp_path, trades, bars, "--interval", interval)
        assert (report["bars"], report["equal"], report["interval"]) == (2, 2, interval)

    @settings(
        max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(seed=st.integers(0, 2**32))
    def test_shuffled_rows_make_the_same_bars(self, evaluate: Evaluate, tmp_path: Path, seed: int):
        rng = random.Random(seed)
        trades = some_trades(rng, 300)
        bars = plain_bars(trades)
        shuffled = rng.sample(trades, len(trades))
        report = run(evaluate, tmp_path, shuffled, rng.sample(bars, len(bars)))
        assert (report["equal"], report["differences"]) == (len(bars), [])
        assert report["not_expected"] == 0

    @pytest.mark.parametrize("wrong", ["trades", "expected"])
    def test_a_file_without_a_good_row_is_an_error_that_names_the_first_of_them(
        self, evaluate: Evaluate, tmp_path: Path, wrong: str
    ):
        trades = [a_trade(price=-1 if wrong == "trades" else 1) for _ in range(30)]
        bars = [a_bar(open=-1 if wrong == "expected" else 1)]
        with pytest.raises(Fatal, match=r"(?s)none of its .* good.*row 2: (price|open) '-1'"):
            run(evaluate, tmp_path, trades, bars)
        kept = {"trades": [a_trade()], "expected": [a_bar()]} | {wrong: []}
        with pytest.raises(Fatal, match=rf"{wrong}\.csv: it holds no row"):
            run(evaluate, tmp_path, kept["trades"], kept["expected"])


@on_spark
def test_as_a_process_the_result_is_on_stdout_and_the_progress_on_stderr(tmp_path):
    trades = write_trades(tmp_path / "trades.csv.gz", [a_trade(), a_trade("", price=0)])
    bars = write_bars(tmp_path / "bars.csv", [a_bar(), a_bar(symbol="ETHUSDC")])
    ran = as_process("candles", "--trades", trades, "--expected", bars)
    assert ran.returncode == 0, ran.stderr
    for words in ("1 of 2 bars of 1m are equal (1 missing", "ETHUSDC", "row 3: price '0' must"):
        assert words in ran.stdout
    assert "making bars" in ran.stderr


def test_a_wrong_file_or_interval_ends_with_2_and_words_and_prints_no_result(tmp_path):
    trades = write_trades(tmp_path / "trades.csv", [a_trade()])
    bars = write_bars(tmp_path / "bars.csv", [a_bar()])
    for arguments, words in (
        (("--trades", tmp_path / "no.csv", "--expected", tmp_path / "no.csv"), "No such file"),
        (("--trades", trades, "--expected", trades), "no column open_time_ms, open"),
        (("--trades", trades, "--expected", bars, "--interval", "2m"), "Intervals: 1s, 1m"),
        (("--trades", trades), "--expected"),
    ):
        ran = as_process("candles", *arguments, "--json")
        assert (ran.returncode, ran.stdout) == (2, "")
        assert words in ran.stderr
        assert "Traceback" not in ran.stderr


def as_process(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "batch.evaluations", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )


def run(
    evaluate: Evaluate, folder: Path, trades: list[Any], bars: list[Any], *options: str
) -> dict[str, Any]:
    report = evaluate(
        "candles",
        *("--trades", write_trades(folder / "trades.csv", trades)),
        *("--expected", write_bars(folder / "expected.csv", bars)),
        *options,
    )
    json.dumps(report, allow_nan=False)
    return report


def some_trades(rng: random.Random, count: int) -> list[Any]:
    """Two markets, several trades in a millisecond, ids that rise with time."""
    trades = []
    for number in range(count):
        facts = {"symbol": rng.choice(["BTCUSDC", "ETHUSDC"]), "price": rng.uniform(1, 2)}
        moment_ms = START_MS + number // 4 * 4_000
        trades.append(
            a_trade(number, quantity=rng.expovariate(1) + 1e-6, traded_at_ms=moment_ms) | facts
        )
    return trades


def plain_bars(trades: list[Any]) -> list[Any]:
    """An oracle of a few lines: trades in order, minute by minute."""
    groups: dict[tuple[str, int], list[Any]] = {}
    for trade in trades:
        minute_ms = trade["traded_at_ms"] // 60_000 * 60_000
        groups.setdefault((trade["symbol"], minute_ms), []).append(trade)
    return [
        a_bar(
            symbol=symbol,
            open_time_ms=minute_ms,
            open=group[0]["price"],
            high=max(trade["price"] for trade in group),
            low=min(trade["price"] for trade in group),
            close=group[-1]["price"],
            volume=sum(trade["quantity"] for trade in group),
            trades=len(group),
        )
        for (symbol, minute_ms), group in groups.items()
    ]
