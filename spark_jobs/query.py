"""One streaming query: its name, its version and how to start it.

The version is part of the checkpoint's path. Raise it when the plan changes in a way that old state
cannot serve; the query then begins anew, and says so.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery
from pyspark.sql.streaming.readwriter import DataStreamWriter

from spark_jobs.settings import TRIGGER_MS, SparkSettings

READS_AGAIN = "it reads its topics again from the start and overwrites the same points"


@dataclass(frozen=True, slots=True)
class Query:
    """A row of a job's QUERIES. `output` maps a session to an unstarted writer."""

    name: str
    version: int
    output: Callable[[SparkSession, SparkSettings], "DataStreamWriter"]
    trigger_ms: int = TRIGGER_MS
    """Pause between its micro-batches at the default setting; all move with the setting."""
    final_through: tuple[str, ...] = ()
    """Intervals whose finality this query's watermark decides."""
    begins_anew: str = READS_AGAIN
    """What it does without a checkpoint."""

    def checkpoint(self, settings: SparkSettings) -> Path:
        """Its folder, absolute; there once the query has started."""
        return (settings.checkpoints / f"{self.name}-v{self.version}").absolute()

    def replaced_version(self, settings: SparkSettings) -> int | None:
        """The newest older version that has a checkpoint, None where this one has its own."""
        if self.checkpoint(settings).exists():
            return None
        held = settings.checkpoints.glob(f"{self.name}-v*")
        named = [one.name.removeprefix(f"{self.name}-v") for one in held]
        versions = [int(number) for number in named if number.isdecimal()]
        return max((number for number in versions if number < self.version), default=None)

    def start(self, spark: SparkSession, settings: SparkSettings) -> StreamingQuery:
        """Start from the checkpoint, or from the beginning of the topics where there is none."""
        trigger_ms = max(round(self.trigger_ms * settings.spark_trigger_ms / TRIGGER_MS), 1)
        return (
            self.output(spark, settings)
            .queryName(self.name)
            .option("checkpointLocation", str(self.checkpoint(settings)))
            .trigger(processingTime=f"{trigger_ms} milliseconds")
            .start()
        )


Transform = Callable[[DataFrame], DataFrame]
