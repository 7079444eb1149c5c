import os
import subprocess
import sys
from decimal import Decimal
from hashlib import blake2b
from itertools import pairwise

import numpy as np
import pytest

from market.coins import coins, default_symbols
from simulator.recorded_bars.bar_candles import candle_of_trades
from simulator.scenario import DAY_MS, HOUR_MS, MINUTE_MS, Trade, WrongScenario
from simulator.scenarios.market import MarketScenario, open_market
from simulator.scenarios.offer import ScenarioRequest
from simulator.simulation import frame_of
from tests.simulator.builders import NOON_MS, market_scenario

MINUTE = NOON_MS // MINUTE_MS


def digest(trades: list[Trade]) -> str:
    return blake2b(b"\n".join(frame_of(trade).text for trade in trades)).hexdigest()


def twenty_minutes(scenario: MarketScenario) -> list[Trade]:
    return list(scenario.all_trades(NOON_MS - 1, NOON_MS + 20 * MINUTE_MS - 1))


def numbers(candle: tuple[object, ...]) -> list[Decimal]:
    return [Decimal(str(part)) for part in candle]


@pytest.fixture(scope="module")
def market() -> MarketScenario:
    return market_scenario()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(
    market: MarketScenario,
) -> None:
    assert digest(twenty_minutes(market)) == digest(twenty_minutes(market_scenario()))
    assert digest(twenty_minutes(market)) != digest(twenty_minutes(market_scenario(seed=8)))


def test_a_restart_in_the_middle_goes_on_with_the_same_bytes(market: MarketScenario) -> None:
    middle_ms = NOON_MS + 7 * MINUTE_MS + 12_345
    end_ms = NOON_MS + 20 * MINUTE_MS - 1
    before = list(market_scenario().all_trades(NOON_MS - 1, middle_ms))
    after = list(market_scenario().all_trades(middle_ms, end_ms))
    assert digest(before + after) == digest(twenty_minutes(market))


def test_asking_for_other_things_first_changes_nothing(market: MarketScenario) -> None:
    asked = market_scenario()
    asked.snapshots(NOON_MS + 40 * DAY_MS)
    asked.klines("ETHUSDT", DAY_MS, NOON_MS - 200 * DAY_MS, 300, NOON_MS)
    asked.trades_from_id("SOLUSDT", 1_000_000, 1, NOON_MS + 100 * DAY_MS)
    assert digest(twenty_minutes(asked)) == digest(twenty_minutes(market))


def test_another_process_gives_the_same_bytes(market: MarketScenario) -> None:
    program = (
        "from tests.simulator.scenarios.test_market import *\n"
        "import sys; sys.stdout.write(digest(twenty_minutes(market_scenario())))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        env={**os.environ, "PYTHONHASHSEED": "99"},
    )
    assert done.stdout.decode() == digest(twenty_minutes(market))


@pytest.mark.parametrize("symbol", ["BTCUSDT", "BTCUSDC", "USDCUSDT", "PEPEUSDT", "WLDUSDT"])
def test_candles_of_the_run_are_the_trades_own_in_every_field(
    market: MarketScenario, symbol: str
) -> None:
    now_ms = NOON_MS + 90 * MINUTE_MS + 31_234
    trades = list(market.trades(symbol, NOON_MS - 1, now_ms))
    for interval_ms in (MINUTE_MS, 5 * MINUTE_MS, HOUR_MS):
        candles = market.klines(symbol, interval_ms, NOON_MS, 1_000, now_ms)
        traded = [candle for candle in candles if candle.trades]
        own = [
            candle_of_trades(candle.open_time_ms, inside)
            for candle in traded
            if (
                inside := [
                    trade
                    for trade in trades
                    if 0 <= trade.traded_at_ms - candle.open_time_ms < interval_ms
                ]
            )
        ]
        assert list(map(numbers, traded)) == list(map(numbers, own))
        assert sum(candle.trades for candle in traded) == trades[-1].last_fill_id


def test_ids_are_contiguous_from_one_and_times_never_fall(market: MarketScenario) -> None:
    for symbol in market.instruments:
        trades = list(market.trades(symbol, 0, NOON_MS + 70 * MINUTE_MS))
        assert [trade.trade_id for trade in trades] == list(range(1, len(trades) + 1))
        assert all(a.traded_at_ms <= b.traded_at_ms for a, b in pairwise(trades))
        assert all(b.first_fill_id == a.last_fill_id + 1 for a, b in pairwise(trades))


