"""One query under supervision: started, restarted alone after a failure, its finality published."""

import time
from collections.abc import Mapping
from typing import Any

import structlog
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from market.errors import Fatal, Retryable, StoreUnavailable
from market.store.measurements import LEDGER
from market.store.writer import PointWriter
from spark_jobs.batches import Followed, epoch_ms
from spark_jobs.failures import is_damage, reason_of
from spark_jobs.job_health import JobHealth
from spark_jobs.query import Query
from spark_jobs.settings import SparkSettings

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 30.0
# A micro-batch takes well under a second, the pause after it half of one.
STOP_WITHIN_S = 3.0
STOP_POLL_S = 0.01
# The longest that a query which starts keeps the others waiting.
ALONE_FOR_S = 10.0
# One line a query and interval in the log: what its newest micro-batch did and where time went.
TELL_EVERY_S = 30.0
# A query that ran this long was healthy: its next failure waits briefly again.
HEALTHY_AFTER_S = 60.0

log = structlog.get_logger()


class RunningQuery:
    """A query and the decisions about it; `look_after` is called every half second."""

    def __init__(
        self, query: Query, spark: SparkSession, settings: SparkSettings, ledger: PointWriter
    ) -> None:
        self._query = query
        self._spark = spark
        self._settings = settings
        self._ledger = ledger
        self.health = JobHealth(query.name)
        self._followed = Followed()
        self._published_ms = 0
        self._late_groups = 0
        self._wait_s = FIRST_WAIT_S
        self._not_before = 0.0
        self._started = 0.0
        self._told = 0.0
        self._running: StreamingQuery | None = None

    def look_after(self) -> None:
        """Start it where it does not run and it is time; publish what has become final."""
        if self._running is not None and self._running.isActive:
            newest = self._running.lastProgress
            if newest is not None:
                finished = self._followed.finished(self._running, newest)
                self.health.saw(finished)
                self._late_groups += sum(batch.late_groups for batch in finished)
                self._publish_final_through(newest)
                self._tell(newest)
            return
        if self._running is not None:
            self._plan_restart(self._running)
        if time.monotonic() >= self._not_before:
            self._start()

    @property
    def has_started(self) -> bool:
        """Whether it was started before, however it went."""
        return self._running is not None or self._not_before > 0

    @property
    def is_under_way(self) -> bool:
        """Whether the next query may start: this one has finished a batch, failed or had its time.

        Queries that warm up together on two cores all show their first row late.
        """
        if self._running is None:
            return self._not_before > 0
        waited_s = time.monotonic() - self._started
        return self._running.lastProgress is not None or waited_s > ALONE_FOR_S

    def stop(self) -> None:
        """Stop it between two micro-batches, or in one that does not end in time.

        A batch that is cut off is repeated at the next start. That is right but slow: Spark 4.1.1
        then fails once in its metrics (SPARK-57438) and the query starts twice.
        """
        if self._running is None:
            return
        give_up = time.monotonic() + STOP_WITHIN_S
        while self._running.isActive and self._running.status["isTriggerActive"]:
            if time.monotonic() > give_up:
                log.warning("batch_cut_off", query=self._query.name)
                break
            time.sleep(STOP_POLL_S)
        self._running.stop()

    def _start(self) -> None:
        if not self.has_started:
            self._say_whether_anew()
        try:
            self._running = self._query.start(self._spark, self._settings)
        except (Retryable, Fatal) as error:
            self._back_off(repr(error))
            return
        except (PySparkException, Py4JJavaError) as error:
            self._back_off(str(error))
            return
        self._started = time.monotonic()
        self._followed = Followed()
        self.health.state = "running"
        log.info("query_started", query=self._query.name, version=self._query.version)

    def _say_whether_anew(self) -> None:
        replaced = self._query.replaced_version(self._settings)
        if replaced is None:
            return
        log.warning(
            "checkpoint_begun_anew",
            query=self._query.name,
            old_version=replaced,
            version=self._query.version,
            means=self._query.begins_anew,
        )

    def _plan_restart(self, failed: StreamingQuery) -> None:
        self._running = None
        self.health.restarts += 1
        if time.monotonic() - self._started > HEALTHY_AFTER_S:
            self._wait_s = FIRST_WAIT_S
        error = failed.exception()
        self._back_off(str(error) if error else "stopped by itself")

    def _back_off(self, failure: str) -> None:
        checkpoint = self._query.checkpoint(self._settings)
        told = {"query": self._query.name, "why": reason_of(failure), "next_try_s": self._wait_s}
        if is_damage(failure, checkpoint):
            way_out = f"move the folder away while the query waits: {self._query.begins_anew}"
            log.error("checkpoint_damaged", **told, checkpoint=str(checkpoint), way_out=way_out)
        else:
            log.error("query_failed", **told)
        self.health.state = "waiting"
        self._not_before = time.monotonic() + self._wait_s
        self._wait_s = min(self._wait_s * 2, LONGEST_WAIT_S)

    def _tell(self, progress: Mapping[str, Any]) -> None:
        if time.monotonic() - self._told < TELL_EVERY_S:
            return
        self._told = time.monotonic()
        log.info(
            "micro_batch",
            query=self._query.name,
            batch=progress["batchId"],
            rows=progress["numInputRows"],
            duration_ms=dict(progress["durationMs"]),
            watermark=progress["eventTime"].get("watermark"),
        )

    def _publish_final_through(self, progress: Mapping[str, Any]) -> None:
        if not self._query.final_through:
            return
        watermark = progress["eventTime"].get("watermark")
        through_ms = epoch_ms(watermark) if watermark else 0
        if through_ms <= self._published_ms:
            return
        lines = [
            f"{LEDGER.name},interval={interval},kind=final_through,layer=speed"
            f" final_through_ms={through_ms}i,late_groups={self._late_groups}i {through_ms}000000"
            for interval in self._query.final_through
        ]
        try:
            self._ledger.write(self._settings.influx_bucket, lines)
        except (StoreUnavailable, Fatal) as error:
            log.warning("final_through_not_published", query=self._query.name, why=str(error))
            return
        self._published_ms = through_ms
        self._late_groups = 0
