"""Minutes in which quotes of a coin differ, on files of a few quotes and on the depeg of 2023."""

import csv
import io
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from market.errors import Fatal
from spark_jobs.transforms.anomalies.divergence import Divergence
from spark_jobs.transforms.anomalies.watch import open_core
from tests.agents.sources.recordings import recording
from tests.batch.builders import START_MS, write_csv
from tests.batch.conftest import Evaluate
from tests.spark_jobs.transforms.anomalies.builders import a_second

NAMES = ("source", "symbol", "observed_at_ms", "price")
DEPEG = "market/usdc_depeg_2023"
MINUTE_MS = 60_000


def a_quote(minute: float, symbol: str = "BTCUSD", price: float = 100.0, **facts: Any):
    moment_ms = START_MS + round(minute * MINUTE_MS)
    return {
        "source": "venue",
        "symbol": symbol,
        "observed_at_ms": moment_ms,
        "price": price,
    } | facts


@pytest.fixture
def diverged(evaluate: Evaluate, tmp_path: Path):
    def run(*quotes: Any, **options: Any) -> dict[str, Any]:
        path = write_csv(tmp_path / "quotes.csv", NAMES, quotes)
        words = [part for name, value in options.items() for part in (f"--{name}", value)]
        return evaluate("divergence", "--quotes", path, *words)

    return run


def test_a_pair_is_the_last_quote_of_each_inside_one_minute(diverged):
    told = diverged(
        a_quote(0.1, price=90.0), a_quote(0.9), a_quote(0.3, "BTCUSDC", 101.5),
        a_quote(1.1), a_quote(2.1, "BTCUSDC", 105.0),
    )  # fmt: skip
    assert (told["compared_minutes"], told["minutes_over_threshold"]) == (1, 1)
    (episode,) = told["episodes"]
    assert (episode["symbol"], episode["other_symbol"]) == ("BTCUSDC", "BTCUSD")
    assert episode["peak_pct"] == pytest.approx(1.5)
    assert episode["opened_at_ms"] == START_MS


def test_two_sources_of_one_symbol_are_compared_whatever_they_call_it(diverged):
    one, two = a_quote(0, "BTC/USD", source="a"), a_quote(0, "XBTUSD", 103.0, source="b")
    assert diverged(one, two)["minutes_over_threshold"] == 1
    one, two = a_quote(0, "GOLD", source="a"), a_quote(0, "GOLD", 103.0, source="b")
    assert diverged(one, two)["minutes_over_threshold"] == 1


def test_other_coins_and_other_currencies_are_not_compared(diverged):
    told = diverged(a_quote(0), a_quote(0, "ETHUSD", 50.0), a_quote(0, "BTCEUR", 90.0))
    assert told["compared_minutes"] == 0


def test_the_threshold_is_the_users(diverged):
    quotes = a_quote(0), a_quote(0, "BTCUSDC", 101.5)
    assert diverged(*quotes, **{"threshold-pct": 2})["minutes_over_threshold"] == 0


def test_rows_may_come_in_any_order_and_bad_ones_are_named(diverged):
    told = diverged(
        a_quote(1, "BTCUSDC", 103.0), a_quote(0), a_quote(1), a_quote(0, price=-1.0),
    )  # fmt: skip
    assert told["minutes_over_threshold"] == 1
    assert told["bad_rows"] == 1
    assert told["bad_rows_named"][0]["column"] == "price"


def test_a_file_without_a_row_cannot_be_evaluated(diverged):
    with pytest.raises(Fatal):
        diverged()


def closes(symbol: str) -> dict[int, tuple[float, float]]:
    """Close and volume of each minute of Binance.US."""
    raw = recording(f"{DEPEG}/binanceus_{symbol}_1m_20230301_20230321.csv.gz")
    rows = csv.DictReader(io.StringIO(raw.decode()))
    return {
        round(datetime.fromisoformat(row["open_time"]).timestamp() * 1000): (
            float(row["close"]),
            float(row["volume"]),
        )
        for row in rows
    }


def test_the_depeg_of_2023_is_found_whole(evaluate, tmp_path):
    rows = [
        {"source": "binanceus", "symbol": symbol, "observed_at_ms": at_ms, "price": close}
        for symbol in ("BTCUSD", "BTCUSDC")
        for at_ms, (close, _) in closes(symbol).items()
    ]
    told = evaluate("divergence", "--quotes", write_csv(tmp_path / "quotes.csv", NAMES, rows))
    assert told["minutes_over_threshold"] == 3_010
    first, last = told["episodes"][0], told["episodes"][-1]
    assert first["opened_at_ms"] == 1_678_507_980_000  # 2023-03-11T04:13:00Z
    assert last["opened_at_ms"] <= 1_678_798_260_000 <= last["resolved_at_ms"]  # 03-14T12:51:00Z
    assert max(one["peak_pct"] for one in told["episodes"]) == pytest.approx(14.3, abs=0.05)


def test_the_control_has_none(evaluate, tmp_path):
    raw = recording(f"{DEPEG}/kraken_XBTUSD_5.csv.gz")
    cells = [line.split(",") for line in raw.decode().split()]
    kraken = {1000 * int(row[0]): float(row[4]) for row in cells}
    ours: dict[int, float] = {}
    for at_ms, (close, _) in closes("BTCUSD").items():
        ours[at_ms - at_ms % 300_000] = close
    rows = [
        {"source": source, "symbol": symbol, "observed_at_ms": at_ms, "price": held[at_ms]}
        for source, symbol, held in (("kraken", "XBTUSD", kraken), ("binanceus", "BTCUSD", ours))
        for at_ms in sorted(kraken.keys() & ours.keys())
    ]
    told = evaluate("divergence", "--quotes", write_csv(tmp_path / "quotes.csv", NAMES, rows))
    assert (told["compared_minutes"], told["minutes_over_threshold"]) == (6_047, 0)


def test_live_from_bars_the_minutes_in_which_both_traded_are_found():
    """The core of the stream: what nobody traded is no quote."""
    usd, usdc = closes("BTCUSD"), closes("BTCUSDC")
    rows = [
        a_second(
            (at_ms - START_MS) / 1000,
            close,
            symbol=symbol,
            quote=symbol.removeprefix("BTC"),
            quote_volume=volume * close,
        )
        for symbol, held in (("BTCUSD", usd), ("BTCUSDC", usdc))
        for at_ms, (close, volume) in held.items()
        if volume > 0
    ]
    rows.sort(key=lambda row: (row["second_ms"], row["symbol"]))
    detector = Divergence()
    over = {
        row["second_ms"]
        for row in rows
        for pair in detector.compare(row)
        if abs(pair.difference_pct) > 1
    }
    assert len(over) == 2_002
    given = open_core("bitcoin", None).step(rows)
    opened = [one for one in given if one["kind"] == "divergence"]
    assert {one["symbol"] for one in opened} == {"BTCUSDC"}
    starts = [one["started_at_ms"] for one in opened]
    assert min(starts) == min(over)
    assert max(one["peak_value"] for one in opened) == pytest.approx(14.3, abs=0.3)
