"""Micro-batches to one Delta table, each record once; the only place that names Delta Lake.

A batch is one commit, so it is there whole or not at all: what a killed append leaves is named by
no commit, and vacuum removes it. The commit carries the checkpoint's id and the batch's number;
Delta leaves out a batch that it has already, and `_check` refuses a checkpoint and a table that are
not of one history. A checkpoint that begins anew goes on after the offsets that the table holds.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import reduce
from operator import or_
from pathlib import Path

import structlog
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from market.clock import Clock
from market.errors import Fatal
from spark_jobs.kafka_offsets import Offsets

# A folder of these a value: what a reader leaves out without opening a file.
PARTITIONED_BY = ("topic", "day")
ORDER = (*PARTITIONED_BY, "partition", "offset")
PROPERTIES = {
    # Merged files and old log entries stay this long for readers that opened the table before.
    "delta.deletedFileRetentionDuration": "interval 2 days",
    "delta.logRetentionDuration": "interval 2 days",
}
MEGABYTE = 1024 * 1024
SESSION = {
    "spark.sql.parquet.compression.codec": "zstd",
    # A file of this size is left as it is, so a record is written anew only while its day is small.
    "spark.databricks.delta.optimize.minFileSize": str(64 * MEGABYTE),
    "spark.databricks.delta.optimize.maxFileSize": str(128 * MEGABYTE),
}
# A batch adds a file a topic and day. Delta's own merging (autoCompact) ran after every batch.
MERGE_EVERY_BATCHES = 60
# After a first start there are a thousand days of history; listing them took half a minute of both
# cores while everything else warmed up.
SETTLED_AFTER_BATCHES = 5
# A batch is one commit, a merge another.
RECENT_COMMITS = 20

log = structlog.get_logger()


def next_offsets(spark: SparkSession, table: Path) -> Offsets:
    """The first offset after those of the table by topic and partition; empty without a table."""
    if not _is_there(table):
        return {}
    held = spark.read.format("delta").load(str(table))
    rows = held.groupBy("topic", "partition").agg(F.max("offset").alias("highest")).collect()
    return {(row["topic"], row["partition"]): row["highest"] + 1 for row in rows}


def merge_files(spark: SparkSession, table: Path) -> tuple[int, int]:
    """Merge the small files of each folder; how many there were and how many came of them."""
    metrics = spark.sql(f"OPTIMIZE delta.`{table}`").collect()[0]["metrics"]
    return metrics["numFilesRemoved"], metrics["numFilesAdded"]


def remove_unused(spark: SparkSession, table: Path) -> None:
    """Delete files that no version of the last two days names."""
    spark.sql(f"VACUUM delta.`{table}`").collect()


@dataclass(slots=True)
class DeltaSink:
    """The function for `foreachBatch` of one started query; one object a start."""

    table: Path
    checkpoint: Path
    clock: Clock
    _is_checked: bool = False
    _day: date | None = None
    _unmerged: int = 0

    def __call__(self, batch: DataFrame, epoch: int) -> None:
        """Append the batch; then look after the files, save in the rush of a start."""
        spark = batch.sparkSession
        app_id = f"{self.checkpoint.name}:{_query_id(spark)}"
        is_first = not self._is_checked
        if is_first:
            for name, setting in SESSION.items():
                spark.conf.set(name, setting)
            self._check(batch, epoch, app_id)
            self._is_checked = True
        self._append(batch, epoch, app_id)
        if not is_first:
            self._look_after(spark)

    def _append(self, batch: DataFrame, epoch: int, app_id: str) -> None:
        writer = (
            # One file a topic and day, its offsets in order.
            batch.repartition(_tasks(batch.sparkSession), *PARTITIONED_BY)
            .sortWithinPartitions(*ORDER)
            .write.format("delta")
            .mode("append")
            .partitionBy(*PARTITIONED_BY)
            .option("txnAppId", app_id)
            .option("txnVersion", epoch)
            .option("userMetadata", json.dumps({"app": app_id, "batch": epoch}))
        )
        if not _is_there(self.table):
            writer = writer.options(**PROPERTIES)
        writer.save(str(self.table))

    def _check(self, batch: DataFrame, epoch: int, app_id: str) -> None:
        """Raises Fatal where batches are missing between the table and the checkpoint."""
        held = self._newest_batch(batch.sparkSession, app_id)
        follows = epoch == (0 if held is None else held + 1)
        is_repeated = epoch == held and self._holds(batch)
        if follows or is_repeated:
            return
        names = f"the table {self.table} and the checkpoint {self.checkpoint}"
        error = Fatal(
            f"{names} do not fit: batch {epoch} is next, and the table has "
            f"{'none of it' if held is None else f'batch {held}'}. Delete the checkpoint's folder: "
            "the query goes on after the last record of the table."
        )
        log.error("archive_refused", why=str(error))
        raise error

    def _newest_batch(self, spark: SparkSession, app_id: str) -> int | None:
        if not _is_there(self.table):
            return None
        history = spark.sql(f"DESCRIBE HISTORY delta.`{self.table}` LIMIT {RECENT_COMMITS}")
        notes = [json.loads(row["userMetadata"] or "{}") for row in history.collect()]
        return max((one["batch"] for one in notes if one.get("app") == app_id), default=None)

    def _holds(self, batch: DataFrame) -> bool:
        """Whether the table has every record of a batch that is repeated."""
        held = next_offsets(batch.sparkSession, self.table)
        return batch.where(~_is_before(held)).isEmpty()

    def _look_after(self, spark: SparkSession) -> None:
        """Merge at the end of a day and every so many batches; clear at the end of a day."""
        today = datetime.fromtimestamp(self.clock.now_ms() / 1000, UTC).date()
        is_new_day = today != self._day
        self._unmerged += 1
        if self._day is None and self._unmerged < SETTLED_AFTER_BATCHES:
            return
        if not is_new_day and self._unmerged < MERGE_EVERY_BATCHES:
            return
        self._day, self._unmerged = today, 0
        try:
            files, into = merge_files(spark, self.table)
            if is_new_day:
                remove_unused(spark, self.table)
        except PySparkException as error:
            # The records are there; the next turn takes these files as well.
            log.warning("archive_not_merged", why=str(error).split("\n", 1)[0][:500])
            return
        log.info("archive_merged", day=today.isoformat(), files=files, into=into)


def _is_before(held: Offsets) -> Column:
    known: Sequence[Column] = [
        (F.col("topic") == topic) & (F.col("partition") == partition) & (F.col("offset") < offset)
        for (topic, partition), offset in held.items()
    ]
    return reduce(or_, known, F.lit(False))


def _tasks(spark: SparkSession) -> int:
    """A quarter of the slots: the first batch makes a folder for each day of history."""
    return max(spark.sparkContext.defaultParallelism // 4, 1)


def _is_there(table: Path) -> bool:
    return (table / "_delta_log").is_dir()


def _query_id(spark: SparkSession) -> str:
    """Id of the query that runs in this thread; it is in the checkpoint and stays with it."""
    found = spark.sparkContext.getLocalProperty("sql.streaming.queryId")
    if found is None:
        raise Fatal("this is no streaming query")
    return str(found)