def test_ids_go_on_over_midnight(market: MarketScenario) -> None:
    midnight_ms = NOON_MS + DAY_MS // 2
    around = market.trades("BTCUSDT", midnight_ms - MINUTE_MS, midnight_ms + MINUTE_MS)
    ids = [trade.trade_id for trade in around]
    assert ids == list(range(ids[0], ids[-1] + 1))


@pytest.mark.parametrize("trade_id", [1, 158, 5_000, 777_777, 30_000_000])
def test_any_id_is_found_by_itself(market: MarketScenario, trade_id: int) -> None:
    page = market.trades_from_id("BTCUSDT", trade_id, 500, NOON_MS + 400 * DAY_MS)
    assert [trade.trade_id for trade in page] == list(range(trade_id, trade_id + 500))


@pytest.mark.parametrize("trade_id", [10**9, 10**12, 10**19])
def test_an_absurd_id_is_answered_at_once_with_nothing(
    market: MarketScenario, trade_id: int
) -> None:
    assert market.trades_from_id("BTCUSDT", trade_id, 500, NOON_MS + DAY_MS) == []


def test_nothing_before_the_start_or_after_now_is_a_trade(market: MarketScenario) -> None:
    now_ms = NOON_MS + 90_500
    assert not list(market.trades("BTCUSDT", 0, NOON_MS - 1))
    newest = market.last_trades("BTCUSDT", 1_000, now_ms)
    assert newest == list(market.trades("BTCUSDT", 0, now_ms))
    assert newest[-1].traded_at_ms <= now_ms
    assert market.trades_from_id("BTCUSDT", newest[-1].trade_id + 1, 10, now_ms) == []


@pytest.mark.parametrize("interval_ms", [MINUTE_MS, HOUR_MS, DAY_MS])
@pytest.mark.parametrize("symbol", ["BTCUSDT", "BTCUSDC", "BONKUSDT"])
def test_a_thousand_candles_before_the_start_join_it(
    market: MarketScenario, symbol: str, interval_ms: int
) -> None:
    open_ms = NOON_MS - NOON_MS % interval_ms
    rows = market.klines(symbol, interval_ms, open_ms - 1_000 * interval_ms, 1_001, NOON_MS)
    times = [row.open_time_ms for row in rows]
    assert times[:1_000] == list(range(open_ms - 1_000 * interval_ms, open_ms, interval_ms))
    assert all(float(row.low) > 0 and int(row.trades) >= 0 for row in rows)
    for row in rows:
        low, high = Decimal(row.low), Decimal(row.high)
        assert low <= min(Decimal(row.open), Decimal(row.close))
        assert high >= max(Decimal(row.open), Decimal(row.close))
    first = next(market.trades(symbol, 0, NOON_MS + HOUR_MS))
    before = market.klines(symbol, MINUTE_MS, NOON_MS - MINUTE_MS, 1, NOON_MS)[0]
    assert float(before.close) == pytest.approx(float(first.price), rel=0.01)
    gaps = [abs(float(b.open) / float(a.close) - 1) for a, b in pairwise(rows)]
    assert max(gaps) < 0.03


def test_longer_candles_are_made_of_the_shorter_ones(market: MarketScenario) -> None:
    first_ms = NOON_MS - 3 * DAY_MS - NOON_MS % DAY_MS
    (day,) = market.klines("ETHUSDT", DAY_MS, first_ms, 1, NOON_MS)
    hours = market.klines("ETHUSDT", HOUR_MS, first_ms, 24, NOON_MS)
    minutes = market.klines("ETHUSDT", MINUTE_MS, first_ms, 1_440, NOON_MS)
    for parts in (hours, minutes):
        assert Decimal(day.high) == max(Decimal(part.high) for part in parts)
        assert Decimal(day.low) == min(Decimal(part.low) for part in parts)
        assert Decimal(day.volume) == sum(Decimal(part.volume) for part in parts)
        assert day.trades == sum(part.trades for part in parts)


