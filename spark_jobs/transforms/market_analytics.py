"""Final minutes and an exchange's history to the rows that the cores of `bars` step through.

A bar of trades goes to two cores: that of its market (`source|symbol`) and the one of all markets.
History goes to its market alone. Event order is ORDER: history first, then by time.
"""

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql import types as T  # noqa: N812

from market.store.measurements import ANALYTICS, CANDLES, CROSS_SECTION, FieldType
from spark_jobs.transforms.bar_history import GRAINS
from spark_jobs.transforms.cross_section import CrossSection
from spark_jobs.transforms.market_bars import MarketBars

ALL_MARKETS = "*"
# "external" sorts before "speed".
ORDER = ("layer", "time_ms", "source", "symbol")
_TYPES: Mapping[FieldType, T.DataType] = {
    "float": T.DoubleType(),
    "int": T.LongType(),
    "string": T.StringType(),
    "bool": T.BooleanType(),
}
_MEASUREMENTS = (CANDLES, ANALYTICS, CROSS_SECTION)
_COLUMNS: Mapping[str, FieldType] = {
    **dict.fromkeys((tag for measurement in _MEASUREMENTS for tag in measurement.tags), "string"),
    **{name: kind for one in _MEASUREMENTS for name, kind in one.fields.items()},
    "time_ms": "int",
    "collected_at_ms": "int",
}
GIVEN = T.StructType([T.StructField(name, _TYPES[kind]) for name, kind in _COLUMNS.items()])
"""Columns of what the cores give; `kind` says of which measurement a row is."""


def keyed_rows(minutes: DataFrame, history: DataFrame) -> DataFrame:
    """Rows of CANDLES with `collected_at_ms` to the same with the `key` of a core."""
    known = history.where(F.col("interval").isin(*GRAINS))
    columns = [*CANDLES.tags, *CANDLES.fields, "time_ms", "collected_at_ms"]
    rows = minutes.select(*columns).unionByName(known.select(*columns))
    market = F.concat_ws("|", "source", "symbol")
    keys = F.when(F.col("layer") == "speed", F.array(market, F.lit(ALL_MARKETS)))
    return rows.select(F.explode(F.coalesce(keys, F.array(market))).alias("key"), *columns)


def open_core(key: str, state: bytes | None) -> MarketBars | CrossSection:
    """The core of a key, from its saved state where there is one."""
    kind = CrossSection if key == ALL_MARKETS else MarketBars
    return kind() if state is None else kind.restored(state)
