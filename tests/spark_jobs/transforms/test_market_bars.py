"""One market's core: long bars, indicators, history as seed; the same however it is cut."""

import random
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.errors import Fatal
from market.intervals import INTERVAL_MS
from market.store.compose import compose
from market.store.measurements import ANALYTICS, CANDLES
from spark_jobs.transforms.bar_history import KEPT
from spark_jobs.transforms.bar_pieces import piece_of
from spark_jobs.transforms.market_bars import (
    INTERVALS,
    LONG_INTERVALS,
    PUBLISHED_HISTORY,
    MarketBars,
)
from spark_jobs.transforms.saved_state import packed
from spark_jobs.transforms.series import Series
from tests.spark_jobs.builders import a_bar_row

MINUTE_MS = INTERVAL_MS["1m"]
DAY_MS = INTERVAL_MS["1d"]
MIDNIGHT_MS = 1_678_492_800_000  # 2023-03-11T00:00:00Z

Row = dict[str, Any]


def minutes(*offsets: int, seed: int = 0, **facts: Any) -> list[Row]:
    """Bars of trades in the given minutes of the day, contiguous ids, prices that walk."""
    rng = random.Random(seed)
    rows, price, trade_id = [], 100.0, 1_000
    for offset in offsets:
        price *= 1 + rng.uniform(-0.01, 0.01)
        held = rng.randrange(1, 5)
        volume, buys = rng.uniform(0.1, 9), rng.random()
        rows.append(
            a_bar_row(
                time_ms=MIDNIGHT_MS + offset * MINUTE_MS,
                open=price,
                high=price * (1 + rng.random() / 100),
                low=price * (1 - rng.random() / 100),
                close=price * (1 + rng.uniform(-0.009, 0.009)),
                volume=volume,
                quote_volume=volume * price,
                buy_volume=volume * buys,
                sell_volume=volume * (1 - buys),
                trades=held,
                first_trade_id=trade_id,
                last_trade_id=trade_id + held - 1,
                **facts,
            )
        )
        trade_id += held
    return rows


def published(rows: list[Row], interval: str = "1m") -> list[Row]:
    """What the exchange publishes of the same market: its own bars of an interval."""
    bars = compose([piece_of(row).bar for row in rows], INTERVAL_MS[interval])
    ids = dict.fromkeys(("first_trade_id", "last_trade_id", "coverage", "last_traded_at_ms"))
    names = ("open", "high", "low", "close", "volume", "quote_volume", "trades", "vwap")
    return [
        a_bar_row(
            layer="external",
            interval=interval,
            time_ms=bar.open_time_ms,
            **{name: getattr(bar, name) for name in (*names, "buy_volume", "sell_volume")},
            **ids,
        )
        for bar in bars
    ]


def run(*steps: list[Row], core: MarketBars | None = None) -> list[Row]:
    """Each step in a core that was saved and restored before it."""
    core, out = core or MarketBars(), []
    for rows in steps:
        core = MarketBars.restored(core.save())
        out += core.step(rows)
    return out


def of(out: list[Row], interval: str, kind: str = "candle", layer: str = "speed") -> list[Row]:
    wanted = (interval, kind, layer)
    return [row for row in out if (row["interval"], row["kind"], row["layer"]) == wanted]


def same(got: Row, expected: Row) -> None:
    assert got.keys() == expected.keys()
    for name, number in expected.items():
        wanted = pytest.approx(number, rel=1e-9) if isinstance(number, float) else number
        assert got[name] == wanted, name


some_minutes = st.lists(st.integers(0, 3 * 1440), min_size=1, max_size=60, unique=True).map(sorted)


@settings(deadline=None)
@given(offsets=some_minutes, cuts=st.lists(st.integers(0, 120), max_size=8), data=st.data())
def test_the_output_does_not_depend_on_how_the_rows_are_cut(offsets, cuts, data):
    told = data.draw(st.integers(0, len(offsets)))
    whole = minutes(*offsets)
    rows = published(whole[:told]) + published(whole[:told], "1h") + whole[told:]
    borders = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    pieces = [rows[a:b] for a, b in pairwise(borders)]
    assert run(*pieces) == MarketBars().step(rows)


