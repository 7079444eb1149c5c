from dataclasses import replace

import pytest

from market.store.merge import Pieces, chosen
from market.store.merge import merged as merged_of_chosen
from market.store.rows import Bar
from tests.market_store.builders import DAY, DAY_START, HOUR, MINUTE, a_minute, an_external


def minute_ms(minute: int) -> int:
    return DAY_START + minute * MINUTE


def pieces(published=(), trades=(), **facts) -> Pieces:
    first = trades[0].open_time_ms if trades else None
    minutes = [bar for bar in published if bar.close_time_ms - bar.open_time_ms == MINUTE]
    begins = [bar.open_time_ms for bar in (*minutes, *trades)]
    named = {"minutes_from_ms": min(begins, default=None), "first_trades_ms": first} | facts
    return Pieces(published=published, trades=trades, **named)


def merged(held: Pieces, interval_ms: int) -> list[Bar]:
    return merged_of_chosen(chosen(held), interval_ms)


def layers(bars) -> list[str]:
    return [bar.layer for bar in bars]


def test_the_exchange_gives_the_past_and_trades_give_the_rest():
    bars = merged(
        pieces([an_external(n) for n in range(6)], [a_minute(n) for n in range(3, 6)]), MINUTE
    )
    # Minute 3 is where the stream began: the exchange's bar holds more of it.
    assert layers(bars) == ["external"] * 4 + ["speed"] * 2


def test_the_first_minute_of_trades_stands_when_it_holds_as_much():
    bars = merged(pieces([an_external(3, volume=1.0)], [a_minute(3, volume=2.0)]), MINUTE)
    assert layers(bars) == ["speed"]


def test_a_first_minute_that_both_hold_whole_is_the_trades_own():
    both = pieces([an_external(3, volume=2.0)], [a_minute(3, volume=2.0)])
    assert layers(merged(both, MINUTE)) == ["speed"]


def test_a_bar_of_volume_zero_is_a_minute_in_which_nobody_traded():
    bars = merged(pieces([an_external(0), an_external(1, volume=0.0), an_external(2)]), MINUTE)
    assert [bar.open_time_ms for bar in bars] == [minute_ms(0), minute_ms(2)]


def test_a_silent_minute_does_not_lend_its_stale_price_to_the_hour():
    silent = an_external(0, volume=0.0, high=99.0, low=1.0)
    (hour,) = merged(pieces([silent, an_external(1)]), HOUR)
    assert (hour.high, hour.low) == (22.0, 19.0)


def test_hours_come_from_the_exchange_where_minutes_do_not_reach():
    minutes = [a_minute(n) for n in range(90, 150)]
    hours = [an_external(0, length=HOUR), an_external(60, length=HOUR)]
    bars = merged(pieces(hours, minutes), HOUR)
    assert layers(bars) == ["external", "external", "speed"]
    assert bars[2].trades == 30 * 12
    assert not any(bar.is_partial for bar in bars)


def test_an_hour_that_trades_hold_from_the_markets_very_first_on_is_composed_of_them():
    minutes = [a_minute(n) for n in range(60)]
    (hour,) = merged(pieces([an_external(0, length=HOUR)], minutes), HOUR)
    assert hour.layer == "speed"
    assert hour.coverage == 1


def test_four_hours_are_composed_of_native_hours_and_minutes():
    hours = [an_external(60 * n, length=HOUR, volume=100.0) for n in range(2)]
    minutes = [a_minute(n) for n in range(100, 240)]
    (bar,) = merged(pieces(hours, minutes), 4 * HOUR)
    # Native hours 0 and 1 hide the minutes of hour 1; hours 2 and 3 are 120 minutes.
    assert bar.volume == 200.0 + 120 * 2.0
    assert not bar.is_partial


