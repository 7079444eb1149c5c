"""The table of measurements: where each row is written, its tags and its fields with their types.

A point is measurement + tags + time; writing it again replaces its fields, so a replay overwrites.
Types are InfluxDB's: `float`, `int`, `string`, `bool`. Units stand in the names.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

FieldType = Literal["float", "int", "string", "bool"]


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measurement. `tags` sorted; `fields` in the order people read them."""

    name: str
    tags: tuple[str, ...]
    fields: Mapping[str, FieldType]
    stamp: Literal["time_ms", "stamp_ns"] = "time_ms"
    """Column with a row's time; nanoseconds (`stamps.py`) where points can share a millisecond."""


MARKET = Measurement(
    name="crypto_market",
    tags=("coin_id", "source"),
    fields={
        "symbol": "string",
        "name": "string",
        "price_usd": "float",
        "market_cap_usd": "float",
        "market_cap_rank": "int",
        "fully_diluted_valuation_usd": "float",
        "volume_24h_usd": "float",
        "high_24h_usd": "float",
        "low_24h_usd": "float",
        "change_1h_pct": "float",
        "change_24h_pct": "float",
        "change_7d_pct": "float",
        "market_cap_change_24h_pct": "float",
        "circulating_supply": "float",
        "total_supply": "float",
        "max_supply": "float",
        "ath_usd": "float",
        "ath_at_ms": "int",
        "atl_usd": "float",
        "atl_at_ms": "int",
        "collected_at_ms": "int",
    },
)
CANDLES = Measurement(
    name="crypto_candles",
    tags=("coin_id", "interval", "layer", "quote", "source", "symbol"),
    fields={
        "open": "float",
        "high": "float",
        "low": "float",
        "close": "float",
        "volume": "float",
        "quote_volume": "float",
        "trades": "int",
        "vwap": "float",
        "buy_volume": "float",
        "sell_volume": "float",
        "first_trade_id": "int",
        "last_trade_id": "int",
        "coverage": "float",
        "last_traded_at_ms": "int",
        "is_partial": "bool",
    },
)
INDICATOR_FIELDS = (
    *("sma_5", "sma_10", "sma_20", "sma_50"),
    *("ema_5", "ema_10", "ema_20", "ema_50"),
    *("bollinger_upper_20", "bollinger_lower_20"),
    *("rsi_14", "macd", "macd_signal", "macd_histogram", "atr_14"),
    *("realised_volatility_20_pct", "momentum_10_pct", "volume_ratio_20", "buy_sell_ratio"),
)
# A recursion never quite forgets what it was seeded with: after 20 times its period the seed weighs
# at most 1e-9. What looks at a window is exact from its first row.
WARM_AFTER_BARS: Mapping[str, int] = {
    **{f"ema_{n}": 20 * n for n in (5, 10, 20, 50)},
    **dict.fromkeys(("macd", "macd_signal", "macd_histogram"), 20 * 26),
    **dict.fromkeys(("rsi_14", "atr_14"), 20 * 14),
}
ANALYTICS = Measurement(
    name="crypto_analytics",
    tags=("coin_id", "interval", "kind", "layer", "quote", "source", "symbol"),
    fields={"close": "float", **dict.fromkeys(INDICATOR_FIELDS, "float"), "bars": "int"},
)
"""Kind `market`: indicators of one market at the close of a bar; `time` is the bar's open."""

CROSS_SECTION = Measurement(
    name="crypto_analytics",
    tags=("interval", "kind", "layer"),
    fields={
        "coins": "int",
        "advancing": "int",
        "declining": "int",
        "breadth_pct": "float",
        "quote_volume_usd": "float",
        "btc_volume_share_pct": "float",
        "eth_volume_share_pct": "float",
        "weighted_return_pct": "float",
    },
)
"""Kind `cross_section`: all coins that traded within a bar; `time` is the bar's open."""

GLOBAL = Measurement(
    name="crypto_global",
    tags=("source",),
    fields={
        "market_cap_usd": "float",
        "market_cap_change_24h_pct": "float",
        "volume_24h_usd": "float",
        "btc_dominance_pct": "float",
        "eth_dominance_pct": "float",
        "active_coins": "int",
        "markets": "int",
        "collected_at_ms": "int",
    },
)
ANOMALIES = Measurement(
    name="crypto_anomalies",
    tags=("coin_id", "kind", "source", "symbol"),
    fields={
        "anomaly_id": "string",
        "revision": "int",
        "phase": "string",
        "severity": "string",
        "quote": "string",
        "other_source": "string",
        "other_symbol": "string",
        "other_coin_id": "string",
        "started_at_ms": "int",
        "detected_at_ms": "int",
        "peaked_at_ms": "int",
        "resolved_at_ms": "int",
        "observed_at_ms": "int",
        "collected_at_ms": "int",
        "value": "float",
        "peak_value": "float",
        "expected": "float",
        "score": "float",
        "threshold": "float",
        "unit": "string",
        "n": "int",
        "window_ms": "int",
        "sources": "string",
        "trade_ids": "string",
        "coordinates": "string",
        "sentence": "string",
    },
    stamp="stamp_ns",
)
"""An episode, newest revision, at its start; `sources`, `trade_ids`, `coordinates` are JSON."""

