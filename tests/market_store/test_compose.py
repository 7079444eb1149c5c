import math

from hypothesis import given, settings
from hypothesis import strategies as st

from market.store.compose import ceil_ms, compose, floor_ms
from tests.market_store.builders import DAY_START, HOUR, MINUTE, a_minute, an_external

prices = st.floats(min_value=1e-11, max_value=1e6)
volumes = st.floats(min_value=1e-9, max_value=1e6)


@st.composite
def traded_minutes(draw):
    """Minutes of two days, some without trades, with ids that go on."""
    minutes = draw(st.lists(st.integers(0, 2 * 1_440 - 1), min_size=1, max_size=60, unique=True))
    bars, next_id = [], 0
    for minute in sorted(minutes):
        first, last = draw(prices), draw(prices)
        ids = draw(st.integers(1, 50))
        bars.append(
            a_minute(
                minute,
                first_id=next_id,
                ids=ids,
                open=first,
                close=last,
                high=max(first, last, draw(prices)),
                low=min(first, last, draw(prices)),
                volume=draw(volumes),
                quote_volume=draw(volumes),
                held_ids=draw(st.integers(1, ids)),
            )
        )
        next_id += ids
    return bars


def close_enough(left: float | None, right: float | None) -> bool:
    return left == right or math.isclose(left, right, rel_tol=1e-9)


@settings(deadline=None)
@given(traded_minutes(), st.sampled_from([5 * MINUTE, 15 * MINUTE]))
def test_an_hour_of_minutes_equals_an_hour_of_longer_bars(minutes, between):
    direct, stepwise = compose(minutes, HOUR), compose(compose(minutes, between), HOUR)
    assert len(direct) == len(stepwise)
    for left, right in zip(direct, stepwise, strict=True):
        exact = ("open_time_ms", "close_time_ms", "open", "high", "low", "close", "trades")
        ids = ("first_trade_id", "last_trade_id", "held_ids")
        assert [getattr(left, name) for name in exact + ids] == [
            getattr(right, name) for name in exact + ids
        ]
        for name in ("volume", "quote_volume", "vwap", "buy_volume", "sell_volume"):
            assert close_enough(getattr(left, name), getattr(right, name)), name


@settings(deadline=None)
@given(traded_minutes())
def test_a_bar_has_first_open_last_close_extremes_sums_and_border_ids(minutes):
    for bar in compose(minutes, HOUR):
        inside = [m for m in minutes if bar.open_time_ms <= m.open_time_ms < bar.close_time_ms]
        assert (bar.open, bar.close) == (inside[0].open, inside[-1].close)
        assert bar.high == max(m.high for m in inside)
        assert bar.low == min(m.low for m in inside)
        assert close_enough(bar.volume, math.fsum(m.volume for m in inside))
        assert bar.trades == sum(m.trades for m in inside)
        assert bar.first_trade_id == inside[0].first_trade_id
        assert bar.last_trade_id == inside[-1].last_trade_id
        assert bar.held_ids == sum(m.held_ids for m in inside)
        assert 0 < bar.coverage <= 1


@settings(deadline=None)
@given(traded_minutes())
def test_no_volume_is_lost_and_no_bar_is_empty(minutes):
    hours = compose(minutes, HOUR)
    assert close_enough(
        math.fsum(bar.volume for bar in hours), math.fsum(bar.volume for bar in minutes)
    )
    assert len({floor_ms(m.open_time_ms, HOUR) for m in minutes}) == len(hours)


def test_coverage_of_a_composed_bar_counts_ids_missing_between_its_minutes():
    minutes = [a_minute(0, first_id=0), a_minute(1, first_id=20)]
    (hour,) = compose(minutes, HOUR)
    assert hour.coverage == 20 / 30


def test_coverage_above_one_says_that_trades_were_counted_twice():
    twice = a_minute(0, held_ids=12)
    assert twice.coverage == 1.2
    (hour,) = compose([twice, a_minute(1)], HOUR)
    assert hour.coverage == 22 / 20


def test_one_part_without_ids_leaves_the_sum_without_ids():
    (hour,) = compose([an_external(0), a_minute(1)], HOUR)
    assert (hour.first_trade_id, hour.coverage, hour.trades) == (None, None, None)
    assert hour.layer == "speed"
    assert hour.volume == 7.0


def test_borders_lie_at_or_around_a_time():
    assert floor_ms(DAY_START + 1, HOUR) == DAY_START == floor_ms(DAY_START, HOUR)
    assert ceil_ms(DAY_START + 1, HOUR) == DAY_START + HOUR
    assert ceil_ms(DAY_START, HOUR) == DAY_START
