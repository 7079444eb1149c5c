"""A price that jumps by a factor for one poll or one trade and comes back is nobody's anomaly."""

import pytest

from tests.spark_jobs.transforms.anomalies.builders import (
    a_second,
    a_snapshot,
    in_ranking,
    revisions,
)

MINUTES = range(0, 7_200, 20)


@pytest.mark.parametrize("factor", [1_000, 2, 0.001])
def test_one_trade_at_a_thousand_times_the_price_is_a_bad_tick(factor):
    rows = [a_second(n) for n in MINUTES]
    rows[200] = a_second(4_000, 100.0 * factor, trades=1, quote_volume=1e6, bought=1e6)
    kinds = {one["kind"] for one in revisions(rows)}
    # Its volume is dropped with it.
    assert kinds == set()


def test_one_poll_at_a_thousand_times_the_price_is_no_divergence_and_no_overtake():
    rows = [a_second(n) for n in MINUTES]
    polls = [a_snapshot(n, 100_000.0 if n == 3_600 else 100.0) for n in range(30, 7_200, 60)]
    polls[60] = a_snapshot(3_630, 100_000.0)
    both = sorted([*rows, *polls], key=lambda row: row["second_ms"])
    assert revisions(both) == []
    caps = [
        a_snapshot(60 * n, coin_id=coin, market_cap_usd=cap * (1_000 if wrong == (n, coin) else 1))
        for wrong in [(5, "small")]
        for n in range(10)
        for coin, cap in (("large", 2e9), ("small", 1e9))
    ]
    assert in_ranking(caps) == []


def test_a_jump_that_the_next_trade_confirms_is_a_move():
    rows = [a_second(0), a_second(10, 150.0, trades=1), a_second(11, 151.0, trades=1)]
    (opened, *_) = revisions(rows, kind="price_move")
    assert opened["detected_at_ms"] % 60_000 == 10_000


def test_a_jump_that_many_trades_of_its_second_made_is_a_move_at_once():
    assert revisions([a_second(0), a_second(10, 150.0, trades=5)], kind="price_move")


def test_a_market_with_one_trade_a_day_has_no_anomaly():
    rows = [a_second(86_400 * n, 100.0 + 30 * (n % 3), trades=1) for n in range(60)]
    assert revisions(rows) == []