def test_the_open_day_is_composed_and_older_days_are_native():
    days = [an_external(-1_440, length=DAY, volume=1_000.0)]
    hours = [an_external(0, length=HOUR, volume=50.0)]
    minutes = [a_minute(n) for n in range(60, 70)]
    yesterday, today = merged(pieces([*days, *hours], minutes), DAY)
    assert (yesterday.volume, yesterday.layer) == (1_000.0, "external")
    assert today.volume == 50.0 + 20.0
    assert today.is_partial  # nothing tells how much of minute 60 our stream has seen


def test_a_bar_cut_by_the_start_of_our_stream_is_shown_and_marked():
    (bar,) = merged(pieces(trades=[a_minute(7), a_minute(8)]), 5 * MINUTE)
    assert bar.volume == 4.0
    assert bar.is_partial


def test_the_first_minute_of_trades_is_partial_and_the_next_is_not():
    bars = merged(pieces(trades=[a_minute(7), a_minute(8)]), MINUTE)
    assert [bar.is_partial for bar in bars] == [True, False]


@pytest.mark.parametrize("first_id", [0, 1])
@pytest.mark.parametrize("interval_ms", [MINUTE, 5 * MINUTE, HOUR])
def test_a_markets_very_first_trade_begins_whole_bars(first_id: int, interval_ms: int):
    trades = [a_minute(7, first_id=first_id), a_minute(8)]
    assert not any(bar.is_partial for bar in merged(pieces(trades=trades), interval_ms))


def test_the_first_second_of_trades_is_partial():
    second = replace(a_minute(7), open_time_ms=minute_ms(7) + 20_000)
    later = replace(second, open_time_ms=minute_ms(7) + 50_000)
    held = pieces(trades=[second, later], first_trades_ms=minute_ms(7))
    assert [bar.is_partial for bar in merged(held, 1_000)] == [True, False]


def test_a_range_after_the_first_minute_holds_nothing_partial():
    held = pieces(trades=[a_minute(9)], first_trades_ms=minute_ms(7))
    assert not merged(held, MINUTE)[0].is_partial


@pytest.mark.parametrize("interval_ms", [5 * MINUTE, HOUR, DAY])
def test_the_exchanges_minutes_make_the_bar_whole_in_which_the_stream_began(interval_ms: int):
    published = [an_external(n, volume=2.0) for n in range(8)]
    bars = merged(pieces(published, [a_minute(n) for n in range(7, 12)]), interval_ms)
    (begun,) = [bar for bar in bars if bar.open_time_ms <= minute_ms(7) < bar.close_time_ms]
    assert not begun.is_partial
    assert begun.layer == "speed"


def test_a_longer_bar_of_the_exchange_hides_the_trades_it_holds():
    native = an_external(0, length=HOUR, volume=100.0)
    trades = [a_minute(n) for n in range(20, 70)]
    first, second = merged(pieces([native], trades, minutes_from_ms=minute_ms(20)), HOUR)
    assert (first.volume, first.layer, first.is_partial) == (100.0, "external", False)
    assert second.volume == 20.0


def test_a_first_minute_that_is_not_read_yet_is_not_counted_twice():
    native = an_external(0, length=HOUR, volume=100.0)
    held = pieces([native], [a_minute(n) for n in range(21, 70)], first_trades_ms=minute_ms(20))
    assert [bar.volume for bar in merged(held, HOUR)] == [100.0, 20.0]


def test_a_bar_cut_by_the_start_of_the_exchanges_history_is_not_shown():
    bars = merged(pieces([an_external(n) for n in range(7, 15)]), 5 * MINUTE)
    assert [bar.open_time_ms for bar in bars] == [minute_ms(10)]


def test_a_window_of_trades_takes_its_place_beside_minutes():
    window = replace(a_minute(5), close_time_ms=minute_ms(10), volume=9.0)
    bars = merged(pieces(trades=[a_minute(0), window]), 5 * MINUTE)
    assert [bar.volume for bar in bars] == [2.0, 9.0]
