from pathlib import Path

import pytest

from market.coins import default_symbols, market_of
from market.errors import Fatal
from market.markets import parse_markets, read_markets


def refusal(text: str) -> str:
    with pytest.raises(Fatal) as caught:
        parse_markets(text, where="here.toml")
    return str(caught.value)


def test_the_packaged_file_is_what_is_followed_unless_set_otherwise():
    assert read_markets()["binance"] == default_symbols("binance")
    assert default_symbols("binance")[0] == "BTCUSDT"
    assert len(default_symbols("binance")) == 52
    assert {market_of("binance", symbol).quote for symbol in default_symbols("binance")} == {
        "USDT",
        "USDC",
    }


def test_a_file_names_venues_and_symbols_in_its_own_order(tmp_path: Path):
    path = tmp_path / "markets.toml"
    path.write_text('[binance]\nsymbols = ["ETHUSDT", "BTCUSDC"]\n', "utf-8")
    assert read_markets(path) == {"binance": ("ETHUSDT", "BTCUSDC")}


def test_everything_that_is_wrong_is_named_at_once():
    words = refusal(
        """
        [binance]
        symbols = ["BTCUSDT", "NOPEUSDT", "BTCUSDT", "btcusdt", 7]
        colour = "red"
        [kraken]
        symbols = ["XBTUSD"]
        """
    )
    for expected in ("here.toml", "NOPE", "BTCUSDT is named twice", "btcusdt", "7", "colour"):
        assert expected in words
    assert "kraken: no such venue; known: binance" in words
    assert "market/coins.csv" in words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", r"[binance] with symbols"),
        ("binance = 3", r"[binance] with symbols"),
        ("[binance]", r"[binance] with symbols"),
        ("[binance]\nsymbols = []", "no list of markets"),
        ('[binance]\nsymbols = "BTCUSDT"', "no list of markets"),
        ("[binance\nsymbols", "not TOML"),
    ],
)
def test_a_file_of_another_form_says_what_is_missing(text: str, expected: str):
    assert expected in refusal(text)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None):
    path = tmp_path / "markets.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Fatal, match=r"markets\.toml cannot be read"):
        read_markets(path)
