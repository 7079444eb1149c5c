"""Decoding: what is refused, why, and that the neighbours pass."""

import math
from collections.abc import Callable

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from schemas.codec import encode
from schemas.record_types import FEAR_GREED, TRADE
from spark_jobs.kafka_source import accepted, decode, judge
from tests.spark_jobs.builders import START_MS, a_trade_message

pytestmark = pytest.mark.integration

DAY_MS = 86_400_000
GOOD = a_trade_message(7)
POISON: dict[str, tuple[bytes | None, str]] = {
    "no bytes at all": (None, "bad_magic"),
    "empty": (b"", "bad_magic"),
    "JSON": (b'{"p":"1.0"}', "bad_magic"),
    "a header without a body": (GOOD[:5], "bad_magic"),
    "an id nobody pinned": (b"\x00\x00\x00\x00\x63" + GOOD[5:], "unknown_schema"),
    "cut in the middle": (GOOD[:20], "truncated"),
    "noise after a good header": (GOOD[:5] + b"\xff" * 300, "truncated"),
    "one megabyte of source": (a_trade_message(1, source="x" * 1_000_000), "oversized"),
    "a price that is not a number": (a_trade_message(1, price=math.nan), "impossible_value"),
    "an endless price": (a_trade_message(1, price=math.inf), "impossible_value"),
    "a negative price": (a_trade_message(1, price=-1.0), "impossible_value"),
    "nothing traded": (a_trade_message(1, quantity=0.0), "impossible_value"),
    "fewer than no fills": (a_trade_message(1, last_fill_id=0), "impossible_value"),
    "before the first block": (a_trade_message(1, traded_at_ms=1), "impossible_value"),
    "a day ahead of its collector": (
        a_trade_message(1, traded_at_ms=START_MS + DAY_MS, collected_at_ms=START_MS),
        "future_time",
    ),
}


@pytest.fixture
def raw(spark: SparkSession) -> Callable[[list[bytes | None]], DataFrame]:
    def build(values: list[bytes | None]) -> DataFrame:
        rows = [("crypto-trades", 0, offset, b"k", value) for offset, value in enumerate(values)]
        schema = "topic string, partition int, offset long, key binary, value binary"
        return spark.createDataFrame(rows, schema).withColumn("timestamp", F.current_timestamp())

    return build


def test_each_poison_is_refused_with_its_reason_and_its_neighbours_pass(raw):
    values = [value for bad, _ in POISON.values() for value in (GOOD, bad)]
    decoded = decode(raw(values), TRADE).select("offset", "rejection", "trade_id").collect()
    reasons = {row["offset"]: row["rejection"] for row in decoded}
    assert [reasons[n] for n in range(1, len(values), 2)] == [why for _, why in POISON.values()]
    neighbours = [row["trade_id"] for row in decoded if row["offset"] % 2 == 0]
    assert neighbours == [7] * len(POISON)


def test_records_of_many_topics_are_judged_by_the_type_of_their_own_topic(spark):
    fear = {"source": "s", "observed_at_ms": START_MS, "collected_at_ms": START_MS, "index": 5}
    good = encode(FEAR_GREED, fear | {"classification": "Fear"})
    below_zero = encode(FEAR_GREED, fear | {"index": -1, "classification": "Fear"})
    rows = [
        (TRADE.topic, GOOD),
        (TRADE.topic, good),
        (FEAR_GREED.topic, good),
        (FEAR_GREED.topic, below_zero),
        (FEAR_GREED.topic, GOOD),
    ]
    schema = "topic string, partition int, offset long, key binary, value binary"
    frame = spark.createDataFrame(
        [(topic, 0, offset, b"k", value) for offset, (topic, value) in enumerate(rows)], schema
    ).withColumn("timestamp", F.current_timestamp())
    judged = judge(frame, (TRADE, FEAR_GREED)).orderBy("offset").collect()
    assert [row["rejection"] for row in judged] == [
        None,
        "unknown_schema",
        None,
        "impossible_value",
        "unknown_schema",
    ]


def test_accepted_keeps_only_what_was_not_refused(raw):
    values = [GOOD, None, b"junk", GOOD]
    offsets = accepted(decode(raw(values), TRADE)).select("offset").collect()
    assert sorted(row["offset"] for row in offsets) == [0, 3]


def test_a_record_is_decoded_once_however_many_columns_are_read_of_it(raw):
    """The optimiser would write the decoding into each comparison of the filter."""
    kept = accepted(decode(raw([GOOD]), TRADE)).select("price", "quantity", "symbol")
    plan = kept._jdf.queryExecution().optimizedPlan().toString()
    assert plan.count("from_avro") == len(TRADE.versions)
