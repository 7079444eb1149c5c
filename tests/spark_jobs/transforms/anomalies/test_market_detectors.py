"""Volume, whale and pump of one market."""

import random

import pytest

from spark_jobs.transforms.anomalies.whale import LEAST_TRADES
from tests.spark_jobs.transforms.anomalies.builders import a_second, phases, revisions

HOURS = 3


def quiet(seed: int = 1, hours: float = HOURS, every_s: int = 20, **facts):
    """Some hours of an ordinary market: log-normal volumes, prices that move by little."""
    rng = random.Random(seed)
    price = 100.0
    for at_s in range(0, round(hours * 3_600), every_s):
        price *= 1 + rng.gauss(0, 0.0003)
        volume = 1_000 * rng.lognormvariate(0, 0.8)
        yield a_second(at_s, price, quote_volume=volume, **facts)


def test_hours_of_an_ordinary_market_have_no_anomaly():
    assert revisions(quiet(hours=12)) == []


def burst(at_s: int, price: float = 100.0, **facts):
    return [a_second(at_s + n, price, quote_volume=30_000.0, **facts) for n in range(3)]


def test_a_minute_of_thirty_times_the_volume_is_one_episode_within_that_minute():
    rows = [*quiet(), *burst(10_805), a_second(10_900), a_second(11_000)]
    opened, *_, resolved = revisions(rows, kind="volume")
    assert (opened["phase"], resolved["phase"]) == ("opened", "resolved")
    assert opened["detected_at_ms"] - opened["started_at_ms"] < 10_000
    assert opened["score"] > 3
    assert opened["n"] == HOURS * 60
    assert opened["expected"] == pytest.approx(3_000, rel=0.5)
    assert opened["unit"] == "USDT"


def test_nothing_is_said_of_volume_before_two_hours_of_minutes():
    assert revisions([*quiet(hours=1.9), *burst(7_000)], kind="volume") == []


def test_a_trade_of_two_million_dollars_is_a_whale_once_the_market_is_known():
    rows = [*quiet(), a_second(10_810, amount=2e6)]
    (opened,) = revisions(rows, kind="whale")
    assert (opened["value"], opened["threshold"]) == (2e6, 1e6)
    assert opened["trade_ids"] == [rows[-1]["largest"]["trade_id"]]
    assert opened["severity"] == "medium"
    assert "A buyer took 20,000 coins for 2,000,000 USDT in one trade" in opened["sentence"]


@pytest.mark.parametrize(
    "facts",
    [{"amount": 900_000.0}, {"amount": 2e6, "quote": "BTC"}, {"amount": 2e6, "quote": "EUR"}],
)
def test_less_than_the_floor_or_what_is_not_told_in_dollars_is_no_whale(facts):
    known = quiet(quote=facts.get("quote", "USDT"))
    assert revisions([*known, a_second(10_810, **facts)], kind="whale") == []


def test_a_market_of_large_trades_has_a_higher_bar():
    known = [a_second(20 * n, amount=3e6) for n in range(LEAST_TRADES // 5)]
    assert revisions([*known, a_second(20_000, amount=3.2e6)], kind="whale") == []
    assert revisions([*known, a_second(20_000, amount=9e6)], kind="whale")


def test_nothing_is_a_whale_before_a_thousand_trades_are_known():
    assert revisions([*quiet(hours=0.5), a_second(2_000, amount=5e6)], kind="whale") == []


def test_whales_that_follow_one_another_are_one_episode():
    rows = [*quiet(), *(a_second(10_810 + 30 * n, amount=2e6) for n in range(4))]
    assert phases(revisions([*rows, a_second(11_000)], kind="whale")) == ["opened", "resolved"]


def pumped(at_s: int, *, buys: float = 0.9, volume: float = 20_000.0, rise: float = 0.02):
    for n in range(10):
        yield a_second(
            at_s + n, 100.0 * (1 + rise) ** (n + 1), quote_volume=volume, bought=buys * volume
        )


def test_a_pump_is_found_within_seconds_and_is_one_episode_with_its_dump():
    dump = [a_second(10_900 + 30 * n, 110.0 - n, quote_volume=9_000.0) for n in range(10)]
    rows = [*quiet(), *pumped(10_810), *dump, *(a_second(11_300 + 60 * n) for n in range(120))]
    opened, *_, resolved = revisions(rows, kind="pump")
    assert opened["detected_at_ms"] - opened["started_at_ms"] < 10_000
    assert opened["value"] > 6
    assert resolved["phase"] == "resolved"
    assert resolved["peak_value"] > 18


def test_a_pump_on_a_market_against_bitcoin_is_found_too():
    tiny = 1e-8
    rows = [
        row
        | {
            "quote": "BTC",
            "symbol": "XYZBTC",
            **{name: row[name] * tiny for name in ("open", "close", "quote_volume")},
            **{name: row[name] * tiny for name in ("bought", "sold")},
        }
        for row in [*quiet(), *pumped(10_810)]
    ]
    assert {one["kind"] for one in revisions(rows)} >= {"pump"}


@pytest.mark.parametrize(
    "facts", [{"buys": 0.4}, {"volume": 900.0}, {"rise": 0.004}], ids=["sold", "thin", "flat"]
)
def test_price_volume_and_buying_must_come_together(facts):
    assert revisions([*quiet(), *pumped(10_810, **facts)], kind="pump") == []


def test_without_sides_there_is_no_pump():
    rows = [row | {"bought": 0.0, "sold": 0.0} for row in [*quiet(), *pumped(10_810)]]
    assert revisions(rows, kind="pump") == []


def test_nothing_is_a_pump_in_the_first_hour():
    assert revisions([*quiet(hours=0.9), *pumped(3_300)], kind="pump") == []