def test_about_twenty_trades_a_second_busier_by_rank(market: MarketScenario) -> None:
    ids = [
        market.world.days.ids_before(day + 1) - market.world.days.ids_before(day)
        for day in range(20_458, 20_458 + 60)
    ]
    a_day = np.mean(ids, axis=0)
    assert 12 < a_day.sum() / 86_400 < 30
    symbols = list(market.instruments)
    assert a_day[symbols.index("BTCUSDT")] > 20 * a_day[symbols.index("WLDUSDT")]


def test_returns_are_correlated_and_volatility_comes_in_regimes(market: MarketScenario) -> None:
    columns = [market.world.hourly(day) for day in range(20_420, 20_450)]
    closes = np.concatenate([rows.close for rows in columns])
    symbols = list(market.instruments)
    returns = np.diff(np.log(closes), axis=0)
    pairs = np.corrcoef(returns.T)
    bitcoin, ether = symbols.index("BTCUSDT"), symbols.index("ETHUSDT")
    usdc = symbols.index("USDCUSDT")
    assert 0.5 < pairs[bitcoin, ether] < 0.95
    assert abs(pairs[bitcoin, usdc]) < 0.3
    daily = np.abs(returns[:, bitcoin][: 29 * 24].reshape(29, 24)).mean(axis=1)
    assert daily.max() > 2 * daily.min()


def test_sizes_are_heavy_tailed(market: MarketScenario) -> None:
    trades = market.trades("BTCUSDT", 0, NOON_MS + 60 * MINUTE_MS)
    sizes = np.array([float(trade.quantity) for trade in trades])
    assert sizes.max() > 30 * np.median(sizes)


def test_bitcoins_two_markets_stay_together_but_where_a_divergence_is_planted(
    market: MarketScenario,
) -> None:
    a, b = (market.world.bars(20_460).close[:, list(market.instruments).index(s)] / 100
            for s in ("BTCUSDT", "BTCUSDC"))  # fmt: skip
    apart = np.flatnonzero(np.abs(a / b - 1) > 0.005) + 20_460 * 1_440
    planted = market.planted(20_460 * DAY_MS, 20_461 * DAY_MS)
    minutes = [
        range(one.started_at_ms // MINUTE_MS - 3, one.ended_at_ms // MINUTE_MS + 3)
        for one in planted
        if one.kind == "divergence"
    ]
    assert len(minutes) == 12
    assert all(any(minute in inside for inside in minutes) for minute in apart.tolist())


def test_every_coin_has_a_snapshot_with_the_price_of_its_main_market(
    market: MarketScenario,
) -> None:
    at_ms = NOON_MS + 5 * MINUTE_MS + 59_999
    snapshots = {one.coin_id: one for one in market.snapshots(at_ms)}
    traded = {one.coin_id for one in market.instruments.values()} | {"tether"}
    assert list(snapshots) == [coin_id for coin_id in coins() if coin_id in traded]
    bitcoin = snapshots["bitcoin"]
    assert bitcoin.observed_at_ms == NOON_MS + 5 * MINUTE_MS
    last = list(market.trades("BTCUSDT", 0, bitcoin.observed_at_ms - 1))[-1]
    assert bitcoin.price_usd == float(last.price)
    assert bitcoin.price_usd is not None
    assert bitcoin.low_24h_usd is not None
    assert bitcoin.high_24h_usd is not None
    assert bitcoin.low_24h_usd <= bitcoin.price_usd <= bitcoin.high_24h_usd
    assert snapshots["tether"].price_usd == pytest.approx(1, abs=0.01)
    assert set(bitcoin.changes_pct) == {"1h", "24h", "7d", "14d", "30d", "200d", "1y"}


def test_it_trades_the_default_symbols(market: MarketScenario) -> None:
    assert tuple(market.instruments) == default_symbols("binance")


def test_files_and_absurd_starts_are_refused(tmp_path: object) -> None:
    with pytest.raises(WrongScenario, match="year"):
        open_market(ScenarioRequest(start_ms=1_767_614_400))
    with pytest.raises(WrongScenario, match="only the scenario bars"):
        open_market(ScenarioRequest(bars={"BTCUSDT": "x"}))  # type: ignore[dict-item]
