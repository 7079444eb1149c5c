"""Runs queries and keeps them running: one driver for all jobs, or one job alone.

A query that fails is started again alone, from its checkpoint, while the others go on. The
watermark of a query that decides finality is published in `batch_ledger` after its batch, how all
of them do in `pipeline_health`.
"""

import signal
import threading
import time
from collections.abc import Sequence
from importlib import import_module
from types import FrameType

import structlog
from pyspark.sql import SparkSession

from market.clock import wall_ms
from market.log import configure
from market.metrics import serve_metrics
from market.settings import read_settings
from spark_jobs.influx_sink import open_writer
from spark_jobs.job_health import HealthLedger, TopicEnds
from spark_jobs.metrics import driver_metrics
from spark_jobs.query import Query
from spark_jobs.running import RunningQuery
from spark_jobs.settings import SparkSettings

# Between two looks at the queries; a bar becomes final in the reader's eyes at most this later.
LOOK_EVERY_S = 0.5

log = structlog.get_logger()


def run_job(queries: Sequence[Query]) -> None:
    """Run the queries until SIGTERM or SIGINT."""
    settings = read_settings(SparkSettings)
    configure(process="spark", as_json=settings.log_json)
    stop = _stop_on_signals()
    spark = SparkSession.builder.getOrCreate()
    ledger = open_writer(settings)
    running = [RunningQuery(query, spark, settings, ledger) for query in queries]
    health = HealthLedger(
        [query.health for query in running],
        ends=TopicEnds(settings.kafka_bootstrap),
        ledger=ledger,
        bucket=settings.influx_speed_bucket,
    )
    serve_metrics(settings.metrics_port, driver_metrics(health))
    clock = settings.clock()
    while not stop.wait(LOOK_EVERY_S):
        _look_after(running)
        health.look(time.monotonic(), wall_ms=wall_ms(), clock=clock)
    log.info("stopping")
    for query in running:
        query.stop()
    spark.stop()


def _look_after(queries: Sequence[RunningQuery]) -> None:
    """Look at each that has started; the next one starts when all before it are under way."""
    may_start = True
    for query in queries:
        if may_start or query.has_started:
            query.look_after()
        may_start = may_start and query.is_under_way


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()

    def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, ask_to_stop)
    return stop


def main() -> None:
    """Run the jobs of the settings."""
    jobs = read_settings(SparkSettings).jobs
    run_job([query for job in jobs for query in import_module(f"spark_jobs.{job}").QUERIES])


if __name__ == "__main__":
    main()
