"""What the market scenario says that it planted is in its trades, candles and snapshots."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.anomaly import KINDS
from simulator.planted import PlantedAnomaly
from simulator.scenario import HOUR_MS, MINUTE_MS, Trade
from simulator.scenarios.market import MarketScenario
from tests.simulator.builders import NOON_MS, market_scenario

HOURS = 6
END_MS = NOON_MS + HOURS * HOUR_MS


@pytest.fixture(scope="module")
def market() -> MarketScenario:
    return market_scenario()


@pytest.fixture(scope="module")
def truth(market: MarketScenario) -> Sequence[PlantedAnomaly]:
    return market.planted(NOON_MS, END_MS)


def planted(truth: Sequence[PlantedAnomaly], kind: str) -> list[PlantedAnomaly]:
    return [one for one in truth if one.kind == kind and one.is_planted]


def trades_of(market: MarketScenario, one: PlantedAnomaly) -> list[Trade]:
    assert one.symbol is not None
    return list(market.trades(one.symbol, one.started_at_ms - 1, one.ended_at_ms - 1))


def dollars(trade: Trade) -> float:
    return float(trade.price) * float(trade.quantity)


def caps(market: MarketScenario, at_ms: int) -> dict[str, float]:
    return {
        one.coin_id: one.price_usd * one.circulating_supply
        for one in market.snapshots(at_ms)
        if one.price_usd is not None and one.circulating_supply is not None
    }


def test_every_kind_is_planted_several_times_in_six_hours(truth: Sequence[PlantedAnomaly]):
    counts = Counter(one.kind for one in truth if one.is_planted)
    assert set(counts) == set(KINDS)
    assert [counts[kind] for kind in ("price_move", "volume", "whale", "silence")] == [HOURS] * 4
    assert min(counts.values()) >= HOURS // 2


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**63 - 1), hours=st.integers(0, 400))
def test_the_same_seed_and_start_give_the_same_truth_in_any_order_of_asking(seed: int, hours: int):
    start_ms = NOON_MS + hours * HOUR_MS
    one, other = (market_scenario(seed=seed, start_ms=start_ms) for _ in range(2))
    later = other.planted(start_ms + HOUR_MS, start_ms + 3 * HOUR_MS)
    first = other.planted(start_ms, start_ms + HOUR_MS)
    assert [*first, *later] == list(one.planted(start_ms, start_ms + 3 * HOUR_MS))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**63 - 1))
def test_no_market_is_planted_twice_at_a_time(seed: int):
    told = market_scenario(seed=seed).planted(NOON_MS, END_MS)
    planted_ones = [one for one in told if one.is_planted]
    for place, one in enumerate(planted_ones):
        assert one.started_at_ms < one.ended_at_ms
        for other in planted_ones[place + 1 :]:
            apart = other.started_at_ms >= one.ended_at_ms
            assert apart or one.coin_id != other.coin_id or one.symbol != other.symbol


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**63 - 1))
def test_a_planted_move_is_really_in_the_trades(seed: int):
    market = market_scenario(seed=seed)
    for one in planted(market.planted(NOON_MS, NOON_MS + 3 * HOUR_MS), "price_move"):
        trades = trades_of(market, one)
        first, last = float(trades[0].price), float(trades[-1].price)
        assert trades[-1].traded_at_ms - trades[0].traded_at_ms < MINUTE_MS
        assert 100 * (last / first - 1) == pytest.approx(one.peak, abs=0.9)
        assert abs(last / first - 1) > 0.055
        assert len(trades) > 10


def test_a_planted_whale_is_one_trade_far_above_all_others_of_its_hour(
    market: MarketScenario, truth: Sequence[PlantedAnomaly]
):
    for one in planted(truth, "whale"):
        assert one.symbol is not None
        hour_ms = one.started_at_ms - one.started_at_ms % HOUR_MS
        largest = sorted(market.trades(one.symbol, hour_ms, hour_ms + HOUR_MS), key=dollars)
        assert dollars(largest[-1]) == pytest.approx(one.peak, rel=0.02)
        assert one.started_at_ms == largest[-1].traded_at_ms
        assert dollars(largest[-1]) > 1_000_000
        assert dollars(largest[-2]) < 200_000


def test_a_silent_market_prints_nothing_and_its_candles_are_empty(
    market: MarketScenario, truth: Sequence[PlantedAnomaly]
):
    for one in planted(truth, "silence"):
        assert one.symbol is not None
        assert trades_of(market, one) == []
        minutes = (one.ended_at_ms - one.started_at_ms) // MINUTE_MS
        rows = market.klines(one.symbol, MINUTE_MS, one.started_at_ms, minutes, END_MS)
        assert [row.trades for row in rows] == [0] * 25
        # Ids go on as if nothing had been: nothing is missing.
        before = market.last_trades(one.symbol, 1, one.ended_at_ms - 1)[0]
        after = next(market.trades(one.symbol, one.ended_at_ms - 1, END_MS))
        assert after.trade_id == before.trade_id + 1


def test_a_divergence_holds_the_two_markets_apart_between_its_ends_only(
    market: MarketScenario, truth: Sequence[PlantedAnomaly]
):
    for one in planted(truth, "divergence"):
        assert (one.symbol, one.other_symbol) == ("BTCUSDC", "BTCUSDT")
        first_ms = one.started_at_ms // MINUTE_MS * MINUTE_MS
        end_ms = -(-one.ended_at_ms // MINUTE_MS) * MINUTE_MS
        minutes = (end_ms - first_ms) // MINUTE_MS + 2
        a, b = (
            market.klines(symbol, MINUTE_MS, first_ms - MINUTE_MS, minutes, END_MS)
            for symbol in (one.symbol, "BTCUSDT")
        )
        apart = [float(x.close) / float(y.close) - 1 for x, y in zip(a, b, strict=True)]
        assert min(map(abs, apart[2:-3])) > 0.01
        assert max(abs(apart[0]), abs(apart[-1])) < 0.01
        assert 100 * max(apart, key=abs) == pytest.approx(one.peak, abs=0.1)


def test_a_pump_lifts_price_volume_and_buyers_together_and_ends_where_it_began(
    market: MarketScenario, truth: Sequence[PlantedAnomaly]
):
    for one in planted(truth, "pump"):
        assert one.symbol is not None
        rows = market.klines(one.symbol, MINUTE_MS, one.started_at_ms - 5 * MINUTE_MS, 21, END_MS)
        usual = sum(float(row.quote_volume) for row in rows[:5]) / 5
        rise = rows[5:6]
        assert 100 * (float(rise[-1].close) / float(rise[0].open) - 1) == pytest.approx(
            one.peak, abs=2
        )
        assert all(float(row.quote_volume) > 40 * usual for row in rise)
        bought = sum(float(row.taker_quote_volume) for row in rise)
        assert bought > 0.8 * sum(float(row.quote_volume) for row in rise)
        assert float(rows[-1].close) == pytest.approx(float(rows[4].close), rel=0.03)


def test_an_overtake_is_in_the_snapshots_market_caps(
    market: MarketScenario, truth: Sequence[PlantedAnomaly]
):
    for one in planted(truth, "overtake"):
        assert one.other_coin_id is not None
        before, at_last = (
            caps(market, at_ms)
            for at_ms in (one.started_at_ms - MINUTE_MS, one.ended_at_ms - MINUTE_MS)
        )
        during = caps(market, (one.started_at_ms + one.ended_at_ms) // 2)
        assert before[one.coin_id] < before[one.other_coin_id]
        assert at_last[one.coin_id] > at_last[one.other_coin_id]
        assert 100 * (during[one.coin_id] / during[one.other_coin_id] - 1) > 1


def test_every_crossing_of_two_caps_is_told_also_those_that_nobody_planted(
    market: MarketScenario, truth: Sequence[PlantedAnomaly]
):
    told = {
        (one.coin_id, one.other_coin_id, one.started_at_ms)
        for one in truth
        if one.kind == "overtake"
    }
    for at_ms in range(NOON_MS + HOUR_MS, NOON_MS + 2 * HOUR_MS, MINUTE_MS):
        before, now = caps(market, at_ms - MINUTE_MS), caps(market, at_ms)
        for winner in now:
            for loser in now:
                if before[winner] < before[loser] and now[winner] > now[loser]:
                    assert (winner, loser, at_ms) in told


def test_a_burst_of_volume_moves_no_price(market: MarketScenario, truth: Sequence[PlantedAnomaly]):
    for one in planted(truth, "volume"):
        assert one.symbol is not None
        rows = market.klines(one.symbol, MINUTE_MS, one.started_at_ms - 10 * MINUTE_MS, 14, END_MS)
        usual = sorted(float(row.volume) for row in rows[:10])[5]
        assert max(float(row.volume) for row in rows[10:]) > 15 * usual
        assert float(rows[-1].close) == pytest.approx(float(rows[9].close), rel=0.02)


def test_outside_of_what_is_told_no_price_moves_five_per_cent_in_two_minutes(
    market: MarketScenario, truth: Sequence[PlantedAnomaly]
):
    for symbol in market.instruments:
        rows = market.klines(symbol, MINUTE_MS, NOON_MS, HOURS * 60, END_MS)
        moved = [
            later.open_time_ms
            for earlier, later in pairwise(rows)
            if max(float(earlier.high), float(later.high))
            > 1.04 * min(float(earlier.low), float(later.low))
        ]
        stretches = [
            (one.started_at_ms - MINUTE_MS, one.ended_at_ms + MINUTE_MS)
            for one in truth
            if one.symbol == symbol and one.kind == "price_move"
        ]
        assert all(any(begin <= at <= end for begin, end in stretches) for at in moved), symbol


def test_nothing_is_planted_before_the_start():
    late = market_scenario(start_ms=NOON_MS + 10 * MINUTE_MS)
    told = late.planted(NOON_MS, NOON_MS + HOUR_MS)
    assert all(one.started_at_ms >= late.start_ms for one in told)
    assert late.planted(NOON_MS - HOUR_MS, NOON_MS) == []
