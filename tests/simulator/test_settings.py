import os
from pathlib import Path

import pytest

from market.settings import read_settings
from simulator.settings import SimulatorSettings


def test_the_defaults_play_the_market_at_speed_60() -> None:
    settings = SimulatorSettings()
    assert (settings.simulator_scenario, settings.simulator_speed) == ("market", 60)
    assert (settings.simulator_port, settings.simulator_from_ms) == (8900, None)
    assert settings.simulator_bars == {}


def test_bar_files_are_split_at_the_systems_separator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRYPTOVIZ_SIMULATOR_BARS", f"btcusd=a.csv{os.pathsep}BTCUSDC=/b=c.csv.gz")
    assert SimulatorSettings().simulator_bars == {
        "BTCUSD": Path("a.csv"),
        "BTCUSDC": Path("/b=c.csv.gz"),
    }


def test_empty_settings_are_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRYPTOVIZ_SIMULATOR_BARS", "")
    monkeypatch.setenv("CRYPTOVIZ_SIMULATOR_FROM_MS", "")
    settings = SimulatorSettings()
    assert (settings.simulator_bars, settings.simulator_from_ms) == ({}, None)


def test_every_wrong_setting_is_named_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = {"PORT": "0", "SEED": "-1", "SPEED": "inf", "FROM_MS": "noon", "BARS": "BTCUSD"}
    for name, text in wrong.items():
        monkeypatch.setenv(f"CRYPTOVIZ_SIMULATOR_{name}", text)
    with pytest.raises(SystemExit) as stopped:
        read_settings(SimulatorSettings)
    assert stopped.value.code == 2
    printed = capsys.readouterr().err
    assert all(f"CRYPTOVIZ_SIMULATOR_{name}" in printed for name in wrong)


def test_a_symbol_named_twice_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRYPTOVIZ_SIMULATOR_BARS", f"BTCUSD=a{os.pathsep}btcusd=b")
    with pytest.raises(ValueError, match="BTCUSD is named twice"):
        SimulatorSettings()
