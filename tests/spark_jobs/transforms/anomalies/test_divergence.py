"""Two quotes of a coin diverge when both are of nearly the same moment."""

import pytest

from spark_jobs.transforms.anomalies.divergence import difference_pct
from tests.spark_jobs.builders import START_MS
from tests.spark_jobs.transforms.anomalies.builders import a_second, a_snapshot, phases, revisions


def found(*rows):
    return revisions(sorted(rows, key=lambda row: row["second_ms"]), kind="divergence")


def usdc(at_s: float, price: float, **facts):
    return a_second(at_s, price, symbol="BTCUSDC", quote="USDC", **facts)


def test_two_markets_of_a_coin_are_told_apart_from_one_per_cent_on():
    assert found(a_second(0), usdc(1, 100.99)) == []
    (opened,) = found(a_second(0), usdc(0.5, 101.5))
    assert (opened["symbol"], opened["other_symbol"]) == ("BTCUSDC", "BTCUSDT")
    assert opened["value"] == pytest.approx(1.5)
    assert opened["sources"] == ["binance BTCUSDC", "binance BTCUSDT"]
    assert len(opened["coordinates"]) == 2


def test_a_quick_move_that_one_market_shows_before_the_other_is_no_divergence():
    slow = [row for n in range(0, 20, 2) for row in (a_second(n), usdc(n, 100.0))]
    assert found(*slow, usdc(19, 108.0), a_second(20, 108.0), usdc(21, 108.1)) == []


def test_quotes_some_seconds_apart_count_when_both_were_renewed():
    slow = [row for n in range(0, 40, 4) for row in (a_second(n), usdc(n + 2, 103.0))]
    (opened,) = found(*slow)
    assert opened["started_at_ms"] == START_MS + 2_000
    assert opened["detected_at_ms"] > opened["started_at_ms"]


def test_which_market_comes_first_does_not_matter():
    (one,) = found(a_second(0), usdc(0.5, 102.0))
    (two,) = found(usdc(0, 102.0), a_second(0.5))
    assert one["symbol"] == two["symbol"] == "BTCUSDC"
    assert one["value"] == two["value"]


def test_a_stale_quote_is_no_divergence():
    assert found(a_second(0), usdc(40, 103.0)) == []
    # It quotes every second: five seconds are long for it.
    assert found(*(a_second(n) for n in range(60)), usdc(64, 103.0), usdc(65, 103.0)) == []


def test_the_episode_ends_when_the_quotes_have_agreed_for_a_minute():
    apart = [row for n in range(0, 60, 2) for row in (a_second(n), usdc(n, 103.0))]
    again = [row for n in range(60, 180, 2) for row in (a_second(n), usdc(n, 100.2))]
    given = found(*apart, *again)
    assert phases(given) == ["opened", "resolved"]
    assert given[-1]["resolved_at_ms"] == START_MS + 120_000


def test_an_episode_whose_quotes_are_compared_no_more_lapses():
    given = found(a_second(0), usdc(0.5, 103.0), *(a_second(60 * n) for n in range(2, 20)))
    assert phases(given) == ["opened", "resolved"]


def test_a_market_against_another_currency_is_not_compared():
    euro = a_second(1, 90.0, symbol="BTCEUR", quote="EUR")
    assert found(a_second(0), euro) == []


def test_a_snapshot_is_held_against_the_price_of_the_moment_it_tells():
    """It comes late and tells of a moment at which both agreed."""
    rows = [a_second(n, 100.0 if n < 100 else 104.0) for n in range(0, 300, 5)]
    late = [a_snapshot(90 + n, second_ms=START_MS + 1000 * (150 + n)) for n in (0, 5)]
    assert found(*rows, *late) == []


def test_a_snapshot_diverges_from_the_second_poll_on():
    rows = [a_second(n) for n in range(0, 300, 5)]
    assert found(*rows, a_snapshot(60, 103.0)) == []
    (opened,) = found(*rows, a_snapshot(60, 103.0), a_snapshot(120, 103.0))
    assert (opened["source"], opened["symbol"]) == ("coingecko", None)
    assert (opened["other_source"], opened["other_symbol"]) == ("binance", "BTCUSDT")


def test_a_snapshot_polled_twice_is_one_poll():
    rows = [a_second(n) for n in range(0, 300, 5)]
    twice = [a_snapshot(60, 103.0), a_snapshot(60, 103.0, second_ms=START_MS + 125_000)]
    assert found(*rows, *twice) == []


def test_the_difference_is_the_same_size_from_both_sides():
    assert difference_pct(102.0, 100.0) == pytest.approx(2.0)
    assert difference_pct(100.0, 102.0) == pytest.approx(-2.0)
