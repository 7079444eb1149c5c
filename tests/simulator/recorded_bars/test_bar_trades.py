from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.recorded_bars.bar_file import Bar, bar_of
from simulator.recorded_bars.bar_trades import BarTrade, trade_count, trades_of_bar
from simulator.scenario import MINUTE_MS
from simulator.seeded import stream
from tests.simulator.builders import START_MS, bar


@st.composite
def bars(draw: st.DrawFn) -> Bar:
    """Any bar that the reader accepts, in any spelling of its decimals."""
    places = draw(st.integers(0, 12))
    prices = sorted(
        draw(st.lists(st.integers(1, 10**9), min_size=4, max_size=4)), key=lambda price: price
    )
    low, *inside, high = (Decimal(price).scaleb(-places) for price in prices)
    opened, close = draw(st.permutations(inside))
    volume = Decimal(draw(st.integers(0, 10**14))).scaleb(-draw(st.integers(0, 20)))
    spelled = draw(st.sampled_from([str, lambda number: f"{number:f}"]))
    return bar_of([str(START_MS), *map(spelled, (opened, high, low, close, volume))])


def made(one: Bar, salt: int = 5) -> list[BarTrade]:
    return trades_of_bar(one, trade_count(one, salt), stream(salt, one.open_time_ms))


@given(one=bars(), salt=st.integers(0, 2**62))
def test_any_bar_is_reproduced_exactly(one: Bar, salt: int) -> None:
    trades = made(one, salt)
    if Decimal(one.volume) == 0:
        assert trades == []
        return
    prices = [Decimal(trade.price) for trade in trades]
    assert prices[0] == Decimal(one.open)
    assert prices[-1] == Decimal(one.close)
    assert max(prices) == Decimal(one.high)
    assert min(prices) == Decimal(one.low)
    quantities = [Decimal(trade.quantity) for trade in trades]
    with localcontext() as exact:
        exact.prec = 100
        assert sum(quantities) == Decimal(one.volume)
    assert min(quantities) > 0


@given(one=bars())
def test_as_doubles_too_no_trade_leaves_the_bar(one: Bar) -> None:
    prices = [float(trade.price) for trade in made(one)]
    if prices:
        assert (max(prices), min(prices)) == (float(one.high), float(one.low))


@given(one=bars())
def test_times_rise_strictly_inside_the_minute(one: Bar) -> None:
    offsets = [trade.offset_ms for trade in made(one)]
    assert offsets == sorted(set(offsets))
    assert all(0 <= offset < MINUTE_MS for offset in offsets)


@pytest.mark.parametrize(
    ("close", "order"), [("101.75", ["99", "103.25"]), ("99.75", ["103.25", "99"])]
)
def test_a_bar_that_rose_sees_its_low_first_and_one_that_fell_its_high(
    close: str, order: list[str]
) -> None:
    prices = [trade.price for trade in made(bar(close=close))]
    assert sorted(order, key=prices.index) == order


def test_prices_that_the_bar_names_keep_the_files_spelling() -> None:
    prices = {trade.price for trade in made(bar())}
    assert {"100.5", "103.25", "99", "101.75"} <= prices


def test_a_tiny_volume_is_split_into_finer_decimals() -> None:
    trades = made(bar(volume="2e-08"))
    assert sum(Decimal(trade.quantity) for trade in trades) == Decimal("2e-08")
    assert len(trades) >= 4


def test_more_money_makes_more_trades_up_to_a_bound() -> None:
    small = trade_count(bar(volume="0.001"), 5)
    large = trade_count(bar(volume="1e12"), 5)
    assert small < large == 16
