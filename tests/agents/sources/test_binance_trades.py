from typing import Any

import orjson
import pytest

from agents.source import Request
from agents.sources.binance_trades import BinanceTrades
from market.errors import RecordRejected, Retryable
from schemas.codec import decode, encode
from schemas.record_types import TRADE
from tests.agents.fakes import answer, settings, trade_frame, trade_row
from tests.agents.sources.recordings import frames

SOURCE = BinanceTrades(settings())
PAGE = Request("https://x.test/api/v3/aggTrades", {"symbol": "BTCUSDT"})


def only(frame: bytes) -> Any:
    (outcome,) = SOURCE.parse_frame(frame, 5)
    return outcome


def test_a_frame_becomes_a_trade():
    trade = only(trade_frame("BTCUSDT", 7, p="57352.80", q="0.004", T=1633998523963))
    assert trade == {
        "source": "binance",
        "symbol": "BTCUSDT",
        "coin_id": "bitcoin",
        "quote": "USDT",
        "trade_id": 7,
        "first_fill_id": 14,
        "last_fill_id": 15,
        "price": 57352.80,
        "quantity": 0.004,
        "aggressor": "buy",
        "traded_at_ms": 1633998523963,
        "observed_at_ms": 1633998523963,
        "collected_at_ms": 5,
    }
    assert decode(encode(TRADE, trade)) == (TRADE, trade)


@pytest.mark.parametrize(("buyer_is_maker", "aggressor"), [(True, "sell"), (False, "buy")])
def test_the_aggressor_is_the_side_that_was_not_the_maker(buyer_is_maker: bool, aggressor: str):
    assert only(trade_frame("BTCUSDT", 7, m=buyer_is_maker))["aggressor"] == aggressor


@pytest.mark.parametrize(
    "fault",
    [
        {"p": "-1"},
        {"p": "0"},
        {"p": "NaN"},
        {"p": "inf"},
        {"p": None},
        {"q": "0.0"},
        {"q": "1e999"},
        {"a": -1},
        {"a": 2**63},
        {"f": 1, "l": 2**63},
        {"T": 2**63},
        {"a": "7"},
        {"a": True},
        {"f": 9, "l": 8},
        {"l": None},
        {"T": 0},
        {"T": 1.5},
        {"m": "yes"},
        {"s": "NOPEUSDT"},
        {"s": None},
        {"s": ["BTCUSDT"]},
        {"p": "1" * 1_000_000},
        {"p": "x" * 1_000_000},
    ],
)
def test_a_trade_that_cannot_be_is_refused_with_its_bytes(fault: dict[str, Any]):
    refused = only(trade_frame("BTCUSDT", 7, **fault))
    assert isinstance(refused, RecordRejected)
    assert refused.reason == "impossible_value"
    assert refused.payload.startswith(b'{"e": "aggTrade"')
    assert len(refused.payload) + len(refused.detail) < 70_000, "a dead letter fits into Kafka"


def test_a_refused_row_of_a_page_leaves_its_neighbours():
    rows = [trade_row(1), trade_row(2, p="-3"), "row", trade_row(4)]
    outcomes = list(SOURCE.parse(answer(PAGE, rows), 5))
    kinds = [isinstance(outcome, RecordRejected) for outcome in outcomes]
    assert kinds == [False, True, True, False]


def test_a_page_and_the_stream_give_the_same_trade():
    (from_page,) = SOURCE.parse(answer(PAGE, [trade_row(7)]), 5)
    assert from_page == only(trade_frame("BTCUSDT", 7))


@pytest.mark.parametrize(
    "frame", [b'{"result":null,"id":1}', b'{"e":"serverShutdown","E":1}', b'{"data":{"e":"trade"}}']
)
def test_frames_that_carry_no_trade_give_nothing(frame: bytes):
    assert list(SOURCE.parse_frame(frame, 5)) == []


@pytest.mark.parametrize("frame", [b"", b"<html>", b"[]", b'"x"', b'{"data":[1]}', b"\xff"])
def test_a_frame_that_is_no_object_is_refused(frame: bytes):
    assert isinstance(only(frame), RecordRejected)


@pytest.mark.parametrize("body", [b"<html>", {"code": 1}, b""])
def test_a_page_that_is_no_list_is_asked_again(body: Any):
    with pytest.raises(Retryable):
        list(SOURCE.parse(answer(PAGE, body), 5))


def test_one_address_subscribes_to_every_market_in_lower_case():
    source = BinanceTrades(settings(binance_stream_url="wss://x.test/"))
    assert source.stream_url(("BTCUSDT", "ETHUSDT")) == (
        "wss://x.test/stream?streams=btcusdt@aggTrade/ethusdt@aggTrade"
    )


def test_pages_are_asked_by_id_and_by_time():
    assert SOURCE.page_from_id("BTCUSDT", 8).params == {
        "symbol": "BTCUSDT",
        "fromId": "8",
        "limit": "1000",
    }
    assert SOURCE.page_from_time("BTCUSDT", 9).params["startTime"] == "9"


@pytest.mark.parametrize(
    ("name", "trades"),
    [
        ("BINANCE.ws.1.0.gz", 2),
        ("BINANCE_US.ws.1.0.gz", 11),
        ("BINANCE_FUTURES.ws.1.0.gz", 91),
        ("BINANCE_TR.ws.1.0.gz", 0),
    ],
)
def test_recorded_frames_parse_and_only_trades_come_out(name: str, trades: int):
    recorded = frames(f"ws_captures/{name}")
    of_trades = [frame for frame in recorded if b'"e":"aggTrade"' in frame]
    symbols = {orjson.loads(frame)["data"]["s"] for frame in of_trades} | {"BTCUSDT"}
    source = BinanceTrades(settings())
    # The recorded markets are not all in coins.csv; what is tested here is the frame.
    source._markets = dict.fromkeys(symbols, ("some-coin", "USDT"))
    outcomes = [outcome for frame in recorded for outcome in source.parse_frame(frame, 5)]
    assert len(outcomes) == trades
    for trade in outcomes:
        assert decode(encode(TRADE, trade)) == (TRADE, trade)
