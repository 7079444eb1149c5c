"""Line protocol: what a missing number, a name with spaces or a quote becomes."""

import math

import pytest
from pyspark.sql import SparkSession

from market.store.measurements import Measurement
from spark_jobs.line_protocol import to_lines

pytestmark = pytest.mark.integration

READING = Measurement(
    name="reading", tags=("place",), fields={"level": "float", "count": "int", "note": "string"}
)


def line(spark: SparkSession, place: str | None, level: float | None, count, note) -> list[str]:
    rows = spark.createDataFrame(
        [(place, level, count, note, 1_678_503_600_000)],
        "place string, level double, count long, note string, time_ms long",
    )
    return [row["line"] for row in to_lines(rows, READING).collect()]


def test_a_row_becomes_one_line_with_a_nanosecond_stamp(spark):
    assert line(spark, "here", 1.5, 3, "n") == [
        'reading,place=here level=1.5,count=3i,note="n" 1678503600000000000'
    ]


@pytest.mark.parametrize("missing", [None, math.nan, math.inf, -math.inf])
def test_a_number_that_is_missing_is_left_out_and_never_zero(spark, missing):
    assert line(spark, "here", missing, 0, None) == [
        "reading,place=here count=0i 1678503600000000000"
    ]


def test_a_row_without_any_field_makes_no_line(spark):
    assert line(spark, "here", None, None, None) == []


def test_separators_in_tags_and_quotes_in_strings_are_escaped(spark):
    assert line(spark, "a b,c=d\ne", 1.0, None, 'say "x\\y"') == [
        'reading,place=a\\ b\\,c\\=d\\ e level=1.0,note="say \\"x\\\\y\\"" 1678503600000000000'
    ]


def test_an_empty_tag_is_left_out(spark):
    assert line(spark, "", 1.0, None, None) == ["reading level=1.0 1678503600000000000"]
    assert line(spark, None, 1.0, None, None) == ["reading level=1.0 1678503600000000000"]


@pytest.mark.parametrize("number", [1e-11, 1e22, 123456789.123456789, -0.1])
def test_a_float_comes_back_bit_for_bit(spark, number):
    (text,) = line(spark, "here", number, None, None)
    assert float(text.split(" ")[1].removeprefix("level=")) == number


def test_a_measurement_with_nanosecond_stamps_takes_them_as_they_are(spark):
    exact = Measurement(name="reading", tags=(), fields={"count": "int"}, stamp="stamp_ns")
    rows = spark.createDataFrame([(3, 1_678_503_600_000_000_017)], "count long, stamp_ns long")
    (row,) = to_lines(rows, exact).collect()
    assert row["line"] == "reading count=3i 1678503600000000017"
