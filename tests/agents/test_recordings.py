"""Everything recorded under ../shared/data/{api,rss,ws_captures} goes through the shipped parsers.

`pytest -s tests/agents/test_recordings.py` prints a line a file: what came of it, and what was
refused or passed over, by name. A file without a reader here fails, so nothing passes unread.
"""

import csv
import gzip
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from agents.source import NOT_OURS, Request, Source
from agents.sources.binance_trades import BinanceTrades
from agents.sources.coingecko import CoinGecko
from agents.sources.coingecko_global import CoinGeckoGlobal
from agents.sources.coinmarketcap import CoinMarketCap
from agents.sources.fear_greed import FearGreed
from agents.sources.rss import Rss
from market.coins import market_of
from market.errors import Fatal, RecordRejected, Retryable
from schemas.codec import decode, encode
from tests.agents.fakes import answer, settings
from tests.agents.sources.recordings import FOLDER

NOW_MS = 1_800_000_000_000
FEED_URL = "https://news.example/rss"


@dataclass
class Reading:
    """What became of a file. `refused` and `passed_over` count by the words that name why."""

    parsed: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    passed_over: Counter[str] = field(default_factory=Counter)

    def take(self, source: Source, outcomes: Iterable[Any]) -> None:
        for one in outcomes:
            if one is NOT_OURS:
                self.passed_over["a coin that is not in market/coins.csv"] += 1
            elif isinstance(one, RecordRejected):
                self.refused[one.detail] += 1
            else:
                assert decode(encode(source.record_type, one)) == (source.record_type, one)
                self.parsed += 1

    def __str__(self) -> str:
        parts = [f"{self.parsed} parsed"]
        for verb, named in (("refused", self.refused), ("passed over", self.passed_over)):
            parts += [f"{count} {verb}: {words[:110]}" for words, count in named.most_common(3)]
            left = sum(named.values()) - sum(count for _, count in named.most_common(3))
            parts += [f"{left} {verb} for {len(named) - 3} more reasons"] if left else []
        return "; ".join(parts)


def read_body(source: Source, body: bytes, *, url: str = "https://example/") -> Reading:
    reading = Reading()
    found = answer(Request(url, params={"limit": "0"}), body)
    try:
        reading.take(source, source.parse(found, NOW_MS))
    except Retryable as error:
        reading.refused[f"the whole answer: {error}"] += 1
    return reading


def of(kind: Callable[..., Source]) -> Callable[[bytes], Reading]:
    return lambda body: read_body(kind(settings()), body)


def quotes_of_coinmarketcap(body: bytes) -> Reading:
    """`quotes/latest` has the coins of `listings/latest` by id."""
    whole = orjson.loads(body)
    listing = {**whole, "data": list(whole["data"].values())}
    return read_body(CoinMarketCap(settings()), orjson.dumps(listing))


def days_of_fear_and_greed(body: bytes) -> Reading:
    """A table of the answer's days."""
    days = [
        {
            "value": row["fng_value"],
            "value_classification": row["fng_classification"],
            "timestamp": str(
                int(datetime.strptime(row["date"], "%d-%m-%Y").replace(tzinfo=UTC).timestamp())
            ),
        }
        for row in csv.DictReader(body.decode().splitlines())
    ]
    return read_body(FearGreed(settings()), orjson.dumps({"data": days}))


def feed(body: bytes) -> Reading:
    return read_body(Rss(settings(rss_feeds=f"news={FEED_URL}")), body, url=FEED_URL)


def is_ours(symbol: str) -> bool:
    try:
        market_of("binance", symbol)
    except Fatal:
        return False
    return True


