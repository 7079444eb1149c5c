"""The job: scored by Spark, told by the core, written to the real InfluxDB and read back."""

import random
from itertools import pairwise
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
from pydantic import SecretStr
from pyspark.sql import DataFrame, SparkSession

from market.clock import WallClock
from market.store.measurements import FEAR_GREED
from market.store.news import NewsSearch
from market.store.reader import open_store
from schemas.record_types import ARTICLE
from spark_jobs.influx_sink import open_writer, write_lines
from spark_jobs.line_protocol import to_lines
from spark_jobs.sentiment import news_lines, told_articles
from spark_jobs.stateful import batch_stateful
from spark_jobs.transforms.sentiment.rows import GIVEN, ORDER, fear_greed_rows, scored_articles
from spark_jobs.transforms.sentiment.scoring import shipped_scorer
from spark_jobs.transforms.sentiment.stories import open_core
from tests.market_store.store import settings as store_settings
from tests.spark_jobs.transforms.sentiment.builders import HOUR_MS, NOON_MS, an_article

pytestmark = pytest.mark.integration

SCHEMA = (
    "source string, article_id string, observed_at_ms long, collected_at_ms long, url string,"
    " author string, title string, summary string, partition int, offset long"
)
# What feeds have brought, and what somebody will try.
AWKWARD = (
    'Bitcoin "surges" \\ and\nfalls, says\r\n<b>nobody</b>',
    "🚀🚀 Ethereum\u200d to the moon 🌕",
    "\u202e\u05de\u05d7\u05d9\u05e8 \u05d4\u05d1\u05d9\u05d8\u05e7\u05d5\u05d9\u05df\u202c $30,000",
    "a=b,c d\te\u2028f\x0b",
    "' OR 1=1; --{{7*7}}",
    "Long " * 2_000,
    "\\",
    '"',
)


def frame(spark: SparkSession, articles: list[dict]) -> DataFrame:
    names = [part.split()[0] for part in SCHEMA.split(",")]
    return spark.createDataFrame([[one[name] for name in names] for one in articles], SCHEMA)


def told(spark: SparkSession, articles: list[dict]) -> DataFrame:
    scored = scored_articles(frame(spark, articles))
    return batch_stateful(scored, open_core, order=ORDER, gives=GIVEN)


@pytest.fixture
def write(influx_server):
    """Writes lines as the sink does."""
    sink = SimpleNamespace(
        influx_url=influx_server.url,
        influx_org=influx_server.org,
        influx_write_token=SecretStr(influx_server.write_token),
        kafka_bootstrap="127.0.0.1:1",
        clock=WallClock,
    )

    def run(lines: DataFrame) -> None:
        held = [row["line"] for row in lines.collect()]
        write_lines(open_writer(sink), influx_server.bucket, held, settings=sink)

    return run


async def test_awkward_titles_survive_the_way_into_the_store_and_back(spark, influx_server, write):
    articles = [
        an_article(f"awkward{n}", source="awkward, feed", title=title, summary=title, offset=n)
        for n, title in enumerate(AWKWARD)
    ]
    for _ in range(2):  # written twice is written once
        write(news_lines(told(spark, articles)))
    search = NewsSearch(NOON_MS, NOON_MS + 1, 50, source="awkward, feed", is_each_once=False)
    async with open_store(store_settings(influx_server), 10.0) as store:
        found = await store.news.search(search)
    kept = {one.article_id: one for one in found}
    assert {key: one.title for key, one in kept.items()} == {
        one["article_id"]: one["title"].replace("\r\n", "\n") for one in articles
    }
    assert kept["awkward0"].summary == AWKWARD[0].replace("\r\n", "\n")
    assert kept["awkward1"].coins == ("ethereum",)
    for one in found:
        mood = shipped_scorer().score(one.title)
        assert (one.compound, one.label) == (mood.compound, mood.label)
        assert all(one.title[words.start : words.end] == words.text for words in one.deciding)


async def test_copies_moods_sources_and_the_index_come_back(spark, influx_server, write):
    at_ms = NOON_MS + 1_000 * HOUR_MS
    title = "Solana surges to an all-time high"
    articles = [
        an_article(f"copy{n}", source=f"copies{n}", title=title, offset=n, observed_at_ms=at_ms + n)
        for n in range(3)
    ]
    write(news_lines(told(spark, articles)))
    days = [
        ("copies", at_ms, at_ms + 5, 7, "Extreme Fear"),
        ("copies", at_ms + 24 * HOUR_MS, 0, 93, "Greed"),
    ]
    named = (
        "source string, observed_at_ms long, collected_at_ms long, index int, classification string"
    )
    write(to_lines(fear_greed_rows(spark.createDataFrame(days, named)), FEAR_GREED))
    async with open_store(store_settings(influx_server), 10.0) as store:
        (story,) = await store.news.search(NewsSearch(at_ms, at_ms + 10, 50))
        each = await store.news.search(NewsSearch(at_ms, at_ms + 10, 50, is_each_once=False))
        (hour,) = await store.news.moods(coin_id="solana", from_ms=at_ms, to_ms=at_ms + 1)
        sources = await store.news.sources(from_ms=at_ms, to_ms=at_ms + 10)
        index = await store.news.fear_greed(from_ms=at_ms, to_ms=at_ms + 48 * HOUR_MS)
    assert (story.article_id, story.copies) == ("copy0", ("copies1", "copies2"))
    assert [one.is_copy for one in each] == [True, True, False]
    assert (hour.stories, hour.articles, hour.positive, hour.score) == (1, 3, 1, story.compound)
    assert [(one.source, one.articles) for one in sources] == [(f"copies{n}", 1) for n in range(3)]
    assert [(day.index, day.classification) for day in index] == [
        (7, "Extreme Fear"),
        (93, "Greed"),
    ]


def test_the_stream_gives_what_the_batch_gives_however_it_is_cut(spark, tmp_path):
    rng = random.Random(5)
    titles = (
        "Bitcoin surges",
        "Ethereum falls after hack",
        "UPDATE: Bitcoin surges",
        "Nothing new",
    )
    articles = [
        an_article(
            f"a{rng.randrange(20)}",
            title=rng.choice(titles),
            offset=offset,
            observed_at_ms=NOON_MS + rng.randrange(0, 30 * HOUR_MS, 60_000),
        )
        for offset in range(40)
    ]
    got: list[dict] = []
    for number, (begin, end) in enumerate(pairwise((0, 7, 8, 25, 40))):
        target = tmp_path / "articles" / f"piece{number}.parquet"
        target.parent.mkdir(exist_ok=True)
        pq.write_table(frame(spark, articles[begin:end]).toArrow(), target)
    stream = spark.readStream.option("maxFilesPerTrigger", 1).schema(SCHEMA)
    query = (
        told_articles(stream.parquet(str(tmp_path / "articles")))
        .writeStream.foreachBatch(
            lambda batch, _epoch: got.extend(row.asDict() for row in batch.collect())
        )
        .option("checkpointLocation", str(tmp_path / "checkpoint"))
        .trigger(availableNow=True)
        .start()
    )
    query.awaitTermination(120)
    wanted = [row.asDict() for row in told(spark, articles).collect()]
    assert newest(got) == newest(wanted)


def newest(rows: list[dict]) -> dict:
    return {(row["row"], row["coin_id"], row["time_ms"], row["stamp_ns"]): row for row in rows}


def test_a_record_has_every_column_that_the_job_reads():
    fields = {field["name"] for field in ARTICLE.latest["fields"]}
    assert set(an_article()) - {"partition", "offset"} <= fields
