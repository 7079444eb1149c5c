"""The table of sources and faults: which fault each source is tried against, and how.

Tests hold it against `agents.sources.SOURCES` and `simulator.faults.FAULTS`, which this room may
not import: a source or a fault without a row here is refused there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.record_types import (
    ARTICLE,
    EXTERNAL_BAR,
    FEAR_GREED,
    GLOBAL,
    PRICE,
    TRADE,
    RecordType,
)

TRADES = "binance_trades"


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One agent. `speed` is that of its simulator: its cadence must pass several times a cell."""

    name: str
    kind: str | None
    """Of `/control/published`; None where the venue's REST answer is the truth."""
    record_type: RecordType
    sources: tuple[str, ...]
    """Names on its records."""
    vendor: str
    route: str
    """What an HTTP fault is asked for: a vendor, or a path."""
    speed: float


SOURCES: Mapping[str, SourceRow] = {
    row.name: row
    for row in (
        SourceRow(
            "coingecko", "prices", PRICE, ("coingecko",), "coingecko", "/api/v3/coins", 120.0
        ),
        SourceRow(
            "coingecko_global", "global", GLOBAL, ("coingecko",), "coingecko", "/api/v3/global", 120
        ),
        SourceRow(
            "coinmarketcap",
            "prices",
            PRICE,
            ("coinmarketcap",),
            "coinmarketcap",
            "coinmarketcap",
            360,
        ),
        SourceRow(TRADES, "trades", TRADE, ("binance",), "binance", "/api/v3/aggTrades", 60),
        SourceRow(
            "binance_klines", None, EXTERNAL_BAR, ("binance",), "binance", "/api/v3/klines", 60
        ),
        SourceRow("rss", "articles", ARTICLE, ("coindesk", "cointelegraph"), "rss", "rss", 900),
        SourceRow(
            "fear_greed",
            "fear_greed",
            FEAR_GREED,
            ("alternative_me",),
            "fear_greed",
            "fear_greed",
            10_000,
        ),
    )
}
ALL = tuple(SOURCES)
JSON = tuple(name for name in ALL if name != "rss")


@dataclass(frozen=True, slots=True)
class FaultRow:
    """One kind of fault. `options` go with every request of it; the cells are its `sources`."""

    name: str
    reach: str
    sources: tuple[str, ...]
    options: Mapping[str, object] = field(default_factory=dict)
    by_operator: bool = False
    """Whether the agent rests for so long that the proof starts it anew, as a person would."""
    patience_s: float = 30.0
    """Real seconds until the source is whole again."""


FAULTS: Mapping[str, FaultRow] = {
    row.name: row
    for row in (
        FaultRow("status_429", "http", ALL, {"count": 2, "retry_after_s": 1}),
        FaultRow("status_418", "http", ALL, {"count": 1, "retry_after_s": 2}, by_operator=True),
        FaultRow("status_451", "http", ALL, {"count": 1}, by_operator=True),
        FaultRow("status_5xx", "http", ALL, {"count": 2}),
        FaultRow("slow_body", "http", ALL, {"count": 1, "bytes_per_s": 200}, patience_s=60),
        FaultRow("huge_body", "http", ALL, {"count": 1}),
        FaultRow("gzip_bomb", "http", ALL, {"count": 1}),
        FaultRow("html_200", "http", ALL, {"count": 1}),
        FaultRow("truncated_json", "http", ALL, {"count": 2}),
        FaultRow("wrong_json", "http", JSON, {"count": 2}),
        FaultRow("vendor_error", "http", ALL, {"count": 1}, by_operator=True),
        FaultRow("xml_bomb", "http", ("rss",), {"count": 1}),
        FaultRow("feed_junk", "http", ("rss",), {"count": 1}),
        FaultRow("socket_cut", "socket", (TRADES,), {"count": 1, "after_s": 0}),
        FaultRow("socket_silent", "socket", (TRADES,), {"count": 1}, patience_s=90),
        FaultRow("server_shutdown", "socket", (TRADES,), {"count": 1, "after_s": 1}),
        FaultRow("symbol_silent", "frames", (TRADES,), {"seconds": 3, "symbol": "BTCUSDT"}),
        FaultRow("skip_ids", "frames", (TRADES,), {"seconds": 2, "share": 0.01}),
        FaultRow("duplicate", "frames", (TRADES,), {"seconds": 2, "share": 0.2}),
        FaultRow("reorder", "frames", (TRADES,), {"seconds": 2, "share": 0.1}),
        FaultRow("clock_skew", "frames", (TRADES,), {"seconds": 2}),
    )
}
CELLS: tuple[tuple[str, str], ...] = tuple(
    (source, fault.name) for source in ALL for fault in FAULTS.values() if source in fault.sources
)
# Each source once, each reach, in under 90 s: what the tests run. `chaos sources` runs all.
SHORT: tuple[tuple[str, str], ...] = (
    ("coingecko", "truncated_json"),
    ("coingecko_global", "status_5xx"),
    ("coinmarketcap", "status_429"),
    (TRADES, "socket_cut"),
    (TRADES, "skip_ids"),
    ("binance_klines", "html_200"),
    ("rss", "feed_junk"),
    ("fear_greed", "wrong_json"),
)


def requests_of(source: str, fault: str) -> list[dict[str, object]]:
    """What is asked of `/control/faults` for one cell."""
    row = FAULTS[fault]
    asked: dict[str, object] = {"kind": fault, **row.options}
    if row.reach == "http":
        asked["route"] = SOURCES[source].route
    if source == TRADES and row.reach == "http":
        # It asks over REST only where the stream left something out.
        return [asked, {"kind": "socket_cut", "count": 1, "after_s": 0}]
    return [asked]
