from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import agents.memory as memory_module
from agents.memory import LastPosition, Memory, read_back
from agents.source import Request
from agents.sources.binance_klines import BinanceKlines
from agents.sources.binance_trades import BinanceTrades
from agents.sources.rss import Rss
from schemas.codec import encode
from schemas.record_types import ARTICLE, EXTERNAL_BAR, TRADE
from tests.agents.fakes import answer, settings, trade_frame

FEED_URL = "https://cointelegraph.com/rss"
FEED = (
    b"<rss version='2.0'><channel><item><title>Fees fall</title><link>https://a.example/b</link>"
    b"<pubDate>Wed, 31 Dec 2025 12:00:00 +0000</pubDate></item></channel></rss>"
)
RULE = LastPosition("binance", ("symbol",), "trade_id")
SOURCE = BinanceTrades(settings())


def trade(symbol: str, trade_id: int, **overrides: Any) -> dict[str, Any]:
    (record,) = SOURCE.parse_frame(trade_frame(symbol, trade_id), 1)
    return {**record, **overrides}


def external_bar() -> dict[str, Any]:
    source = BinanceKlines(settings())
    row = [0, "1", "1", "1", "1", "1", 59_999, "1", 1, "1", "1", "0"]
    (request,) = (
        request
        for request in source.requests({})
        if (request.params["symbol"], request.params["interval"]) == ("BTCUSDT", "1m")
    )
    (bar,) = source.parse(answer(request, [row]), 60_000)
    return dict(bar)


class FakeTail:
    def __init__(self, *partitions: list[bytes]) -> None:
        self._partitions = partitions
        self.read_count = 0

    def bounds(self) -> Mapping[int, tuple[int, int]]:
        return {number: (0, len(rows)) for number, rows in enumerate(self._partitions)}

    def read(self, partition: int, start: int, end: int) -> Iterable[bytes]:
        self.read_count += end - start
        return self._partitions[partition][start:end]


def payloads(symbol: str, count: int) -> list[bytes]:
    return [encode(TRADE, trade(symbol, trade_id)) for trade_id in range(1, count + 1)]


def recalled(tail: FakeTail, **options: Any) -> Memory:
    return read_back(tail, RULE, expected=[("BTCUSDT",), ("ETHUSDT",)], **options)


def test_the_last_id_of_each_market_comes_back():
    tail = FakeTail(payloads("BTCUSDT", 30), payloads("ETHUSDT", 20))
    assert recalled(tail).last == {("BTCUSDT",): 30, ("ETHUSDT",): 20}


def test_an_empty_topic_is_an_empty_memory():
    memory = recalled(FakeTail([], []))
    assert memory.last == {}
    assert memory.newest_observed_ms is None


def test_only_the_tail_is_read_when_it_holds_every_market():
    rows = payloads("BTCUSDT", 9_000) + payloads("ETHUSDT", 5)
    tail = FakeTail(rows)
    recalled(tail)
    assert tail.read_count == 2_000


def test_reading_goes_back_until_a_market_that_traded_long_ago_is_found():
    tail = FakeTail(payloads("ETHUSDT", 5) + payloads("BTCUSDT", 9_000))
    assert recalled(tail).last[("ETHUSDT",)] == 5


def test_a_market_that_never_traded_costs_no_more_than_the_cap():
    tail = FakeTail(payloads("BTCUSDT", 9_000))
    assert recalled(tail, cap_records=4_000).last == {("BTCUSDT",): 9_000}
    assert tail.read_count == 4_000


def test_records_of_another_source_or_type_and_undecodable_bytes_are_passed_over():
    other = encode(TRADE, trade("BTCUSDT", 99, source="kraken"))
    bar = encode(EXTERNAL_BAR, external_bar())
    tail = FakeTail([*payloads("BTCUSDT", 3), other, bar, b"poison", b""])
    assert recalled(tail).last == {("BTCUSDT",): 3}


@given(st.lists(st.integers(0, 50)))
def test_dedup_is_idempotent(trade_ids: list[int]):
    memory = Memory(RULE)
    passed = [n for n in trade_ids if memory.admit(trade("BTCUSDT", n))]
    assert not [n for n in passed if memory.admit(trade("BTCUSDT", n))]
    assert len(passed) == len(set(passed))
    assert passed == sorted(passed)


@given(st.lists(st.integers(0, 50), min_size=1))
def test_what_was_published_before_a_restart_is_a_duplicate_after_it(trade_ids: list[int]):
    before = Memory(RULE)
    published = [n for n in trade_ids if before.admit(trade("BTCUSDT", n))]
    after = recalled(FakeTail([encode(TRADE, trade("BTCUSDT", n)) for n in published]))
    assert after.last == before.last


ONCE = LastPosition(None, ("source", "article_id", "content_hash"), None)


def version(number: int, *, feed: str = "wire") -> dict[str, Any]:
    return {"source": feed, "article_id": f"a{number}", "content_hash": "v1", "observed_at_ms": 1}


def test_an_identity_that_does_not_rise_passes_once_in_any_order():
    memory = Memory(ONCE)
    assert [memory.admit(version(n)) for n in (5, 3, 5, 3, 4)] == [True, True, False, False, True]
    assert memory.admit(version(5, feed="post"))


def test_identities_are_remembered_up_to_a_bound_and_those_still_shown_longest(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(memory_module, "REMEMBERED_KEYS", 3)
    memory = Memory(ONCE)
    for number in (1, 2, 3, 1, 4):
        memory.admit(version(number))
    assert len(memory.last) == 3
    assert not memory.admit(version(1))
    assert memory.admit(version(2))


def test_versions_of_all_feeds_come_back_from_the_topic():
    (record,) = Rss(settings()).parse(answer(Request(FEED_URL), FEED), 1)
    memory = read_back(FakeTail([encode(ARTICLE, record)]), ONCE, expected=())
    assert not memory.admit(record)
    assert memory.admit({**record, "content_hash": "edited"})
