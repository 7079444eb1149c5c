"""Finished micro-batches out of Spark's progress: what each read, and when its rows were readable.

All times are real time, milliseconds UTC. A batch's rows are in the sink when `addBatch` ends; what
follows is the commit of its offsets.
"""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

Offsets = Mapping[tuple[str, int], int]
"""By topic and partition, the first offset that is not read yet."""

# What Spark does after the rows are in the sink.
AFTERWARDS = ("commitOffsets", "commitBatch")


@dataclass(frozen=True, slots=True)
class Batch:
    """One micro-batch that ended. It read [begin, end) of each partition."""

    began_ms: int
    written_ms: int
    ended_ms: int
    rows: int
    begin: Offsets
    end: Offsets
    watermark_ms: int | None
    late_groups: int = 0
    """Rows that its aggregations refused because what they belong to was final.

    Spark counts after its partial aggregation: groups of (market, window), not trades.
    """


class Progressing(Protocol):
    """A streaming query, as far as its progress goes."""

    @property
    def recentProgress(self) -> Sequence[Any]:  # noqa: N802 - Spark's name
        """The newest progress reports, ascending."""


class Followed:
    """Gives each batch of one run of a query once, as long as it is asked often enough."""

    def __init__(self) -> None:
        self._newest_ms = 0
        self._last_id = -1

    def finished(self, running: Progressing, newest: Mapping[str, Any]) -> list[Batch]:
        """What ended since the last question; `newest` is its `lastProgress`."""
        if epoch_ms(newest["timestamp"]) <= self._newest_ms:
            return []
        missed = 0 <= self._last_id < newest["batchId"] - 1
        reports = running.recentProgress if missed else [newest]
        found = [one for report in reports if (one := batch_of(report)) is not None]
        new = [batch for batch in found if batch.began_ms > self._newest_ms]
        self._newest_ms = epoch_ms(newest["timestamp"])
        # A report of an idle trigger bears the number of the batch that comes next.
        is_idle = "addBatch" not in newest["durationMs"]
        self._last_id = newest["batchId"] - is_idle
        return new


def batch_of(progress: Mapping[str, Any]) -> Batch | None:
    """The batch of a progress report, None for one that says that there was nothing to do."""
    durations = progress["durationMs"]
    if "addBatch" not in durations:
        return None
    began_ms = epoch_ms(progress["timestamp"])
    ended_ms = began_ms + durations["triggerExecution"]
    watermark = progress.get("eventTime", {}).get("watermark")
    watermark_ms = epoch_ms(watermark) if watermark else 0
    sources, states = progress.get("sources", ()), progress.get("stateOperators", ())
    return Batch(
        began_ms=began_ms,
        written_ms=ended_ms - sum(durations.get(name, 0) for name in AFTERWARDS),
        ended_ms=ended_ms,
        rows=progress["numInputRows"],
        begin=_united(sources, "startOffset"),
        end=_united(sources, "endOffset"),
        watermark_ms=watermark_ms if watermark_ms > 0 else None,
        late_groups=sum(one["numRowsDroppedByWatermark"] for one in states),
    )


def epoch_ms(moment: str) -> int:
    """Milliseconds of Spark's progress time, such as 2023-03-11T03:00:00.000Z."""
    return round(datetime.fromisoformat(moment).timestamp() * 1000)


def _united(sources: Sequence[Mapping[str, Any]], name: str) -> dict[tuple[str, int], int]:
    return {at: offset for source in sources for at, offset in _offsets(source.get(name)).items()}


def _offsets(told: object) -> dict[tuple[str, int], int]:
    """Kafka's offsets, which Python's progress holds as the text of a dictionary."""
    try:
        topics: Any = ast.literal_eval(told) if isinstance(told, str) else told
        return {
            (str(topic), int(partition)): int(offset)
            for topic, partitions in (topics or {}).items()
            for partition, offset in partitions.items()
        }
    except (ValueError, SyntaxError, TypeError, AttributeError):
        return {}  # a source of another kind