LEDGER = Measurement(
    name="batch_ledger",
    tags=("interval", "kind", "layer"),
    fields={"final_through_ms": "int", "late_groups": "int"},
)

GAPS = Measurement(
    name="crypto_gaps",
    tags=("coin_id", "source", "symbol"),
    fields={
        "from_id": "int",
        "to_id": "int",
        "to_ms": "int",
        "missing_trades": "int",
        "repaired_trades": "int",
        "cause": "string",
        "state": "string",
        "observed_at_ms": "int",
    },
    stamp="stamp_ns",
)
"""A hole in a market's trades, at the last trade before it; its ids make the nanoseconds."""

SOURCES = Measurement(
    name="crypto_sources",
    tags=("source",),
    fields={
        "state": "string",
        "reason": "string",
        "breaker": "string",
        "last_event_at_ms": "int",
        "last_success_at_ms": "int",
        "lag_ms": "int",
        "minute_calls_left": "int",
        "month_calls_left": "int",
        "month_calls_projected": "int",
        "accepted": "int",
        "duplicate": "int",
        "rejected": "int",
        "passed_over": "int",
        "torn_fills": "int",
        "open_gaps": "int",
        "repaired_trades": "int",
        "silent_symbols": "string",
    },
)
"""Heartbeats; `source` is the agent's name, `reason` empty while all is well."""

QUALITY = Measurement(
    name="crypto_quality",
    tags=("coin_id", "kind", "source", "symbol"),
    fields={
        "score": "float",
        "freshness": "float",
        "coverage": "float",
        "agreement": "float",
        "source_health": "float",
        "repairs": "float",
        "reason": "string",
    },
)
"""0 to 100 for a minute of a series; kind `market` or `snapshot`, `time` is the minute's open."""

PIPELINE_JOBS = Measurement(
    name="pipeline_health",
    tags=("job", "kind"),
    fields={
        "state": "string",
        "records_per_s": "float",
        "lag_records": "int",
        "batches": "int",
        "batch_p50_ms": "float",
        "batch_p95_ms": "float",
        "batch_longest_ms": "float",
        "last_batch_at_ms": "int",
        "watermark_delay_s": "float",
        "restarts": "int",
        "window_s": "int",
    },
)
"""Kind `job`: a query of the driver over a window of real time. As all of this measurement in wall
time, also in a demo: it is about the machine and not about the market."""

PIPELINE_STAGES = Measurement(
    name="pipeline_health",
    tags=("kind", "stage"),
    fields={"p50_ms": "float", "p95_ms": "float", "p99_ms": "float", "n": "int", "window_s": "int"},
)
"""Kind `latency`: how long trades took, in real milliseconds."""

PIPELINE_LETTERS = Measurement(
    name="pipeline_health",
    tags=("kind", "reason", "topic"),
    fields={"letters": "int"},
)
"""Kind `dead_letters`: how many came since the point before."""
NEWS = Measurement(
    name="crypto_news",
    tags=("source",),
    fields={
        "article_id": "string",
        "title": "string",
        "summary": "string",
        "url": "string",
        "author": "string",
        "coins": "string",
        "compound": "float",
        "label": "string",
        "deciding": "string",
        "lexicon_version": "string",
        "story_id": "string",
        "is_copy": "bool",
        "observed_at_ms": "int",
        "collected_at_ms": "int",
    },
    stamp="stamp_ns",
)
"""One point an article at its publication; `coins` and `deciding` are JSON."""

SENTIMENT = Measurement(
    name="crypto_sentiment",
    tags=("coin_id", "kind"),
    fields={
        "score": "float",
        "stories": "int",
        "articles": "int",
        "positive": "int",
        "neutral": "int",
        "negative": "int",
        "lexicon_version": "string",
    },
)
"""One point an hour: kind `market`, or `coin` of one; `time` is the hour's beginning."""

FEAR_GREED = Measurement(
    name="crypto_fear_greed",
    tags=("source",),
    fields={"index": "int", "classification": "string", "collected_at_ms": "int"},
)

MEASUREMENTS: tuple[Measurement, ...] = (
    MARKET,
    CANDLES,
    ANALYTICS,
    CROSS_SECTION,
    GLOBAL,
    NEWS,
    SENTIMENT,
    FEAR_GREED,
    ANOMALIES,
    LEDGER,
    GAPS,
    SOURCES,
    QUALITY,
    PIPELINE_JOBS,
    PIPELINE_STAGES,
    PIPELINE_LETTERS,
)
