"""A price move is one of 60 s by the clock, whatever the number of trades in them."""

import pytest

from tests.spark_jobs.builders import START_MS
from tests.spark_jobs.transforms.anomalies.builders import a_second, phases, revisions


def moves(*rows):
    return revisions(rows, kind="price_move")


@pytest.mark.parametrize(
    ("seconds", "found"), [(59, True), (60, True), (61, False), (3_600, False)]
)
def test_six_per_cent_count_within_sixty_seconds_and_no_longer(seconds, found):
    assert bool(moves(a_second(0), a_second(seconds, 106.0))) is found


def test_a_thousand_seconds_of_trades_count_no_more_than_two_if_the_move_is_slow():
    assert moves(*(a_second(n, 100 + 5.5 * n / 100) for n in range(101))) == []


def test_a_fall_counts_as_a_rise_and_its_sentence_says_so():
    (opened,) = moves(a_second(0), a_second(30, 94.0))
    assert opened["value"] == pytest.approx(-6.0)
    assert opened["sentence"] == (
        "binance BTCUSDT fell 6.00 % within 30.0 s, from 100 USDT to 94 USDT at 2023-03-11"
        " 03:00:30 UTC (threshold 5 % within 60 s)."
    )


def test_an_episode_opens_peaks_and_is_resolved_with_one_id():
    given = moves(
        a_second(0), a_second(10, 106.0), a_second(11, 106.1), a_second(20, 110.0),
        a_second(40, 108.0), a_second(85, 110.5),
    )  # fmt: skip
    assert phases(given) == ["opened", "peaked", "resolved"]
    assert len({one["anomaly_id"] for one in given}) == 1
    assert [one["revision"] for one in given] == [1, 2, 3]
    opened, peaked, resolved = given
    assert opened["started_at_ms"] == START_MS
    assert opened["detected_at_ms"] == resolved["detected_at_ms"] == START_MS + 10_000
    assert peaked["peak_value"] == resolved["peak_value"] == pytest.approx(10.0)
    assert resolved["resolved_at_ms"] == START_MS + 85_000


def test_it_holds_between_half_the_threshold_and_the_threshold():
    rows = [a_second(0), a_second(10, 106.0), a_second(20, 103.0), a_second(30, 105.5)]
    assert phases(moves(*rows)) == ["opened"]


def test_a_peak_that_grows_by_little_is_told_at_the_end_alone():
    climb = [a_second(n, 106.0 + n / 100) for n in range(1, 20)]
    assert phases(moves(a_second(0), *climb)) == ["opened"]


def test_severity_goes_by_the_times_of_the_threshold():
    (mild,) = moves(a_second(0), a_second(1, 106.0))
    (grave,) = moves(a_second(0), a_second(1, 70.0))
    assert (mild["severity"], grave["severity"]) == ("low", "critical")


def test_trade_ids_and_coordinates_lead_to_the_evidence():
    (opened,) = moves(a_second(0), a_second(10, 106.0))
    assert opened["trade_ids"] == [(START_MS + 10_000) // 100, (START_MS + 10_000) // 100 + 9]
    assert opened["coordinates"] == [f"crypto-trades/0/{START_MS // 1000 + 10}"]
