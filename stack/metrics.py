"""The supervisor for Prometheus: each process of the run, whether it lives and what it takes."""

from collections.abc import Iterator

import psutil
from prometheus_client import Metric

from market.metrics import Collect, counters, gauges
from stack.home import Home
from stack.processes.records import members, records_in


def supervisor_metrics(home: Home) -> Collect:
    """What to register for the run of a home."""

    def collect() -> Iterator[Metric]:
        records = list(records_in(home.run))
        alive = {record.name: members(record) for record in records}
        label = ("process",)
        yield gauges(
            "process_up",
            "1 while it lives.",
            label,
            [((name,), bool(found)) for name, found in alive.items()],
        )
        yield counters(
            "process_restarts",
            "How often it was started again.",
            label,
            [((record.name,), record.restarts) for record in records],
        )
        yield gauges(
            "process_resident_bytes",
            "Memory of it and of all that it started.",
            label,
            [((name,), sum(map(_rss, found))) for name, found in alive.items()],
        )

    return collect


def _rss(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
