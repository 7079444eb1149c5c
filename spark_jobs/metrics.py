"""The Spark driver for Prometheus: its queries as `pipeline_health` tells them, with totals."""

from collections.abc import Iterator

from prometheus_client import Metric

from market.metrics import Collect, counters, gauges
from spark_jobs.job_health import HealthLedger

STATES = ("starting", "running", "waiting")


def driver_metrics(ledger: HealthLedger) -> Collect:
    """What to register for a driver."""

    def collect() -> Iterator[Metric]:
        jobs, states = ledger.jobs, ledger.states
        label = ("job",)
        yield counters(
            "job_batches",
            "Micro-batches that ended.",
            label,
            [((one.job,), one.batches_in_all) for one in jobs],
        )
        yield counters(
            "job_records",
            "Records read.",
            label,
            [((one.job,), one.records_in_all) for one in jobs],
        )
        yield counters(
            "job_restarts",
            "How often a query had to be started again.",
            label,
            [((one.job,), one.restarts) for one in jobs],
        )
        yield gauges(
            "job_state",
            "1 for the state a query is in.",
            ("job", "state"),
            [((one.job, state), one.state == state) for one in jobs for state in STATES],
        )
        for name, words, amounts in (
            (
                "job_lag_records",
                "Records behind the ends of its topics.",
                {job: state.lag_records for job, state in states.items()},
            ),
            (
                "job_batch_p95_milliseconds",
                "95 % of the micro-batches of the last minute took at most this.",
                {job: state.batch_p95_ms for job, state in states.items()},
            ),
            (
                "job_watermark_delay_seconds",
                "Platform time less the watermark.",
                {job: state.watermark_delay_s for job, state in states.items()},
            ),
        ):
            told = [((job,), amount) for job, amount in amounts.items() if amount is not None]
            yield gauges(name, words, label, told)

    return collect
