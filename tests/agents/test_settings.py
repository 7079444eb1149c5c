from pathlib import Path

import pytest

from agents.settings import VENDORS, AgentSettings, read_for
from agents.sources import SOURCES
from market.coins import default_symbols
from market.settings import read_settings


def test_symbols_come_from_a_comma_list_in_any_case_and_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CRYPTOVIZ_BINANCE_SYMBOLS", "btcusdt, ETHUSDT,BTCUSDT")
    assert read_settings(AgentSettings).binance_symbols == ("BTCUSDT", "ETHUSDT")


def test_without_a_setting_every_known_coin_s_main_market_is_followed():
    assert AgentSettings().binance_symbols == default_symbols("binance")


def test_every_wrong_field_is_named_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("CRYPTOVIZ_BINANCE_SYMBOLS", "NOPEUSDT")
    monkeypatch.setenv("CRYPTOVIZ_COINGECKO_URL", "api.coingecko.com")
    monkeypatch.setenv("CRYPTOVIZ_BODY_CAP_BYTES", "-1")
    with pytest.raises(SystemExit) as exit_info:
        read_settings(AgentSettings)
    assert exit_info.value.code == 2
    printed = capsys.readouterr().err
    for name in ("BINANCE_SYMBOLS", "COINGECKO_URL", "BODY_CAP_BYTES"):
        assert f"CRYPTOVIZ_{name}:" in printed
    assert "coins.csv" in printed


def test_no_market_at_all_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CRYPTOVIZ_BINANCE_SYMBOLS", " , ")
    with pytest.raises(SystemExit):
        read_settings(AgentSettings)


def test_a_key_is_not_printed():
    assert "top-secret" not in repr(AgentSettings(coingecko_api_key="top-secret"))


def test_the_markets_of_the_file_are_followed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    path = tmp_path / "markets.toml"
    path.write_text('[binance]\nsymbols = ["ETHUSDT"]\n', "utf-8")
    monkeypatch.setenv("CRYPTOVIZ_MARKETS_FILE", str(path))
    assert read_settings(AgentSettings).binance_symbols == ("ETHUSDT",)
    monkeypatch.setenv("CRYPTOVIZ_BINANCE_SYMBOLS", "BTCUSDT")
    assert read_settings(AgentSettings).binance_symbols == ("BTCUSDT",)


def test_a_wrong_markets_file_is_named_once_by_its_own_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    monkeypatch.setenv("CRYPTOVIZ_MARKETS_FILE", str(tmp_path / "absent.toml"))
    with pytest.raises(SystemExit):
        read_settings(AgentSettings)
    printed = capsys.readouterr().err
    assert "CRYPTOVIZ_MARKETS_FILE:" in printed
    assert "CRYPTOVIZ_BINANCE_SYMBOLS" not in printed


@pytest.mark.parametrize(
    ("feeds", "words"),
    [
        ("https://example.org/rss", "NAME=URL"),
        ("wire=ftp://example.org/rss", "NAME=URL"),
        ("The Wire=https://example.org/rss", "NAME=URL"),
        ("wire=https://a.example/rss,wire=https://b.example/rss", "wire: named twice"),
        ("a=https://a.example/rss,b=https://a.example/rss", "named twice"),
    ],
)
def test_a_wrong_feed_is_named(
    feeds: str, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("CRYPTOVIZ_RSS_FEEDS", feeds)
    with pytest.raises(SystemExit):
        read_settings(AgentSettings)
    printed = capsys.readouterr().err
    assert "CRYPTOVIZ_RSS_FEEDS:" in printed
    assert words in printed


def test_another_vendor_s_wrong_setting_stops_nobody_and_its_own_only_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("CRYPTOVIZ_RSS_FEEDS", "not a feed")
    monkeypatch.setenv("CRYPTOVIZ_COINGECKO_URL", "nowhere")
    held, wrong = read_for("binance")
    assert wrong is None
    assert held.binance_symbols
    printed = capsys.readouterr().err
    assert "CRYPTOVIZ_RSS_FEEDS:" in printed
    assert "CRYPTOVIZ_COINGECKO_URL:" in printed
    _, wrong = read_for("rss")
    assert "CRYPTOVIZ_RSS_FEEDS" in (wrong or "")
    assert "COINGECKO" not in (wrong or "")


def test_a_wrong_setting_of_all_agents_ends_each_of_them(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CRYPTOVIZ_BODY_CAP_BYTES", "-1")
    with pytest.raises(SystemExit) as exit_info:
        read_for("binance")
    assert exit_info.value.code == 2


def test_every_source_s_settings_have_an_owner():
    assert {name.split("_")[0] for name in SOURCES} <= set(VENDORS)
