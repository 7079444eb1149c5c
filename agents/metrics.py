"""An agent for Prometheus: its last heartbeat, and what its publisher and runner count.

Asked from a thread of its own, so it reads numbers and never what changes while it looks.
"""

from collections.abc import Iterator
from typing import Protocol

from prometheus_client import Metric

from agents.health import Heart
from agents.publisher import Publisher
from market.metrics import Collect, counters, gauges

STATES = ("running", "degraded", "off", "done")
BREAKERS = ("closed", "half_open", "open")
OUTCOMES = ("accepted", "duplicate", "rejected", "passed_over")
LEFT = ("minute_calls_left", "month_calls_left")


class Asking(Protocol):
    """A runner."""

    @property
    def asked(self) -> int:
        """Polls that began, or connections that were opened."""


def agent_metrics(heart: Heart, publisher: Publisher, runner: Asking | None) -> Collect:
    """What to register for one agent; `runner` is None for one that is off."""

    def collect() -> Iterator[Metric]:
        yield counters(
            "agent_published_records",
            "Records that Kafka has acknowledged, heartbeats among them.",
            (),
            [((), publisher.acknowledged)],
        )
        yield gauges(
            "agent_queue_records", "Records on their way to Kafka.", (), [((), publisher.pending)]
        )
        yield counters(
            "agent_queue_waits",
            "How often a full queue made somebody wait.",
            (),
            [((), publisher.waits)],
        )
        if runner is not None:
            yield counters(
                "agent_asked",
                "Polls that began, or connections that were opened.",
                (),
                [((), runner.asked)],
            )
        if heart.told is not None:
            yield from _of_heartbeat(heart)

    return collect


def _of_heartbeat(heart: Heart) -> Iterator[Metric]:
    told = heart.told or {}
    yield counters(
        "agent_records",
        "Rows of the source by what became of them.",
        ("outcome",),
        [((outcome,), told[outcome]) for outcome in OUTCOMES],
    )
    yield gauges(
        "agent_state",
        "1 for the state it is in.",
        ("state",),
        [((state,), told["state"] == state) for state in STATES],
    )
    yield gauges(
        "agent_breaker",
        "1 for the state of its host's circuit breaker.",
        ("state",),
        [((state,), told["breaker"] == state) for state in BREAKERS],
    )
    yield gauges("agent_open_gaps", "Holes still open.", (), [((), told["open_gaps"])])
    yield counters(
        "agent_repaired_trades", "Trades that came over REST.", (), [((), told["repaired_trades"])]
    )
    yield gauges(
        "agent_silent_markets",
        "Followed markets that are silent while others trade.",
        (),
        [((), len(told["silent_symbols"]))],
    )
    if told["lag_ms"] is not None:
        yield gauges(
            "agent_lag_seconds",
            "Collected minus observed of its newest record.",
            (),
            [((), told["lag_ms"] / 1000)],
        )
    for name in LEFT:
        if told[name] is not None:
            yield gauges(f"agent_{name}", "Calls left of the budget.", (), [((), told[name])])
