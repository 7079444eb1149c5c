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
    versions={4: "dead_letter.v1.avsc"},
    identity=("topic", "partition", "offset"),
    key=("topic", "partition", "offset"),
    partitions=1,
    retention_days=30,
)

RECORD_TYPES: tuple[RecordType, ...] = (PRICE, TRADE, EXTERNAL_BAR, DEAD_LETTER)
AGENT_RECORD_TYPES: tuple[RecordType, ...] = (PRICE, TRADE, EXTERNAL_BAR)
BY_NAME = {record_type.name: record_type for record_type in RECORD_TYPES}
BY_SCHEMA_ID = {
    schema_id: record_type for record_type in RECORD_TYPES for schema_id in record_type.versions
}
