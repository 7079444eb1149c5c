"""Micro-batches of lines to InfluxDB.

A batch is done when every line is durable or in `crypto-dead-letters` with the server's words.
Points are keyed by measurement, tags and time, so a batch that is repeated changes nothing.
"""

from collections.abc import Callable
from hashlib import sha256

import pyarrow as pa
import pyarrow.compute as pc
import stamina
import structlog
from pyspark.sql import DataFrame
from pyspark.sql.streaming.readwriter import DataStreamWriter

from market.errors import StoreUnavailable
from market.store.writer import PointWriter, RefusedLine
from schemas.codec import Record
from schemas.record_types import DEAD_LETTER
from spark_jobs.kafka_sink import RecordProducer
from spark_jobs.settings import SparkSettings

# After this long without the store the query fails, and the driver starts it again from its
# checkpoint: the batch is repeated, nothing is lost.
RETRY_FOR_S = 60.0

log = structlog.get_logger()


def influx_output(lines: DataFrame, *, settings: SparkSettings) -> DataStreamWriter:
    """An unstarted writer of the columns `bucket` and `line` in update mode."""
    return lines.writeStream.outputMode("update").foreachBatch(batch_writer(settings))


def batch_writer(settings: SparkSettings) -> Callable[[DataFrame, int], None]:
    """The function for `foreachBatch`; it has one action, so Spark runs the plan once."""
    writer = open_writer(settings)

    def write(batch: DataFrame, _epoch: int) -> None:
        write_by_bucket(writer, batch.toArrow(), settings=settings)

    return write


def write_by_bucket(writer: PointWriter, rows: pa.Table, *, settings: SparkSettings) -> None:
    """Writes every `line` that is there to its `bucket`. Raises StoreUnavailable."""
    told = rows.filter(pc.is_valid(rows["line"]))
    for bucket in pc.unique(told["bucket"]).to_pylist():
        lines = told["line"].filter(pc.equal(told["bucket"], bucket)).to_pylist()
        write_lines(writer, bucket, lines, settings=settings)


def write_lines(
    writer: PointWriter, bucket: str, lines: list[str], *, settings: SparkSettings
) -> None:
    """Writes them all, for 60 s at most. Raises StoreUnavailable.

    What the server refuses is in `crypto-dead-letters` when this returns.
    """
    refused: list[RefusedLine] = []
    for attempt in stamina.retry_context(
        on=StoreUnavailable, attempts=None, timeout=RETRY_FOR_S, wait_max=3.0
    ):
        with attempt:
            refused = writer.write(bucket, lines)
    if refused:
        log.error("points_refused", bucket=bucket, n=len(refused))
        _to_dead_letters(refused, settings)


def open_writer(settings: SparkSettings) -> PointWriter:
    """A writer with this process's write token."""
    return PointWriter(
        url=settings.influx_url,
        org=settings.influx_org,
        token=settings.influx_write_token.get_secret_value(),
    )


def _to_dead_letters(refused: list[RefusedLine], settings: SparkSettings) -> None:
    now_ms = settings.clock().now_ms()
    RecordProducer(settings).send(DEAD_LETTER, [_letter(line, now_ms) for line in refused])


def _letter(line: RefusedLine, now_ms: int) -> Record:
    measurement = line.line.partition(",")[0]
    return {
        "source": "influx_sink",
        "observed_at_ms": now_ms,
        "collected_at_ms": now_ms,
        "topic": measurement,
        "partition": None,
        "offset": None,
        "reason": "sink_refused",
        "detail": line.detail,
        "payload": line.line.encode(),
        "key": None,
        "letter_id": f"{measurement}:{sha256(line.line.encode()).hexdigest()[:32]}",
    }