@settings(deadline=None)
@given(data=st.data(), offsets=st.lists(st.integers(0, 400), min_size=2, max_size=40, unique=True))
def test_neither_the_order_of_history_nor_a_repeat_matters(data, offsets):
    whole = minutes(*sorted(offsets))
    history = published(whole[:-1]) + published(whole[:-1], "1h")
    shuffled = data.draw(st.permutations(history + history[:3]))
    assert run(shuffled, whole[-1:]) == run(history, whole[-1:])


@settings(deadline=None)
@given(offsets=some_minutes)
def test_long_bars_equal_the_composition_of_their_minutes(offsets):
    rows = minutes(*offsets)
    out = run(rows)
    for interval in LONG_INTERVALS:
        length_ms = INTERVAL_MS[interval]
        through_ms = rows[-1]["time_ms"] + MINUTE_MS
        bars = [
            bar
            for bar in compose([piece_of(row).bar for row in rows], length_ms)
            if bar.close_time_ms <= through_ms
        ]
        given_bars = of(out, interval)
        assert [row["time_ms"] for row in given_bars] == [bar.open_time_ms for bar in bars]
        for row, bar in zip(given_bars, bars, strict=True):
            names = [name for name in CANDLES.fields if hasattr(bar, name) and "is_" not in name]
            same({n: row[n] for n in names}, {n: getattr(bar, n) for n in names})


def test_rows_bear_the_columns_of_their_measurements():
    out = run(minutes(*range(6)))
    for row, measurement in ((of(out, "5m")[0], CANDLES), (of(out, "5m", "market")[0], ANALYTICS)):
        missing = {*measurement.tags, *measurement.fields, "time_ms"} - row.keys()
        assert missing <= {"kind"}


def test_a_long_bar_is_given_with_its_last_minute_or_with_the_first_bar_beyond_it():
    core = MarketBars()
    rows = minutes(0, 3, 4, 5, 12)
    assert [of(core.step([row]), "5m") != [] for row in rows] == [False, False, True, False, True]


def test_without_history_the_bars_in_which_the_stream_began_are_partial():
    out = run(minutes(7, 8, *range(9, 31)))
    assert [row["is_partial"] for row in of(out, "1m")][:3] == [True, False, False]
    assert [row["is_partial"] for row in of(out, "5m")][:3] == [True, False, False]
    assert [row["is_partial"] for row in of(out, "15m")] == [True, False]


@pytest.mark.parametrize("first_id", [0, 1])
@pytest.mark.parametrize("told_volume", [None, 0.0, 1e9])
def test_a_markets_very_first_trade_begins_whole_bars(first_id, told_volume):
    rows = minutes(7, 8, *range(9, 31))
    rows[0] |= {"first_trade_id": first_id}
    told = published(rows[:1]) if told_volume is not None else []
    out = run([row | {"volume": told_volume} for row in told], rows)
    for interval in ("1m", "5m", "15m"):
        assert not any(row["is_partial"] for row in of(out, interval)), interval
    assert of(out, "5m")[0]["volume"] == pytest.approx(sum(row["volume"] for row in rows[:3]))


def test_history_completes_the_bars_in_which_the_stream_began():
    whole = minutes(*range(2 * 1440 + 1))
    began = 1440 + 5 * 60 + 37  # 05:37 of the second day
    history = published(whole[: began + 1])[-300:]
    hours = published(whole[: began - 37], "1h")
    days = published(whole[:1440], "1d")
    out = run(history + hours + days, whole[began:])
    for interval in LONG_INTERVALS:
        bars = compose([piece_of(row).bar for row in whole], INTERVAL_MS[interval])
        expected = {bar.open_time_ms: bar for bar in bars}
        for row in of(out, interval):
            assert row["is_partial"] is False
            bar = expected[row["time_ms"]]
            for name in ("open", "high", "low", "close", "volume", "quote_volume", "trades"):
                assert row[name] == pytest.approx(getattr(bar, name), rel=1e-9), name
    (day,) = of(out, "1d")
    assert day["first_trade_id"] is None
    assert day["coverage"] is None


@pytest.mark.parametrize("hole", ["a minute", "the first minute of trades", "an hour"])
def test_a_hole_in_history_makes_the_bar_over_it_partial(hole):
    whole = minutes(*range(1441))
    began = 2 * 60 + 7
    history = published(whole[: began + 1])[-8:]
    hours = published(whole[:120], "1h")
    holes = {
        "a minute": (history[:4] + history[5:], hours),
        "the first minute of trades": (history[:-1], hours),
        "an hour": (history, hours[1:]),
    }
    out = run(holes[hole][0] + holes[hole][1], whole[began:])
    assert of(out, "1d")[0]["is_partial"] is True
    assert of(out, "1h")[0]["is_partial"] is (hole != "an hour")
    assert of(out, "1h")[1]["is_partial"] is False


