"""InfluxDB's line protocol built by Spark SQL: one string column `line`, no Python per row.

A null or not finite field is left out of its line; a row without any field makes no line.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from market.store.measurements import Measurement


def to_lines(rows: DataFrame, measurement: Measurement) -> DataFrame:
    """Rows with the measurement's tags, fields and `time_ms` to lines with nanosecond stamps."""
    tags = [_tag(name) for name in measurement.tags]
    fields = [_field(name, kind) for name, kind in measurement.fields.items()]
    head = F.concat_ws(",", F.lit(measurement.name), *tags)
    stamp = F.concat(F.col("time_ms").cast("string"), F.lit("000000"))
    return (
        rows.withColumn("field_set", F.concat_ws(",", *fields))
        .where(F.col("field_set") != "")
        .select(F.concat_ws(" ", head, F.col("field_set"), stamp).alias("line"))
    )


def _tag(name: str) -> Column:
    text = F.regexp_replace(F.col(name), "[\\r\\n\\\\]", " ")
    return F.when(
        F.length(text) > 0, F.concat(F.lit(f"{name}="), F.regexp_replace(text, "([,= ])", "\\\\$1"))
    )


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
