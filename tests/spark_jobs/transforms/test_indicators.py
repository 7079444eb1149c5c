"""Indicators against Skender's published series, plain formulas, and their own saved state."""

import csv
import json
import math
import statistics
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.store.rows import Bar
from spark_jobs.transforms.indicators import INDICATORS

ROOT = Path(__file__).resolve().parents[3]
SKENDER = ROOT.parent / "shared" / "data" / "indicators" / "skender"


def a_bar(close: float, **facts: float | None) -> Bar:
    """A bar that opened, traded and closed at one price."""
    whole = {"open_time_ms": 0, "close_time_ms": 60_000, "layer": "speed", "volume": 1.0}
    return Bar(**whole | dict.fromkeys(("open", "high", "low", "close"), close) | facts)


def closes(*prices: float) -> list[Bar]:
    return [a_bar(price) for price in prices]


def run(name: str, quotes: list[Bar], *params: float) -> list[tuple[float | None, ...]]:
    indicator = INDICATORS[name]
    stepper = indicator.make(*(params or [default for _, default in indicator.params]))
    return [stepper.step(quote) for quote in quotes]


def last(name: str, quotes: list[Bar], *params: float) -> float | None:
    return run(name, quotes, *params)[-1][0]


@pytest.mark.parametrize(
    ("name", "file", "columns"),
    [
        ("sma", "sma", ("sma",)),
        ("ema", "ema", ("ema",)),
        ("bollinger", "bb", ("upperBand", "sma", "lowerBand")),
        ("rsi", "rsi", ("rsi",)),
        ("macd", "macd", ("macd", "signal", "histogram")),
        ("atr", "atr", ("atr",)),
    ],
)
def test_an_indicator_equals_the_published_series_with_the_same_nulls(name, file, columns):
    if not SKENDER.is_dir():
        pytest.skip("no published series ../shared/data/indicators/skender beside the project")
    with (SKENDER / "quotes" / "default.csv").open(encoding="utf-8-sig") as lines:
        quotes = [
            a_bar(**{k: float(row[k]) for k in ("high", "low", "close", "volume")})
            for row in csv.DictReader(lines)
        ]
    published = json.loads((SKENDER / "results" / f"{file}.standard.json").read_text("utf-8"))
    assert len(quotes) == len(published) > 500
    for values, expected in zip(run(name, quotes), published, strict=True):
        for value, column in zip(values, columns, strict=True):
            same = expected[column]
            assert value == (same if same is None else pytest.approx(same, rel=1e-9)), expected


def test_realised_volatility_is_the_sample_deviation_of_log_returns_a_year():
    prices = [100.0, 101.0, 99.5, 99.5, 103.0]
    returns = [math.log(b / a) for a, b in pairwise(prices)]
    expected = 100 * statistics.stdev(returns) * math.sqrt(525_600)
    *early, newest = run("realised_volatility", closes(*prices), 4, 525_600)
    assert newest == (pytest.approx(expected, rel=1e-9),)
    assert early == [(None,)] * 4


def test_momentum_compares_with_the_close_n_bars_ago():
    *early, newest = run("momentum", closes(50, 1, 2, 60), 3)
    assert newest == (pytest.approx(20.0),)
    assert early == [(None,)] * 3


def test_volume_ratio_compares_with_the_bars_before_and_not_with_itself():
    quotes = [a_bar(1, volume=volume) for volume in (1.0, 3.0, 8.0)]
    assert run("volume_ratio", quotes, 2) == [(None,), (None,), (4.0,)]


def test_buy_sell_ratio_is_null_without_sells_and_where_the_sides_are_unknown():
    quotes = [
        a_bar(1, buy_volume=3.0, sell_volume=2.0),
        a_bar(1, buy_volume=3.0, sell_volume=0.0),
        a_bar(1),
    ]
    assert run("buy_sell_ratio", quotes) == [(1.5,), (None,), (None,)]


def test_rsi_of_a_price_that_never_moved_is_null_and_of_one_that_only_rose_100():
    assert last("rsi", closes(*[7.0] * 30)) is None
    assert last("rsi", closes(*range(1, 31))) == 100.0


def test_prices_of_zero_make_nulls_and_no_error():
    dead = [a_bar(0.0, volume=0.0)] * 60
    for name in ("realised_volatility", "momentum", "volume_ratio", "rsi"):
        assert last(name, dead) is None


@pytest.mark.parametrize("size", [0, -1, 2.5, math.nan, math.inf])
def test_a_window_that_is_no_number_of_bars_is_refused(size):
    with pytest.raises(ValueError, match="not a number of bars"):
        INDICATORS["sma"].make(size)


def test_a_sum_does_not_remember_a_price_that_has_left_the_window():
    assert last("sma", closes(1e17, 1.0, 1.0, 2.0), 2) == 1.5


def prices() -> st.SearchStrategy[float]:
    return st.floats(min_value=1e-6, max_value=1e6)


@given(
    quotes=st.lists(
        st.builds(
            a_bar,
            close=prices(),
            high=prices(),
            low=prices(),
            volume=prices(),
            buy_volume=prices(),
            sell_volume=prices(),
        ),
        max_size=70,
    ),
    cut=st.integers(0, 70),
)
def test_a_stepper_that_was_saved_and_restored_goes_on_bit_for_bit(quotes, cut):
    for name, indicator in INDICATORS.items():
        params = [default for _, default in indicator.params]
        first = indicator.make(*params)
        begun = [first.step(quote) for quote in quotes[:cut]]
        second = indicator.make(*params)
        second.restore([float(number) for number in first.save()])
        assert begun + [second.step(quote) for quote in quotes[cut:]] == run(name, quotes), name
