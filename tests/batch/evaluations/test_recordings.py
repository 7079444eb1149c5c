"""Recorded trades make the bars that venues published: every whole bar equal."""

import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyarrow import feather

from tests.agents.sources.recordings import recording
from tests.batch.builders import write_bars, write_trades
from tests.batch.conftest import Evaluate

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("shared_spark")]

MINUTE_MS = 60_000
FREQTRADE = "market/freqtrade"
NAUTILUS = "market/nautilus"


def table(name: str) -> list[dict[str, Any]]:
    return feather.read_table(io.BytesIO(recording(name))).to_pylist()


def recorded_bars(interval: str) -> list[Any]:
    """XRP/ETH of Binance; both recordings of trades are of the same three days."""
    return [
        {
            **bar,
            "symbol": "XRPETH",
            "open_time_ms": round(bar["date"].timestamp() * 1000),
            "trades": "",
        }
        for bar in table(f"{FREQTRADE}/XRP_ETH-{interval}.feather")
    ]


def feather_trades() -> list[Any]:
    return [
        {
            "symbol": "XRPETH",
            "trade_id": trade["id"],
            "price": trade["price"],
            "quantity": trade["amount"],
            "aggressor": trade["side"],
            "traded_at_ms": trade["timestamp"],
        }
        for trade in table(f"{FREQTRADE}/XRP_ETH-trades.feather")
    ]


def raw_trades() -> list[Any]:
    """Binance's own objects, with numbers as it wrote them."""
    trades = [
        trade["info"] for trade in json.loads(recording(f"{FREQTRADE}/XRP_OLD-trades.json.gz"))
    ]
    return [
        {
            "symbol": "XRPETH",
            "trade_id": trade["a"],
            "price": trade["p"],
            "quantity": trade["q"],
            "aggressor": "sell" if trade["m"] else "buy",
            "traded_at_ms": trade["T"],
        }
        for trade in trades
    ]


@pytest.mark.parametrize("trades", [raw_trades, feather_trades])
@pytest.mark.parametrize(("interval", "bars"), [("1m", 2_469), ("5m", 706)])
def test_trades_of_binance_make_its_bars(
    evaluate: Evaluate, tmp_path: Path, trades, interval: str, bars: int
):
    report = evaluate(
        "candles",
        *("--trades", write_trades(tmp_path / "trades.csv.gz", reversed(trades()))),
        *("--expected", write_bars(tmp_path / "bars.csv", recorded_bars(interval))),
        *("--interval", interval),
    )
    assert report["differences"] == []
    assert (report["bars"], report["equal"], report["not_expected"]) == (bars, bars, 0)
    assert (report["trades"], report["bad_rows"]) == (12_477, 0)


def test_trades_of_kraken_make_its_whole_minutes_with_their_counts(
    evaluate: Evaluate, tmp_path: Path
):
    """Whole are the minutes between that of the first and that of the last trade."""
    trades = [
        {
            "symbol": "XBTUSDT",
            "trade_id": trade_id,
            "price": price,
            "quantity": quantity,
            "aggressor": {"b": "buy", "s": "sell"}[side],
            "traded_at_ms": int(at * 1000),
        }
        for price, quantity, at, side, _, _, trade_id in json.loads(
            recording(f"{NAUTILUS}/kraken_http_trades.json"), parse_float=Decimal
        )["result"]["XBTUSDT"]
    ]
    first_ms, last_ms = (trades[at]["traded_at_ms"] // MINUTE_MS * MINUTE_MS for at in (0, -1))
    names = ("open", "high", "low", "close", "vwap", "volume", "trades")
    published = json.loads(recording(f"{NAUTILUS}/kraken_http_ohlc.json"))["result"]["XBTUSDT"]
    whole = [
        {"symbol": "XBTUSDT", "open_time_ms": at * 1000, **dict(zip(names, fields, strict=True))}
        for at, *fields in published
        if first_ms < at * 1000 < last_ms
    ]
    report = evaluate(
        "candles",
        *("--trades", write_trades(tmp_path / "trades.csv", trades)),
        *("--expected", write_bars(tmp_path / "bars.csv", whole)),
    )
    assert report["differences"] == []
    assert report["equal"] == report["bars"] == len(whole)
    assert report["bars"] - report["quiet"] == 272
    # The first and the last minute, of which the trades hold a part.
    assert report["not_expected"] == 2
