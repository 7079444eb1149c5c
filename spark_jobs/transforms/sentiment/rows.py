"""Articles as the rows that the core of stories steps through; the index as rows of the store."""

import orjson
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql import types as T  # noqa: N812
from pyspark.sql.pandas.functions import arrow_udf
from pyspark.sql.pandas.types import to_arrow_type

from market.store.measurements import FEAR_GREED, NEWS, SENTIMENT, FieldType
from spark_jobs.transforms.sentiment.coins import coins_in
from spark_jobs.transforms.sentiment.scoring import Scorer, shipped_scorer

ALL_NEWS = "*"
ORDER = ("partition", "offset")
_READ = T.StructType(
    [
        T.StructField("compound", T.DoubleType()),
        T.StructField("label", T.StringType()),
        T.StructField("deciding", T.StringType()),
        T.StructField("coins", T.ArrayType(T.StringType())),
        T.StructField("lexicon_version", T.StringType()),
    ]
)
_TYPES: dict[FieldType, T.DataType] = {
    "float": T.DoubleType(),
    "int": T.LongType(),
    "string": T.StringType(),
    "bool": T.BooleanType(),
}
_COLUMNS: dict[str, FieldType] = {
    **dict.fromkeys((tag for one in (NEWS, SENTIMENT) for tag in one.tags), "string"),
    **{name: kind for one in (NEWS, SENTIMENT) for name, kind in one.fields.items()},
    "row": "string",
    "time_ms": "int",
    "stamp_ns": "int",
}
GIVEN = T.StructType([T.StructField(name, _TYPES[kind]) for name, kind in _COLUMNS.items()])
"""Columns of what the core gives; `row` says of which measurement: `news` or `sentiment`."""


def scored_articles(articles: DataFrame) -> DataFrame:
    """Decoded articles with their Kafka coordinates to what the core of stories takes."""
    read = arrow_udf(_read, _READ)("title", "summary")  # type: ignore[call-overload]  # by its type hints
    columns = ("source", "observed_at_ms", "collected_at_ms", "article_id", "url", "author")
    # The store gives every line break back as one and the same: places of words must still fit.
    one_break = {name: F.regexp_replace(name, "\r\n?", "\n") for name in ("title", "summary")}
    return (
        articles.withColumns(one_break)
        .select(
            F.lit(ALL_NEWS).alias("key"),
            *columns,
            "title",
            "summary",
            "partition",
            "offset",
            read.alias("read"),
        )
        .select("key", *columns, "title", "summary", "partition", "offset", "read.*")
    )


def fear_greed_rows(days: DataFrame) -> DataFrame:
    """One point a day of the index: its tags, its fields and `time_ms`, 00:00 UTC of the day."""
    return days.select(
        *FEAR_GREED.tags, *FEAR_GREED.fields, F.col("observed_at_ms").alias("time_ms")
    )


def _read(titles: pa.Array, summaries: pa.Array) -> pa.Array:
    """The one Python function that Spark calls for rows: the mood of titles, coins of both."""
    scorer = shipped_scorer()
    both = zip(titles.to_pylist(), summaries.to_pylist(), strict=True)
    rows = [read_article(scorer, title, summary) for title, summary in both]
    named = [dict(zip(_READ.names, row, strict=True)) for row in rows]
    return pa.array(named, to_arrow_type(_READ))


def read_article(scorer: Scorer, title: str, summary: str | None) -> tuple[object, ...]:
    """The columns of one article; the mood is that of its title alone."""
    mood = scorer.score(title)
    deciding = orjson.dumps([one._asdict() for one in mood.deciding]).decode()
    text = f"{title}\n{summary or ''}"
    return mood.compound, mood.label, deciding, list(coins_in(text)), scorer.version
