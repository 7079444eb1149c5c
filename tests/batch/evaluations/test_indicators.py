"""The table of indicators over files of bars; Skender's published series through the CSV."""

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from market.errors import Fatal
from spark_jobs.transforms.indicators import INDICATORS
from tests.agents.sources.recordings import recording
from tests.batch.builders import START_MS, a_bar, write_bars
from tests.batch.conftest import Evaluate

MINUTE_MS = 60_000
SKENDER = "indicators/skender"
# Our indicator and parameters, Skender's file, and its field for each of ours.
PUBLISHED = [
    ("sma", "20", "sma", {"sma": "sma"}),
    ("ema", "20", "ema", {"ema": "ema"}),
    ("rsi", "14", "rsi", {"rsi": "rsi"}),
    ("atr", "14", "atr", {"atr": "atr"}),
    (
        "bollinger",
        "20,2",
        "bb",
        {
            "bollinger_upper": "upperBand",
            "bollinger_middle": "sma",
            "bollinger_lower": "lowerBand",
        },
    ),
    (
        "macd",
        "12,26,9",
        "macd",
        {"macd": "macd", "macd_signal": "signal", "macd_histogram": "histogram"},
    ),
]


def closes(*numbers: float, symbol: str = "BTCUSDC") -> list[Any]:
    return [
        a_bar(symbol=symbol, open_time_ms=START_MS + at * MINUTE_MS, close=number)
        for at, number in enumerate(numbers)
    ]


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda row: row[0])
def test_published_series_are_met_to_a_billionth_with_the_same_nulls(
    evaluate: Evaluate, tmp_path: Path, published
):
    name, params, file, fields = published
    quotes = csv.DictReader(io.StringIO(recording(f"{SKENDER}/quotes/default.csv").decode("utf-8")))
    bars = [
        {**quote, "symbol": "SPY", "open_time_ms": day_ms(quote["date"]), "trades": ""}
        for quote in quotes
    ]
    path = write_bars(tmp_path / "bars.csv.gz", reversed(bars))
    report = evaluate("indicators", "--candles", path, "--indicator", name, "--params", params)
    series = json.loads(recording(f"{SKENDER}/results/{file}.standard.json"))
    assert len(report["rows"]) == len(series) == 502
    for row, wanted in zip(report["rows"], series, strict=True):
        assert row["open_time_ms"] == day_ms(wanted["timestamp"])
        for ours, theirs in fields.items():
            same = wanted[theirs] and pytest.approx(wanted[theirs], rel=1e-9, abs=0)
            assert row[ours] == same, (ours, wanted["timestamp"])


def day_ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def test_symbols_are_series_of_their_own_and_rows_need_no_order(evaluate, tmp_path):
    bars = [*closes(1, 2, 3), *closes(10, 20, 30, symbol="ETHUSDC")]
    path = write_bars(tmp_path / "bars.csv", [bars[at] for at in (5, 0, 4, 2, 1, 3)])
    report = evaluate("indicators", "--candles", path, "--indicator", "sma", "--params", "2")
    assert [(row["symbol"], row["sma"]) for row in report["rows"]] == [
        *(("BTCUSDC", sma) for sma in (None, 1.5, 2.5)),
        *(("ETHUSDC", sma) for sma in (None, 15.0, 25.0)),
    ]


def test_bad_bars_and_second_bars_of_a_time_are_named_and_left_out(evaluate, tmp_path):
    bars = [*closes(1, 2), a_bar(close=-1), a_bar(close=99)]
    path = write_bars(tmp_path / "bars.csv", bars)
    report = evaluate("indicators", "--candles", path, "--indicator", "momentum", "--params", "1")
    assert [row["momentum_pct"] for row in report["rows"]] == [None, 100.0]
    assert report["bad_rows"] == 2
    assert [(bad["row"], bad["column"]) for bad in report["bad_rows_named"]] == [
        (4, "close"),
        (5, "open_time_ms"),
    ]


@pytest.mark.parametrize("name", INDICATORS)
def test_every_indicator_has_its_fields_and_usual_parameters(evaluate, tmp_path, name):
    path = write_bars(tmp_path / "bars.csv", closes(1, 2, 3))
    report = evaluate("indicators", "--candles", path, "--indicator", name)
    assert report["params"] == dict(INDICATORS[name].params)
    (row, *_) = report["rows"]
    assert tuple(row) == ("symbol", "open_time_ms", *INDICATORS[name].fields)


@pytest.mark.parametrize(
    ("name", "params", "words"),
    [
        ("nope", "", "No indicator nope. Indicators: sma, ema"),
        ("sma", "x", r"could not convert .* Parameters: bars \(20\)"),
        ("sma", "0", "not a number of bars"),
        ("sma", "2.5", "not a number of bars"),
        ("sma", "nan", "not a number of bars"),
        ("sma", "5,6", "more than it has"),
        ("macd", "12,,9", "could not convert"),
    ],
)
def test_a_wrong_indicator_or_parameter_is_refused_with_what_there_is(
    evaluate, tmp_path, name, params, words
):
    path = write_bars(tmp_path / "bars.csv", closes(1))
    with pytest.raises(Fatal, match=words):
        evaluate("indicators", "--candles", path, "--indicator", name, "--params", params)


def test_a_file_without_a_good_bar_is_an_error(evaluate, tmp_path):
    path = write_bars(tmp_path / "bars.csv", [a_bar(open=0)])
    with pytest.raises(Fatal, match="none of its 1 rows is good"):
        evaluate("indicators", "--candles", path, "--indicator", "sma")
