from market.store.merge import Pieces, merged
from tests.market_store.builders import DAY, DAY_START, HOUR, MINUTE, a_minute, an_external


def minute_ms(minute: int) -> int:
    return DAY_START + minute * MINUTE


def pieces(minutes=(), trades=(), **facts) -> Pieces:
    first = trades[0].open_time_ms if trades else None
    begins = [bar.open_time_ms for bar in (*minutes, *trades)]
    named = {"minutes_from_ms": min(begins, default=None), "first_trades_ms": first} | facts
    return Pieces(minutes=minutes, trades=trades, **named)


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
    bars = merged(pieces(trades=minutes, hours=hours), HOUR)
    assert layers(bars) == ["external", "external", "speed"]
    assert bars[2].trades == 30 * 12
    assert not any(bar.is_partial for bar in bars)


def test_an_hour_that_minutes_cover_is_composed_of_them():
    minutes = [a_minute(n) for n in range(60)]
    (hour,) = merged(pieces(trades=minutes, hours=[an_external(0, length=HOUR)]), HOUR)
    assert hour.layer == "speed"
    assert hour.coverage == 1


def test_four_hours_are_composed_of_native_hours_and_minutes():
    hours = [an_external(60 * n, length=HOUR, volume=100.0) for n in range(2)]
    minutes = [a_minute(n) for n in range(100, 240)]
    (bar,) = merged(pieces(trades=minutes, hours=hours), 4 * HOUR)
    # Native hours 0 and 1 hide the minutes of hour 1; hours 2 and 3 are 120 minutes.
    assert bar.volume == 200.0 + 120 * 2.0
    assert not bar.is_partial


def test_the_open_day_is_composed_and_older_days_are_native():
    days = [an_external(-1_440, length=DAY, volume=1_000.0)]
    hours = [an_external(0, length=HOUR, volume=50.0)]
    minutes = [a_minute(n) for n in range(60, 70)]
    yesterday, today = merged(pieces(trades=minutes, hours=hours, days=days), DAY)
    assert (yesterday.volume, yesterday.layer) == (1_000.0, "external")
    assert today.volume == 50.0 + 20.0
    assert not today.is_partial


def test_a_bar_cut_by_the_start_of_our_stream_is_shown_but_not_whole():
    (bar,) = merged(pieces(trades=[a_minute(7), a_minute(8)]), 5 * MINUTE)
    assert bar.volume == 4.0
    assert bar.is_partial


def test_a_bar_cut_by_the_start_of_the_exchanges_history_is_not_shown():
    bars = merged(pieces([an_external(n) for n in range(7, 15)]), 5 * MINUTE)
    assert [bar.open_time_ms for bar in bars] == [minute_ms(10)]


def test_a_window_of_trades_takes_its_place_beside_minutes():
    window = a_minute(5)
    window = type(window)(
        **{name: getattr(window, name) for name in window.__slots__}
        | {"close_time_ms": minute_ms(10), "volume": 9.0}
    )
    bars = merged(pieces(trades=[a_minute(0), window]), 5 * MINUTE)
    assert [bar.volume for bar in bars] == [2.0, 9.0]
