"""Rows for the detectors, valid by default; a test overrides the one fact it is about."""

from collections.abc import Iterable
from typing import Any

from spark_jobs.transforms.anomalies.episodes import About
from spark_jobs.transforms.anomalies.seconds import RANKING, SOURCES
from spark_jobs.transforms.anomalies.watch import open_core
from spark_jobs.transforms.anomalies.week import bin_of
from tests.spark_jobs.builders import START_MS

Row = dict[str, Any]
BITCOIN = About("binance", coin_id="bitcoin", symbol="BTCUSDT", quote="USDT")
NOTHING = dict.fromkeys(
    (
        *("open", "close", "first_traded_at_ms", "last_traded_at_ms", "quote_volume", "bought"),
        *("sold", "trades", "first_trade_id", "last_trade_id", "largest", "size_bins"),
        *("symbol", "quote", "coin_id", "price_usd", "market_cap_usd", "observed_at_ms"),
        *("state", "last_success_at_ms", "silent_symbols"),
    )
)


def a_second(at_s: float, price: float = 100.0, **facts: Any) -> Row:
    """A second of BTCUSDT: ten trades, half of them bought, 1,000 USDT in all, one price."""
    at_ms = START_MS + round(at_s * 1000)
    facts = {"quote_volume": 1_000.0, "trades": 10, "open": price} | facts
    amount = facts.pop("amount", facts["quote_volume"] / facts["trades"])
    facts.setdefault("bought", facts["quote_volume"] / 2)
    return NOTHING | {
        "what": "trades",
        "second_ms": at_ms - at_ms % 1000,
        "source": "binance",
        "symbol": "BTCUSDT",
        "coin_id": "bitcoin",
        "quote": "USDT",
        "close": price,
        "first_traded_at_ms": at_ms,
        "last_traded_at_ms": at_ms,
        "sold": facts["quote_volume"] - facts["bought"],
        "first_trade_id": at_ms // 100,
        "last_trade_id": at_ms // 100 + 9,
        "collected_at_ms": at_ms + 100,
        "coordinate": f"crypto-trades/0/{at_ms // 1000}",
        "size_bins": [bin_of(amount)] * facts["trades"],
        "largest": {
            "amount": amount,
            "price": price,
            "quantity": amount / price,
            "trade_id": at_ms // 100,
            "aggressor": "buy",
            "traded_at_ms": at_ms,
            "coordinate": f"crypto-trades/0/{at_ms // 1000}",
        },
        **facts,
    }


def a_snapshot(at_s: float, price_usd: float = 100.0, **facts: Any) -> Row:
    """CoinGecko's snapshot of bitcoin, collected two seconds after the moment it tells of."""
    at_ms = START_MS + round(at_s * 1000)
    return NOTHING | {
        "what": "snapshot",
        "second_ms": at_ms + 2_000,
        "source": "coingecko",
        "coin_id": "bitcoin",
        "price_usd": price_usd,
        "market_cap_usd": 2e12,
        "observed_at_ms": at_ms,
        "collected_at_ms": at_ms + 2_000,
        "coordinate": f"crypto-prices/0/{at_ms // 1000}",
        **facts,
    }


def a_heartbeat(at_s: float, source: str = "binance_trades", **facts: Any) -> Row:
    """A heartbeat of an agent whose newest good answer is of the same moment."""
    at_ms = START_MS + round(at_s * 1000)
    return NOTHING | {
        "what": "heartbeat",
        "second_ms": at_ms - at_ms % 1000,
        "source": source,
        "observed_at_ms": at_ms,
        "collected_at_ms": at_ms,
        "state": "running",
        "last_success_at_ms": at_ms,
        "silent_symbols": [],
        "coordinate": f"crypto-source-health/0/{at_ms // 1000}",
        **facts,
    }


def revisions(rows: Iterable[Row], *, key: str = "bitcoin", kind: str | None = None) -> list[Row]:
    """What a core gives, each row a step of its own, saved and restored before it."""
    core, given = open_core(key, None), []
    for row in rows:
        core = open_core(key, core.save())
        given += core.step([row])
    return [one for one in given if kind in (None, one["kind"])]


def in_ranking(rows: Iterable[Row]) -> list[Row]:
    """The same of the ranking."""
    return revisions(rows, key=RANKING)


def in_sources(rows: Iterable[Row]) -> list[Row]:
    """The same of all sources."""
    return revisions(rows, key=SOURCES)


def phases(given: Iterable[Row]) -> list[str]:
    """Phase of each revision."""
    return [one["phase"] for one in given]
