"""One streaming query: its name, its version and how to start it.

The version is part of the checkpoint's path. Raise it when the plan changes in a way that old state
cannot serve; the query then reads its topics again from the start and overwrites the same points.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery
from pyspark.sql.streaming.readwriter import DataStreamWriter

from spark_jobs.settings import SparkSettings


@dataclass(frozen=True, slots=True)
class Query:
    """A row of a job's QUERIES. `output` maps a session to an unstarted writer."""

    name: str
    version: int
    output: Callable[[SparkSession, SparkSettings], "DataStreamWriter"]
    trigger_ms: int | None = None
    final_through: str | None = None
    """Interval whose finality this query's watermark decides, null where it decides none."""

    def checkpoint(self, settings: SparkSettings) -> Path:
        """Its folder, absolute; there once the query has started."""
        return (settings.checkpoints / f"{self.name}-v{self.version}").absolute()

    def start(self, spark: SparkSession, settings: SparkSettings) -> StreamingQuery:
        """Start from the checkpoint, or from the beginning of the topics where there is none."""
        trigger_ms = self.trigger_ms or settings.spark_trigger_ms
        return (
            self.output(spark, settings)
            .queryName(self.name)
            .option("checkpointLocation", str(self.checkpoint(settings)))
            .trigger(processingTime=f"{trigger_ms} milliseconds")
            .start()
        )


Transform = Callable[[DataFrame], DataFrame]
