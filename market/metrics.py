"""Prometheus text of a process, on a port of the loopback interface.

A process tells what it holds already: a collector is asked when somebody looks, and counts nothing
itself. Names begin with `cryptoviz_`, units end them, and labels take their values from a list.
"""

from collections.abc import Callable, Iterable, Iterator

import structlog
from prometheus_client import CollectorRegistry, Metric, ProcessCollector, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

HOST = "127.0.0.1"
PREFIX = "cryptoviz_"
Collect = Callable[[], Iterable[Metric]]

log = structlog.get_logger()


class Collected(Collector):
    """A function as a collector."""

    def __init__(self, collect: Collect) -> None:
        self._collect = collect

    def collect(self) -> Iterator[Metric]:
        """What it tells now."""
        yield from self._collect()


def registry_of(*collects: Collect) -> CollectorRegistry:
    """What they tell, with the process's own memory, time and files (Linux only)."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    for collect in collects:
        registry.register(Collected(collect))
    return registry


def serve_metrics(port: int, *collects: Collect) -> None:
    """Answer on the port until the process ends; 0 serves nothing.

    A port that is taken is said and otherwise ignored: nobody dies because he cannot be measured.
    """
    if port == 0:
        return
    try:
        start_http_server(port, addr=HOST, registry=registry_of(*collects))
    except OSError as error:
        log.warning("metrics_not_served", port=port, why=str(error))


def gauge(name: str, words: str, amount: float) -> GaugeMetricFamily:
    """A number that goes up and down."""
    return GaugeMetricFamily(PREFIX + name, words, value=amount)


def gauges(
    name: str, words: str, labels: tuple[str, ...], rows: Iterable[tuple[tuple[str, ...], float]]
) -> GaugeMetricFamily:
    """The same by labels."""
    family = GaugeMetricFamily(PREFIX + name, words, labels=labels)
    for of, amount in rows:
        family.add_metric(of, amount)
    return family


def counters(
    name: str, words: str, labels: tuple[str, ...], rows: Iterable[tuple[tuple[str, ...], float]]
) -> CounterMetricFamily:
    """Numbers that only rise while the process lives; `_total` is added to the name."""
    family = CounterMetricFamily(PREFIX + name, words, labels=labels)
    for of, amount in rows:
        family.add_metric(of, amount)
    return family
