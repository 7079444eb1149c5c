import csv
import itertools
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from simulator.recorded_bars.bar_candles import candle_of_trades
from simulator.recorded_bars.bar_file import COLUMNS
from simulator.scenario import DAY_MS, HOUR_MS, MINUTE_MS, WrongScenario
from simulator.scenarios.bars import open_bars
from simulator.scenarios.offer import ScenarioRequest
from tests.platform.recording import write_recording
from tests.simulator.builders import START_MS, bars_scenario, three_minutes, write_bars

LATER_MS = START_MS + DAY_MS


def test_ids_are_contiguous_from_one_and_fills_lie_side_by_side(tmp_path: Path) -> None:
    trades = list(bars_scenario(tmp_path).trades("BTCUSDC", 0, LATER_MS))
    assert [trade.trade_id for trade in trades] == list(range(1, len(trades) + 1))
    fills = [(trade.first_fill_id, trade.last_fill_id) for trade in trades]
    assert all(last + 1 == first for (_, last), (first, _) in itertools.pairwise(fills))
    assert all(first <= last for first, last in fills)


def test_a_minute_of_volume_0_has_a_candle_and_no_trade(tmp_path: Path) -> None:
    scenario = bars_scenario(tmp_path)
    assert list(scenario.minute_trades("BTCUSDC", START_MS // MINUTE_MS + 1)) == []
    quiet = scenario.klines("BTCUSDC", MINUTE_MS, START_MS, 10, LATER_MS)[1]
    assert (quiet.open, quiet.volume, quiet.trades) == ("20005.25", "0.0", 0)


def test_candles_are_the_recorded_rows_and_the_trades_own(tmp_path: Path) -> None:
    scenario = bars_scenario(tmp_path)
    first, _, last = scenario.klines("BTCUSDC", MINUTE_MS, START_MS, 10, LATER_MS)
    assert first[1:6] == ("20000.1", "20010.0", "19990.5", "20005.25", "1.25")
    assert last[1:6] == ("20004", "20006", "19980.75", "19981", "2e-06")
    own = candle_of_trades(START_MS, scenario.minute_trades("BTCUSDC", START_MS // MINUTE_MS))
    assert first.quote_volume == own.quote_volume
    assert first.trades == own.trades


def test_an_hour_leaves_out_the_stale_prices_of_minutes_without_trades(tmp_path: Path) -> None:
    path = write_bars(
        tmp_path / "bars.csv",
        [
            f"{START_MS},500,500,500,500,0",
            f"{START_MS + MINUTE_MS},20,21,19,20.5,1",
            f"{START_MS + 2 * MINUTE_MS},20,22,20,21,3",
        ],
    )
    (hour,) = bars_scenario(tmp_path, BTCUSDT=path).klines(
        "BTCUSDT", HOUR_MS, START_MS, 10, LATER_MS
    )
    assert hour[1:6] == ("20", "22", "19", "21", "4")


def test_a_candle_that_is_still_open_holds_only_what_was_traded(tmp_path: Path) -> None:
    scenario = bars_scenario(tmp_path)
    trades = scenario.minute_trades("BTCUSDC", START_MS // MINUTE_MS)
    second_ms = trades[1].traded_at_ms
    (candle,) = scenario.klines("BTCUSDC", MINUTE_MS, START_MS, 10, second_ms)
    assert candle == candle_of_trades(START_MS, trades[:2])
    assert not scenario.klines("BTCUSDC", MINUTE_MS, START_MS, 10, trades[0].traded_at_ms - 1)


def test_any_id_is_found_again_by_itself(tmp_path: Path) -> None:
    trades = list(bars_scenario(tmp_path).trades("BTCUSDC", 0, LATER_MS))
    for trade in trades:
        fresh = bars_scenario(tmp_path)
        assert fresh.trades_from_id("BTCUSDC", trade.trade_id, 1, LATER_MS) == [trade]
    assert fresh.trades_from_id("BTCUSDC", len(trades) + 1, 10, LATER_MS) == []
    assert fresh.trades_from_id("BTCUSDC", 0, 1_000, LATER_MS) == trades


def test_the_newest_trades_are_asked_for_across_minutes_and_after_the_end(tmp_path: Path) -> None:
    scenario = bars_scenario(tmp_path)
    trades = list(scenario.trades("BTCUSDC", 0, LATER_MS))
    assert scenario.last_trades("BTCUSDC", len(trades) - 1, LATER_MS) == trades[1:]


def test_bars_before_the_start_are_candles_and_no_trades(tmp_path: Path) -> None:
    path = three_minutes(tmp_path / "bars.csv")
    start_ms = START_MS + 2 * MINUTE_MS
    scenario = open_bars(ScenarioRequest(start_ms=start_ms, bars={"BTCUSD": path}))
    assert not list(scenario.trades("BTCUSD", 0, start_ms - 1))
    assert next(scenario.trades("BTCUSD", 0, LATER_MS)).trade_id == 1
    before = scenario.klines("BTCUSD", MINUTE_MS, START_MS, 10, start_ms)
    assert [row.close for row in before] == ["20005.25", "20005.25"]
    assert before[0].trades > 0


def test_a_coin_has_the_price_of_its_main_market(tmp_path: Path) -> None:
    dollars = write_bars(tmp_path / "usd.csv", [f"{START_MS},90,92,89,91,2"])
    files = {"BTCUSDC": three_minutes(tmp_path / "usdc.csv"), "BTCUSD": dollars}
    (bitcoin,) = bars_scenario(tmp_path, **files).snapshots(START_MS + 5 * MINUTE_MS)
    assert (bitcoin.coin_id, bitcoin.price_usd) == ("bitcoin", 91.0)
    assert (bitcoin.high_24h_usd, bitcoin.low_24h_usd) == (92.0, 89.0)
    assert bitcoin.volume_24h_usd == pytest.approx(182.0)
    assert bitcoin.circulating_supply is None
    assert set(bitcoin.changes_pct.values()) == {None}


def test_a_snapshot_knows_no_price_before_the_first_bar_has_closed(tmp_path: Path) -> None:
    (bitcoin,) = bars_scenario(tmp_path).snapshots(START_MS + MINUTE_MS - 1)
    assert bitcoin.price_usd is None
    assert bitcoin.high_24h_usd is None


def test_the_change_of_a_day_is_measured_from_the_bar_of_then(tmp_path: Path) -> None:
    path = write_bars(
        tmp_path / "bars.csv",
        [f"{START_MS},100,100,100,100,1", f"{START_MS + DAY_MS},110,110,110,110,1"],
    )
    (bitcoin,) = bars_scenario(tmp_path, BTCUSD=path).snapshots(START_MS + DAY_MS + MINUTE_MS)
    assert bitcoin.changes_pct["24h"] == pytest.approx(10.0)


def test_every_wrong_file_and_symbol_is_named_at_once(tmp_path: Path) -> None:
    bad = write_bars(tmp_path / "bad.csv", [f"{START_MS},1,1,2,1,1"])
    request = ScenarioRequest(
        bars={"BTCUSD": bad, "NOPEUSDT": bad, "ETHUSDT": tmp_path / "absent.csv"}
    )
    with pytest.raises(WrongScenario) as error:
        open_bars(request)
    assert all(word in str(error.value) for word in ("line 2", "NOPE", "absent.csv"))


def test_a_start_outside_the_files_and_no_file_at_all_are_refused(tmp_path: Path) -> None:
    path = three_minutes(tmp_path / "bars.csv")
    with pytest.raises(WrongScenario, match="outside the files"):
        open_bars(ScenarioRequest(start_ms=LATER_MS, bars={"BTCUSD": path}))
    with pytest.raises(WrongScenario, match="SYMBOL=FILE"):
        open_bars(ScenarioRequest())


def test_four_hours_of_three_markets_come_back_bar_for_bar(tmp_path: Path) -> None:
    files = dict(write_recording(tmp_path, seed=5, minutes=240))
    scenario = bars_scenario(tmp_path, **files)
    traded = quiet = 0
    for symbol, path in files.items():
        for recorded in csv.DictReader(path.read_text("utf-8").splitlines()):
            opened_ms = round(datetime.fromisoformat(recorded["open_time"]).timestamp() * 1000)
            trades = scenario.minute_trades(symbol, opened_ms // MINUTE_MS)
            if Decimal(recorded["volume"]) == 0:
                assert not trades
                quiet += 1
                continue
            own = candle_of_trades(opened_ms, trades)
            assert [Decimal(text) for text in own[1:6]] == [
                Decimal(recorded[name]) for name in COLUMNS[1:]
            ]
            traded += 1
    assert traded + quiet == 3 * 240
    assert min(traded, quiet) > 100
