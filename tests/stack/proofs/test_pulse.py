"""The stopwatch beside job pulse."""

import pytest

from stack.proofs.pulse import SYMBOL, Minute, PulseReport, Stopwatch
from stack.proofs.trade_feeder import TradeFeeder


def a_watch() -> Stopwatch:
    """Ten trades a second of one market, the first due at second 100."""
    return Stopwatch(TradeFeeder([SYMBOL], 100, 10.0, first_sent_s=100.0))


def test_a_trade_is_readable_halfway_between_the_question_before_and_the_one_that_shows_it():
    watch = a_watch()
    watch.answered(100.9, 101.1, 0)
    watch.answered(101.3, 101.5, 1)
    assert watch.seen == [(pytest.approx(101.2), pytest.approx(1.2))]
    watch.answered(101.5, 101.7, 3)
    took = [spent for _, spent in watch.seen[1:]]
    assert took == [pytest.approx(101.5 - 100.1), pytest.approx(101.5 - 100.2)]
    watch.answered(101.7, 101.9, 3)
    assert len(watch.seen) == 3


def test_quantiles_are_those_of_the_trades_that_became_readable_in_the_minute():
    watch = a_watch()
    watch.seen = [(float(second), second / 10) for second in range(100)]
    n, found = watch.quantiles(10.0, 30.0)
    assert (n, found) == (20, {"p50_ms": 2_000.0, "p95_ms": 2_900.0, "p99_ms": 2_900.0})
    assert watch.quantiles(200.0, 300.0) == (0, {})


def test_a_report_tells_how_far_off_the_mean_and_the_worst_minute_are():
    def minute(pulse_ms: float) -> Minute:
        return Minute(9, 9, dict.fromkeys(NAMES, pulse_ms), dict.fromkeys(NAMES, 100.0))

    report = PulseReport(10.0, [minute(103.0), minute(93.0)], 5.0, {})
    assert report.off_pct("p95_ms") == pytest.approx(-2.0)
    assert report.worst_pct("p95_ms") == pytest.approx(-7.0)
    assert report.as_json()["quantiles"]["p50_ms"]["off_pct"] == -2.0


NAMES = ("p50_ms", "p95_ms", "p99_ms")
