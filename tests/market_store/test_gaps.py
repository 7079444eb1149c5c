from hypothesis import given, settings
from hypothesis import strategies as st

from market.store.gaps import id_gaps, suspicious, uncovered, unpublished
from market.store.rows import Gap
from tests.market_store.builders import DAY, DAY_START, HOUR, MINUTE, a_minute, an_external

EVER = DAY_START + 10_000 * MINUTE


def minute_ms(minute: int) -> int:
    return DAY_START + minute * MINUTE


def test_minutes_without_a_row_are_no_gap_when_the_ids_go_on():
    assert id_gaps([a_minute(0, first_id=0), a_minute(7, first_id=10)], EVER) == []


def test_a_jump_of_ids_over_silent_minutes_is_a_gap_of_exactly_those_minutes():
    bars = [a_minute(0, first_id=0), a_minute(7, first_id=15)]
    assert id_gaps(bars, EVER) == [Gap(minute_ms(1), minute_ms(7), 5)]


def test_a_jump_of_ids_between_neighbours_spans_both():
    bars = [a_minute(0, first_id=0), a_minute(1, first_id=13)]
    assert id_gaps(bars, EVER) == [Gap(minute_ms(0), minute_ms(2), 3)]


def test_a_bar_that_lacks_ids_is_a_gap():
    assert id_gaps([a_minute(3, held_ids=6)], EVER) == [Gap(minute_ms(3), minute_ms(4), 4)]


def test_what_is_not_final_is_never_a_gap():
    bars = [a_minute(0, first_id=0), a_minute(1, first_id=13, held_ids=1)]
    assert id_gaps(bars, minute_ms(1)) == []
    assert id_gaps(bars, None) == []


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), min_size=2, max_size=30), st.integers(0, 30))
def test_missing_trades_add_up_to_the_ids_nobody_holds(missing_before, final_minutes):
    bars, next_id = [], 0
    for minute, missing in enumerate(missing_before):
        next_id += missing
        bars.append(a_minute(minute, first_id=next_id))
        next_id += 10
    final_through = minute_ms(final_minutes)
    gaps = id_gaps(bars, final_through)
    assert sum(gap.missing_trades for gap in gaps) == sum(missing_before[1:final_minutes])
    assert all(gap.to_ms <= final_through for gap in gaps)


def test_bars_beside_a_jump_and_bars_that_lack_ids_are_suspicious():
    bars = [a_minute(0), a_minute(1), a_minute(2, first_id=25), a_minute(3, first_id=35, ids=5)]
    assert suspicious(bars) == [bars[1], bars[2]]
    assert suspicious([a_minute(0, held_ids=None)]) == [a_minute(0, held_ids=None)]
    assert suspicious([an_external(0)]) == []


def test_a_minute_that_an_exchange_left_out_is_a_gap_of_unknown_size():
    bars = [an_external(0), an_external(1, volume=0.0), an_external(4)]
    gap = Gap(minute_ms(2), minute_ms(4), None)
    assert unpublished(bars, from_ms=minute_ms(0), until_ms=None) == [gap]


def test_the_time_between_history_and_stream_is_a_gap():
    def gaps(until: int) -> list[Gap]:
        return unpublished([an_external(0)], from_ms=minute_ms(0), until_ms=minute_ms(until))

    assert gaps(3) == [Gap(minute_ms(1), minute_ms(3), None)]
    assert gaps(1) == gaps(0) == []


def test_a_range_that_begins_or_lies_wholly_in_a_hole_has_that_part_of_it():
    late = unpublished([an_external(4)], from_ms=minute_ms(2), until_ms=minute_ms(5))
    assert late == [Gap(minute_ms(2), minute_ms(4), None)]
    inside = unpublished([], from_ms=minute_ms(2), until_ms=minute_ms(3))
    assert inside == [Gap(minute_ms(2), minute_ms(3), None)]
    assert unpublished([], from_ms=minute_ms(3), until_ms=minute_ms(2)) == []


def test_an_hour_left_out_is_a_gap_unless_shorter_or_longer_bars_hold_it():
    hours = [an_external(0, length=HOUR), an_external(180, length=HOUR)]
    minutes = [an_external(n) for n in range(60, 120)]
    hole = Gap(minute_ms(120), minute_ms(180), None)
    named = {"from_ms": minute_ms(0), "until_ms": None}
    assert unpublished([*hours, *minutes], **named) == [hole]
    assert unpublished([*hours, *minutes, an_external(0, length=DAY)], **named) == []


def test_what_no_bar_covers_ends_with_the_range():
    bars = [an_external(n) for n in (0, 1, 4, 9)]
    named = {"from_ms": minute_ms(1), "until_ms": minute_ms(7)}
    holes = [(minute_ms(2), minute_ms(4)), (minute_ms(5), minute_ms(7))]
    assert uncovered(bars, **named) == holes
    assert uncovered([], **named) == [(minute_ms(1), minute_ms(7))]
    assert uncovered([an_external(0, length=HOUR)], **named) == []