def frames(body: bytes) -> Reading:
    """`recv_time: json` lines. Markets that coins.csv knows are followed, and only those."""
    lines = [line.partition(b": ")[2] for line in body.splitlines()[1:] if line]
    events = [orjson.loads(line) for line in lines]
    events = [event.get("data", event) for event in events]
    symbols = {event["s"] for event in events if event.get("e") == "aggTrade"}
    ours = sorted(filter(is_ours, symbols)) or ["BTCUSDT"]
    source = BinanceTrades(settings(binance_symbols=",".join(ours)))
    reading = Reading()
    for line, event in zip(lines, events, strict=True):
        outcomes = list(source.parse_frame(line, NOW_MS))
        reading.take(source, outcomes)
        if not outcomes:
            reading.passed_over[f"a frame without a trade: {event.get('e', 'bookTicker')}"] += 1
    return reading


def depth_answers(body: bytes) -> Reading:
    """Answers of `/api/v3/depth`, which no source asks for."""
    reading = Reading()
    source = BinanceTrades(settings())
    for line in filter(None, body.splitlines()):
        reading.take(source, source.parse_frame(line.partition(b": ")[2], NOW_MS))
        reading.passed_over["an order book, which no source of ours reads"] += 1
    return reading


def text(body: bytes) -> Reading:
    return Reading(passed_over=Counter({f"a document of {len(body)} bytes, no recording": 1}))


# By the name's beginning, the first that fits: its reader and how many records it must give.
READERS: Sequence[tuple[str, Callable[[bytes], Reading], int]] = (
    ("api/LouisStAmour_LICENSE", text, 0),
    ("api/coingecko_oas_LICENSE", text, 0),
    ("api/binance_web-socket-streams.md", text, 0),
    ("ws_captures/LICENSE", text, 0),
    ("api/coingecko_markets_top100_20210624.json", of(CoinGecko), 100),
    ("api/coingecko_official_examples/coins_markets.json", of(CoinGecko), 1),
    ("api/coingecko_official_examples/global.json", of(CoinGeckoGlobal), 1),
    ("api/coingecko_official_examples/", of(CoinGecko), 0),
    ("api/coingecko_oas_demo-api.json.gz", of(CoinGecko), 0),
    ("api/cmc_quotes_latest_20190204.json", quotes_of_coinmarketcap, 4),
    ("api/cmc_map_2019.json", of(CoinMarketCap), 0),
    ("api/btc_dominance_2013on.json", of(CoinGeckoGlobal), 0),
    ("api/blockchaininfo_market-cap.json", of(CoinGeckoGlobal), 0),
    ("api/fng_20240501.csv", days_of_fear_and_greed, 2_279),
    ("api/fng_20240501_format_csv.txt", of(FearGreed), 0),
    ("rss/coindesk_20230313_raw.xml", feed, 50),
    ("rss/transcribed/coindesk_20260925_3items.xml", feed, 3),
    ("rss/transcribed/cointelegraph_20260930_first4.xml", feed, 4),
    ("ws_captures/BINANCE.http", depth_answers, 0),
    ("ws_captures/BINANCE.ws", frames, 2),
    # The other 51 trades are of three markets that coins.csv does not know.
    ("ws_captures/BINANCE_FUTURES.ws", frames, 40),
    ("ws_captures/BINANCE_TR.ws", frames, 0),
    ("ws_captures/BINANCE_US.ws", frames, 11),
)


def recorded() -> list[str]:
    found: list[Path] = []
    for folder in ("api", "rss", "ws_captures"):
        found += (path for path in (FOLDER / folder).rglob("*") if path.is_file())
    return sorted(str(path.relative_to(FOLDER)) for path in found)


@pytest.mark.parametrize(
    "name",
    recorded()
    or [pytest.param("", marks=pytest.mark.skip("no recordings in ../shared/data beside us"))],
)
def test_a_recording_is_parsed_and_what_is_refused_is_named(name: str):
    readers = [row for row in READERS if name.startswith(row[0])]
    assert readers, f"{name} has no reader in this file: add a line to READERS"
    _, read, expected = readers[0]
    raw = (FOLDER / name).read_bytes()
    reading = read(gzip.decompress(raw) if name.endswith(".gz") else raw)
    print(f"{name}: {reading}")
    named = [*reading.refused, *reading.passed_over]
    assert all(words.strip() for words in named)
    assert reading.parsed or named, "nothing came of it, and nobody said why"
    assert reading.parsed == expected
