"""Two thin drivers of a stateful core: one for streams, one for history that is at hand.

A core is a pure class: `step(rows in event order) -> rows`, `save() -> bytes`; what it gives does
not depend on how its rows are cut into steps. A stream keeps its state in Spark's state store, one
value a key, and steps once a micro-batch; history steps once a batch of Arrow and ends with the
state thrown away.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Protocol

import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import types as T  # noqa: N812
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.streaming.stateful_processor import StatefulProcessor, StatefulProcessorHandle

Row = Mapping[str, Any]


class Core(Protocol):
    """What a stateful job is made of."""

    def step(self, rows: Iterable[Row]) -> list[Row]:
        """Rows of one key, in event order, to the rows they complete."""

    def save(self) -> bytes:
        """The whole state, bounded."""


OpenCore = Callable[[str, bytes | None], Core]
"""The core of a key from its saved state, or a new one."""


def stream_stateful(
    rows: DataFrame, open_core: OpenCore, *, order: Sequence[str], gives: T.StructType
) -> DataFrame:
    """A stream with a column `key` through the cores of its keys; `order` is the event order."""
    return rows.groupBy("key").transformWithStateInPandas(
        statefulProcessor=_Processor(open_core, order, gives.names),
        outputStructType=gives,
        outputMode="Append",
        timeMode="None",
    )


def batch_stateful(
    rows: DataFrame, open_core: OpenCore, *, order: Sequence[str], gives: T.StructType
) -> DataFrame:
    """The same for rows that are all there, each key from its beginning."""

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        schema = to_arrow_schema(gives)
        key, core = None, None
        for batch in batches:
            for found, held in groupby(batch.to_pylist(), key=itemgetter("key")):
                if core is None or found != key:
                    key, core = found, open_core(found, None)
                yield pa.RecordBatch.from_pylist(core.step(held), schema=schema)

    return rows.repartition("key").sortWithinPartitions("key", *order).mapInArrow(run, gives)


class _Processor(StatefulProcessor):
    """Steps the core of a key with all its rows of a micro-batch."""

    def __init__(self, open_core: OpenCore, order: Sequence[str], columns: Sequence[str]) -> None:
        self._open_core = open_core
        self._order = order
        self._columns = columns

    def init(self, handle: StatefulProcessorHandle) -> None:
        self._state = handle.getValueState("core", "state binary")

    def handleInputRows(  # noqa: N802 - Spark's name
        self,
        key: tuple[str],
        rows: Iterator[pd.DataFrame],
        timerValues: object,  # noqa: N803 - Spark's name
    ) -> Iterator[pd.DataFrame]:
        del timerValues
        saved = self._state.get()
        core = self._open_core(key[0], None if saved is None else bytes(saved[0]))
        held = sorted((row for part in rows for row in _rows(part)), key=itemgetter(*self._order))
        out = core.step(held)
        self._state.update((core.save(),))
        if out:
            table = [[row.get(name) for name in self._columns] for row in out]
            # Of objects: a column of whole numbers with a gap would turn to floats.
            yield pd.DataFrame(table, columns=self._columns, dtype=object)

    def close(self) -> None:
        """Nothing is open."""


def _rows(part: pd.DataFrame) -> Iterator[Row]:
    names = list(part.columns)
    for values in zip(*(part[name].tolist() for name in names), strict=True):
        yield dict(zip(names, values, strict=True))
