"""Job `anomalies`: trades, snapshots and heartbeats to episodes of anomalies.

Each revision goes to the speed bucket of InfluxDB, where it overwrites the one before it, and to
`crypto-anomalies`, where all of them stay.
"""

from collections.abc import Callable

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.streaming.readwriter import DataStreamWriter

from market.store.measurements import ANOMALIES
from schemas.record_types import ANOMALY, PRICE, SOURCE_HEALTH, TRADE
from spark_jobs.driver import run_job
from spark_jobs.influx_sink import open_writer, write_by_bucket
from spark_jobs.kafka_sink import RecordProducer
from spark_jobs.kafka_source import accepted, decode_each, read_topics
from spark_jobs.line_protocol import line_of
from spark_jobs.query import Query
from spark_jobs.settings import DEMO_DISORDER_S, SparkSettings
from spark_jobs.stateful import stream_stateful
from spark_jobs.transforms.anomalies.seconds import (
    BEATEN,
    EVENT_COLUMNS,
    GIVEN,
    ORDER,
    OTHERS_WAIT_S,
    TOLD,
    TRADED,
    keyed_seconds,
    with_clock,
)
from spark_jobs.transforms.anomalies.watch import open_core

# An alarm is worth its speed: what is later than this is left to candles and the batch layer.
WATERMARK_DELAY_S = 3
LISTS = ("sources", "trade_ids", "coordinates")


def _anomalies(spark: SparkSession, settings: SparkSettings) -> DataStreamWriter:
    kinds = (TRADE, PRICE, SOURCE_HEALTH)
    raw = read_topics(spark, settings, *(kind.topic for kind in kinds))
    given = episodes(events(accepted(decode_each(raw, kinds))), speed=settings.clock().speed)
    return (
        sinkable(given, settings)
        .writeStream.outputMode("append")
        .foreachBatch(batch_writer(settings))
    )


def events(records: DataFrame) -> DataFrame:
    """Records of the three kinds to events of one shape."""
    trade, price, health = (F.col(kind.name) for kind in (TRADE, PRICE, SOURCE_HEALTH))
    is_trade, is_price = trade.isNotNull(), price.isNotNull()
    coordinate = F.concat_ws("/", "topic", "partition", "offset")
    both = {name: F.coalesce(trade[name], price[name]) for name in ("coin_id",)}
    every = {
        name: F.coalesce(trade[name], price[name], health[name])
        for name in ("source", "collected_at_ms")
    }
    told = {name: price[name] for name in TOLD}
    told["observed_at_ms"] = F.coalesce(price["observed_at_ms"], health["observed_at_ms"])
    what = F.when(is_trade, "trades").when(is_price, "snapshot").otherwise("heartbeat")
    columns: dict[str, Column] = {
        "what": what,
        "symbol": trade["symbol"],
        "quote": trade["quote"],
        "coordinate": coordinate,
        "offset": F.col("offset"),
        **both,
        **every,
        **{name: trade[name] for name in TRADED},
        **told,
        **{name: health[name] for name in BEATEN},
    }
    return records.select(*(columns[name].alias(name) for name in EVENT_COLUMNS))


def episodes(found: DataFrame, *, speed: float) -> DataFrame:
    """A stream of events to revisions of episodes; `speed` is that of the platform's clock."""
    timed = with_clock(
        found,
        watermark_delay_s=max(WATERMARK_DELAY_S, round(DEMO_DISORDER_S * speed)),
        others_wait_s=max(OTHERS_WAIT_S, round(DEMO_DISORDER_S * speed)),
    )
    return stream_stateful(keyed_seconds(timed), open_core, order=ORDER, gives=GIVEN)


def sinkable(given: DataFrame, settings: SparkSettings) -> DataFrame:
    """`bucket`, `line` for InfluxDB and the `anomaly` for Kafka of each revision."""
    fields = [F.col(field["name"]) for field in ANOMALY.latest["fields"]]
    records = given.withColumn("anomaly", F.struct(*fields))
    told = records.withColumns({name: F.to_json(name) for name in LISTS})
    bucket = F.lit(settings.influx_speed_bucket)
    # A later revision of a point is a later line of the batch.
    return told.select(bucket.alias("bucket"), line_of(ANOMALIES).alias("line"), F.col("anomaly"))


def batch_writer(settings: SparkSettings) -> Callable[[DataFrame, int], None]:
    """The function for `foreachBatch`; it has one action, so Spark runs the plan once."""
    writer = open_writer(settings)
    producer = RecordProducer(settings)

    def write(batch: DataFrame, _epoch: int) -> None:
        rows = batch.toArrow()
        write_by_bucket(writer, rows, settings=settings)
        if rows.num_rows:
            producer.send(ANOMALY, rows["anomaly"].to_pylist())

    return write


# A second is final 3 s after it, and told by the batch after the one that learns that it is: twice
# this pause is what an anomaly waits at most.
QUERIES = (Query(name="anomalies", version=1, output=_anomalies, trigger_ms=1_500),)


def main() -> None:
    """Run this job alone."""
    run_job(QUERIES)


if __name__ == "__main__":
    main()
