from typing import Any

import pytest

from agents.source import Request
from agents.sources.binance_klines import INTERVALS_MS, BinanceKlines
from market.errors import RecordRejected, Retryable
from schemas.codec import decode, encode
from schemas.record_types import EXTERNAL_BAR
from tests.agents.fakes import answer, settings

NOW_MS = 1_767_268_800_000  # 2026-01-01T12:00:00Z
MINUTE_MS = 60_000
SOURCE = BinanceKlines(settings())


def kline(open_ms: int = NOW_MS - MINUTE_MS, interval: str = "1m", **columns: Any) -> list[Any]:
    row = {
        "open_ms": open_ms,
        "open": "1.5",
        "high": "2.0",
        "low": "1.0",
        "close": "1.75",
        "volume": "10.5",
        "close_ms": open_ms + INTERVALS_MS[interval] - 1,
        "quote_volume": "16.25",
        "trades": 308,
        "buy_volume": "7.5",
        "buy_quote_volume": "11.0",
        "unused": "0",
    }
    return list({**row, **columns}.values())


def klines_from(request: Request) -> list[list[Any]]:
    """The last closed bar and the open one, unless the request starts later."""
    interval = request.params["interval"]
    width = INTERVALS_MS[interval]
    newest = NOW_MS // width * width
    start = int(request.params.get("startTime", 0))
    return [kline(at, interval) for at in (newest - width, newest) if at >= start]


def parsed(*rows: Any, interval: str = "1m") -> list[Any]:
    request = Request("https://x.test", {"symbol": "BTCUSDT", "interval": interval})
    return list(SOURCE.parse(answer(request, list(rows)), NOW_MS))


def test_a_row_becomes_a_bar():
    (bar,) = parsed(kline())
    assert bar["open_time_ms"] == NOW_MS - MINUTE_MS
    assert bar["close_time_ms"] == NOW_MS == bar["observed_at_ms"]
    assert (bar["open"], bar["high"], bar["low"], bar["close"]) == (1.5, 2.0, 1.0, 1.75)
    assert (bar["volume"], bar["quote_volume"], bar["buy_volume"]) == (10.5, 16.25, 7.5)
    assert bar["trades"] == 308
    assert decode(encode(EXTERNAL_BAR, bar)) == (EXTERNAL_BAR, bar)


def test_the_bar_that_is_still_open_is_dropped():
    bars = parsed(kline(), kline(NOW_MS))
    assert [bar["open_time_ms"] for bar in bars] == [NOW_MS - MINUTE_MS]


def test_a_minute_without_trades_is_kept():
    flat = dict.fromkeys(("open", "high", "low", "close"), "1.5")
    (bar,) = parsed(kline(**flat, volume="0", quote_volume="0", trades=0, buy_volume="0"))
    assert bar["volume"] == 0.0
    assert bar["trades"] == 0


@pytest.mark.parametrize(
    "fault",
    [
        {"low": "-1"},
        {"low": "0"},
        {"high": "1.2"},
        {"close": "9"},
        {"open": "NaN"},
        {"volume": "-1"},
        {"volume": "inf"},
        {"trades": -1},
        {"trades": None},
        {"close_ms": NOW_MS + 5},
        {"open": "x"},
    ],
)
def test_a_bar_that_cannot_be_is_refused_and_its_neighbours_pass(fault: dict[str, Any]):
    first, refused, last = parsed(kline(), kline(**fault), kline())
    assert isinstance(refused, RecordRejected)
    assert first == last


@pytest.mark.parametrize("row", [[], 5, None, "row", {"a": 1}])
def test_a_row_that_is_no_kline_is_refused(row: Any):
    (refused,) = parsed(row)
    assert isinstance(refused, RecordRejected)


@pytest.mark.parametrize("body", [b"<html>", {"code": -1}, b""])
def test_an_answer_that_is_no_list_is_asked_again(body: Any):
    request = Request("https://x.test", {"symbol": "BTCUSDT", "interval": "1m"})
    with pytest.raises(Retryable):
        list(SOURCE.parse(answer(request, body), NOW_MS))


def test_a_first_start_asks_the_newest_thousand_of_each_market_and_interval():
    requests = list(SOURCE.requests({}))
    assert {(r.params["symbol"], r.params["interval"]) for r in requests} == set(
        SOURCE.expected_keys()
    )
    assert {r.params["limit"] for r in requests} == {"1000"}
    assert not [r for r in requests if "startTime" in r.params]


def test_a_later_start_asks_from_the_bar_after_the_last_one():
    requests = SOURCE.requests({("BTCUSDT", "1h"): 7_200_000})
    (request,) = [r for r in requests if "startTime" in r.params]
    assert request.params["startTime"] == "10800000"


def test_a_page_that_is_not_full_has_no_next_one():
    request = Request("https://x.test", {"symbol": "BTCUSDT", "interval": "1m", "startTime": "0"})
    assert SOURCE.next_page(answer(request, [kline()])) is None


@pytest.mark.parametrize("last", [[], None, ["soon"], {"t": 1}, [1], ["1"]])
def test_after_a_malformed_last_row_there_is_no_next_page_but_no_error_either(last: object):
    request = Request(
        "https://x.test/klines",
        params={"symbol": "BTCUSDT", "interval": "1m", "startTime": str(NOW_MS), "limit": "1000"},
    )
    rows = [kline()] * 999 + [last]
    assert SOURCE.next_page(answer(request, rows)) is None
