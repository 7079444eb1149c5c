"""The table of record types: topic, pinned schema ids and the fields that identify a record.

To change a schema add `NAME.vN.avsc` and its id at the end of `versions`; a released file is frozen
and a released id is never used again (ids are in the bytes of every stored record).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from typing import Any

REASONS = (
    "bad_magic",  # no Confluent header
    "unknown_schema",  # a writer id that is not in this table
    "truncated",  # Avro ended early or is otherwise undecodable
    "impossible_value",  # negative price, NaN, an empty identity
    "future_time",  # event time ahead of the platform's clock beyond tolerance
    "oversized",  # larger than a record of ours can be
    "sink_refused",  # InfluxDB refused the point; detail holds its words
)


@dataclass(frozen=True)
class RecordType:
    """One kind of record. `versions` maps pinned Confluent schema ids to files, oldest first."""

    name: str
    topic: str
    versions: Mapping[int, str]
    identity: tuple[str, ...]
    key: tuple[str, ...]
    partitions: int = 2
    retention_days: int = 7
    topic_config: Mapping[str, str] = field(default_factory=dict)

    @property
    def latest_id(self) -> int:
        """Id of the schema that writers use today."""
        return max(self.versions)

    @cached_property
    def schemas(self) -> dict[int, dict[str, Any]]:
        """Parsed Avro schema of each version, by id."""
        return {
            schema_id: json.loads(files("schemas").joinpath(name).read_text("utf-8"))
            for schema_id, name in self.versions.items()
        }

    @property
    def latest(self) -> dict[str, Any]:
        """The schema that writers use and readers resolve to today."""
        return self.schemas[self.latest_id]


PRICE = RecordType(
    name="price",
    topic="crypto-prices",
    versions={1: "price.v1.avsc"},
    identity=("source", "coin_id", "observed_at_ms"),
    key=("coin_id",),
)
TRADE = RecordType(
    name="trade",
    topic="crypto-trades",
    versions={2: "trade.v1.avsc"},
    identity=("source", "symbol", "trade_id"),
    key=("source", "symbol"),
    # When the log had it, and not when it was handed to a producer: job pulse times that.
    topic_config={"message.timestamp.type": "LogAppendTime"},
)
EXTERNAL_BAR = RecordType(
    name="external_bar",
    topic="crypto-external-bars",
    versions={3: "external_bar.v1.avsc"},
    identity=("source", "symbol", "interval", "open_time_ms"),
    key=("source", "symbol"),
    retention_days=3650,
)
DEAD_LETTER = RecordType(
    name="dead_letter",
    topic="crypto-dead-letters",
    versions={4: "dead_letter.v1.avsc", 10: "dead_letter.v2.avsc"},
    identity=("letter_id",),
    key=("letter_id",),
    partitions=1,
    retention_days=30,
)

GLOBAL = RecordType(
    name="global",
    topic="crypto-global",
    versions={5: "global.v1.avsc"},
    identity=("source", "observed_at_ms"),
    key=("source",),
    partitions=1,
    retention_days=30,
)
ARTICLE = RecordType(
    name="article",
    topic="crypto-news",
    versions={6: "article.v1.avsc"},
    identity=("source", "article_id", "content_hash"),
    key=("article_id",),
    partitions=1,
    retention_days=365,
)
FEAR_GREED = RecordType(
    name="fear_greed",
    topic="crypto-market-sentiment",
    versions={7: "fear_greed.v1.avsc"},
    identity=("source", "observed_at_ms"),
    key=("source",),
    partitions=1,
    retention_days=3650,
)
GAP = RecordType(
    name="gap",
    topic="crypto-gaps",
    versions={8: "gap.v1.avsc"},
    identity=("source", "symbol", "from_id", "to_id"),
    key=("source", "symbol"),
    partitions=1,
    retention_days=365,
)
SOURCE_HEALTH = RecordType(
    name="source_health",
    topic="crypto-source-health",
    versions={9: "source_health.v1.avsc", 11: "source_health.v2.avsc"},
    identity=("source", "observed_at_ms"),
    key=("source",),
    partitions=1,
    topic_config={"cleanup.policy": "compact"},
)
CANDLE = RecordType(
    name="candle",
    topic="crypto-candles",
    versions={12: "candle.v1.avsc"},
    identity=("source", "symbol", "interval", "open_time_ms"),
    key=("source", "symbol"),
    retention_days=30,
)
ANOMALY = RecordType(
    name="anomaly",
    topic="crypto-anomalies",
    versions={13: "anomaly.v1.avsc"},
    identity=("anomaly_id", "revision"),
    key=("anomaly_id",),
    retention_days=30,
)

RECORD_TYPES: tuple[RecordType, ...] = (
    PRICE,
    TRADE,
    EXTERNAL_BAR,
    DEAD_LETTER,
    GLOBAL,
    ARTICLE,
    FEAR_GREED,
    GAP,
    SOURCE_HEALTH,
    CANDLE,
    ANOMALY,
)
AGENT_RECORD_TYPES: tuple[RecordType, ...] = tuple(
    kind for kind in RECORD_TYPES if kind not in (DEAD_LETTER, CANDLE, ANOMALY)
)
BY_NAME = {record_type.name: record_type for record_type in RECORD_TYPES}
BY_SCHEMA_ID = {
    schema_id: record_type for record_type in RECORD_TYPES for schema_id in record_type.versions
}
