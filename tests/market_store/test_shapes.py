from market.store.shapes import composed_bars

HOUR = 3_600_000
AT = "2023-03-11T00:00:00Z"


def a_window(**facts) -> dict[str, dict[str, float | None]]:
    """Columns of one window that holds two whole minutes of ten ids each."""
    named = {
        "first.open": 10.0,
        "max.high": 12.0,
        "min.low": 9.0,
        "last.close": 11.0,
        "sum.volume": 4.0,
        "sum.quote_volume": 42.0,
        "count.close": 2,
        "min.coverage": 1.0,
        "max.coverage": 1.0,
        "first.first_trade_id": 0,
        "last.last_trade_id": 19,
        "sum.first_trade_id": 10,
        "sum.last_trade_id": 28,
        "count.first_trade_id": 2,
    } | {name.replace("_of_", "."): cell for name, cell in facts.items()}
    return {name: {AT: cell} for name, cell in named.items()}


def test_a_window_of_whole_minutes_knows_its_ids_without_reading_them():
    (bar,) = composed_bars(a_window(), interval_ms=HOUR)
    assert (bar.held_ids, bar.coverage, bar.vwap) == (20, 1.0, 10.5)


def test_a_minute_with_missing_or_repeated_trades_leaves_the_window_to_be_inspected():
    for unusual in ({"min_of_coverage": 0.9}, {"max_of_coverage": 1.1}):
        (bar,) = composed_bars(a_window(**unusual), interval_ms=HOUR)
        assert bar.held_ids is None


def test_a_window_seen_half_written_is_left_out_until_it_is_whole():
    for name in ("first.open", "max.high", "min.low", "last.close", "sum.volume"):
        columns = a_window()
        del columns[name]
        assert composed_bars(columns, interval_ms=HOUR) == [], name


def test_a_window_that_the_range_cuts_ends_on_its_border():
    cut = {name: {"2023-03-11T00:20:00Z": cells[AT]} for name, cells in a_window().items()}
    (bar,) = composed_bars(cut, interval_ms=HOUR)
    assert bar.close_time_ms - bar.open_time_ms == 40 * 60_000