def test_a_minute_in_which_nobody_traded_is_told_history_and_no_bar():
    told = published(minutes(0, 1, 2, 3))
    told[1] |= {"volume": 0.0, "quote_volume": 0.0, "trades": 0, "buy_volume": 0.0}
    out = run(told, minutes(3, 4))
    assert of(out, "5m")[0]["is_partial"] is False
    assert len(of(out, "1m", "market", "external")) == 2


def test_the_exchanges_minute_counts_where_our_stream_began_within_it():
    whole = minutes(*range(6))
    first = whole[2] | {"open": 1.0, "low": 1.0, "volume": whole[2]["volume"] / 2}
    out = run(published(whole[:3]), [first, *whole[3:]])
    (bar,) = of(out, "5m")
    assert bar["volume"] == pytest.approx(sum(row["volume"] for row in whole[:5]))
    assert bar["low"] == pytest.approx(min(row["low"] for row in whole[:5]))
    assert bar["is_partial"] is False
    assert of(out, "1m")[0]["volume"] == first["volume"]
    assert of(out, "1m")[0]["is_partial"] is True
    assert of(out, "1m", "market")[0]["close"] == whole[2]["close"]


def test_indicators_go_on_from_history_as_if_it_were_one_series():
    whole = minutes(*range(200))
    out = run(published(whole[:150]), whole[149:])
    series = Series("1m")
    expected = [series.step(piece_of(row).bar) for row in whole]
    rows = of(out, "1m", "market")
    assert [row["bars"] for row in rows] == list(range(150, 201))
    for row, values in zip(rows, expected[149:], strict=True):
        fields = [name for name in ANALYTICS.fields if name not in ("close", "bars")]
        same({name: row[name] for name in fields}, dict(zip(fields, values, strict=True)))


def test_the_newest_history_is_published_on_the_layer_of_the_exchange():
    whole = minutes(*range(PUBLISHED_HISTORY + 101))
    out = run(published(whole[:-1]), whole[-1:])
    rows = of(out, "1m", "market", "external")
    assert [row["time_ms"] for row in rows] == [r["time_ms"] for r in whole[100:-1]]
    assert rows[0]["bars"] == 101
    assert of(out, "5m", "market", "external")[-1]["time_ms"] == whole[395]["time_ms"]


def test_history_that_comes_after_the_first_trades_or_opens_after_them_changes_nothing():
    whole = minutes(*range(20))
    early, late = published(whole[:10]), published(whole[10:])
    plain = run(early, whole[10:])
    assert run(early, whole[10:12], early + late, whole[12:]) == plain
    beyond = published([row | {"time_ms": row["time_ms"] + DAY_MS} for row in whole])
    assert run(early + beyond, whole[10:]) == plain
    assert of(run(early + late[1:], whole[10:]), "5m") == of(plain, "5m")


def test_a_bar_that_was_counted_before_changes_nothing():
    rows = minutes(*range(12))
    assert run(rows, rows[4:8]) == run(rows)


def test_the_state_is_bounded_by_the_kept_history_and_then_by_the_windows():
    many = published(minutes(*range(KEPT + 50)))
    core = MarketBars()
    core.step(many[:KEPT])
    full = len(core.save())
    core.step(many[KEPT:])
    assert len(core.save()) == full
    core.step(minutes(2000))
    core.step(minutes(*range(2001, 2100)))
    small = len(core.save())
    core.step(minutes(*range(2100, 5000)))
    assert len(core.save()) < 12_000
    assert small < full / 2


def test_state_of_an_unknown_version_is_refused_with_the_way_out():
    with pytest.raises(Fatal, match=r"version 7, this code reads 1: raise the `version`"):
        MarketBars.restored(packed(7, [1.0, 2.0]))


def test_every_interval_has_its_analytics():
    out = run(minutes(*range(1441)))
    for interval in INTERVALS:
        rows = of(out, interval, "market")
        assert [row["time_ms"] for row in rows] == [r["time_ms"] for r in of(out, interval)]
        assert [row["bars"] for row in rows] == list(range(1, len(rows) + 1))
