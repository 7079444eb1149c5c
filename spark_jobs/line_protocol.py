"""InfluxDB's line protocol built by Spark SQL: one string column `line`, no Python per row.

A null or not finite field is left out of its line; a row without any field makes no line.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from market.store.measurements import Measurement


def to_lines(rows: DataFrame, measurement: Measurement) -> DataFrame:
    """Rows with the measurement's tags, fields and stamp to lines with nanosecond stamps."""
    return (
        rows.withColumn("field_set", _field_set(measurement))
        .where(F.col("field_set") != "")
        .select(_joined(measurement, F.col("field_set")).alias("line"))
    )


def line_of(measurement: Measurement) -> Column:
    """The line of a row that has a field for certain."""
    return _joined(measurement, _field_set(measurement))


def _field_set(measurement: Measurement) -> Column:
    return F.concat_ws(",", *(_field(name, kind) for name, kind in measurement.fields.items()))


def _joined(measurement: Measurement, field_set: Column) -> Column:
    head = F.concat_ws(",", F.lit(measurement.name), *map(_tag, measurement.tags))
    stamp = F.col(measurement.stamp).cast("string")
    if measurement.stamp == "time_ms":
        stamp = F.concat(stamp, F.lit("000000"))
    return F.concat_ws(" ", head, field_set, stamp)


def _tag(name: str) -> Column:
    # Plain replacements: regular expressions took more than everything else about a line.
    text = F.translate(F.col(name), "\r\n\\", "   ")
    for mark in (",", "=", " "):
        text = F.replace(text, F.lit(mark), F.lit(f"\\{mark}"))
    return F.when(F.length(text) > 0, F.concat(F.lit(f"{name}="), text))


def _field(name: str, kind: str) -> Column:
    column = F.col(name)
    label = F.lit(f"{name}=")
    if kind == "int":
        return F.when(column.isNotNull(), F.concat(label, column.cast("string"), F.lit("i")))
    if kind == "float":
        finite = ~F.isnan(column) & (F.abs(column) != F.lit(float("inf")))
        return F.when(finite, F.concat(label, column.cast("string")))
    if kind == "bool":
        return F.when(column.isNotNull(), F.concat(label, column.cast("string")))
    text = F.regexp_replace(column, '(["\\\\])', "\\\\$1")
    return F.when(column.isNotNull(), F.concat(label, F.lit('"'), text, F.lit('"')))
