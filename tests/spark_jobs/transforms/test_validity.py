"""The rules say the same of a record and of a column."""

import math

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812

from schemas.record_types import TRADE
from schemas.validity import EARLIEST_MS, FUTURE_TOLERANCE_MS, impossible
from spark_jobs.transforms.validity import impossible as impossible_column
from tests.spark_jobs.builders import START_MS, a_trade

pytestmark = pytest.mark.integration

TRADES = [
    a_trade(1),
    *(a_trade(1, price=price) for price in (math.nan, math.inf, -math.inf, -1.0, 0.0, 5e-324)),
    *(a_trade(1, quantity=quantity) for quantity in (math.nan, 0.0, -0.0)),
    a_trade(1, first_fill_id=3, last_fill_id=2),
    a_trade(1, first_fill_id=3, last_fill_id=3),
    *(a_trade(1, traded_at_ms=EARLIEST_MS + late_ms) for late_ms in (-1, 0)),
    *(
        a_trade(1, traded_at_ms=START_MS + FUTURE_TOLERANCE_MS + late_ms, collected_at_ms=START_MS)
        for late_ms in (0, 1)
    ),
    a_trade(1, price=-1.0, traded_at_ms=START_MS * 2, collected_at_ms=START_MS),
]


def test_both_engines_give_each_record_the_same_reason(spark: SparkSession):
    names = list(TRADES[0])
    rows = [(number, *(one[name] for name in names)) for number, one in enumerate(TRADES)]
    frame = spark.createDataFrame(rows, ["number", *names]).select(
        "number", F.struct(*names).alias("record")
    )
    judged = frame.select("number", impossible_column(TRADE).alias("reason")).collect()
    by_spark = {row["number"]: row["reason"] for row in judged}
    in_python = [(impossible(TRADE, one) or (None,))[0] for one in TRADES]
    assert [by_spark[number] for number in range(len(TRADES))] == in_python
    assert set(in_python) == {None, "impossible_value", "future_time"}
