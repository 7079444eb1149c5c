"""Bars that the shipped transform makes of trades, against bars that somebody else made of them.

Equal means: open, high, low and close the same doubles, volume within 1e-9 relative, the number of
trades the same where it is given. A row of the trades is one fill. An expected bar of volume 0 is a
time in which nobody traded: it is equal when there is no bar of trades.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isclose
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import typer
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812
from rich.table import Table

from batch.inputs import BARS, TRADES, BarFields, Key, nothing_usable, read_bars
from batch.local_spark import local_spark
from batch.plain_csv import LINE, NAMED_AT_MOST, BadRow, BadRows, CsvFile
from batch.terminal import (
    Tell,
    bad_rows_json,
    console,
    print_json,
    progress,
    show_bad_rows,
)
from market.errors import Fatal
from market.intervals import INTERVAL_MS
from spark_jobs.transforms.candles import ID_BITS, candle_rows, with_event_time

PRICES = ("open", "high", "low", "close")
COMPARED = (*PRICES, "volume", "trades")
VOLUME_TOLERANCE = 1e-9
DIFFERENCES_AT_MOST = 100
DIFFERENCES_SHOWN = 20


@dataclass(slots=True)
class Comparison:
    """Counted over the expected bars, all but `not_expected`."""

    bars: int = 0
    equal: int = 0
    quiet: int = 0
    """Of the equal ones those in which nobody traded."""
    missing: int = 0
    not_expected: int = 0
    differences: list[dict[str, Any]] = field(default_factory=list)
    """The first of them: the fields that differ, as expected and as got; got null: no bar."""


def evaluate(
    trades: Annotated[
        Path, typer.Option(help="CSV symbol,trade_id,price,quantity,aggressor,traded_at_ms.")
    ],
    expected: Annotated[
        Path, typer.Option(help="CSV symbol,open_time_ms,open,high,low,close,volume,trades.")
    ],
    interval: Annotated[str, typer.Option(help=f"One of {', '.join(INTERVAL_MS)}.")] = "1m",
    as_json: Annotated[bool, typer.Option("--json", help="One object, for programs.")] = False,
) -> None:
    """Bars made of trades against the bars they should be."""
    if interval not in INTERVAL_MS:
        raise Fatal(f"No interval {interval}. Intervals: {', '.join(INTERVAL_MS)}.")
    files = CsvFile(trades, TRADES), CsvFile(expected, BARS)
    with progress() as tell:
        wanted = read_bars(files[1], tell)
        made = made_bars(files[0], interval, tell)
        result = compare(wanted, made)
    bad_rows = [file.bad_rows for file in files]
    if as_json:
        print_json(
            {
                "bars": result.bars,
                "equal": result.equal,
                "differences": result.differences,
                "interval": interval,
                "trades": files[0].rows - files[0].bad_rows.count,
                "quiet": result.quiet,
                "missing": result.missing,
                "not_expected": result.not_expected,
                **bad_rows_json(bad_rows),
            }
        )
    else:
        _show(result, interval, bad_rows)


def made_bars(file: CsvFile, interval: str, tell: Tell) -> dict[Key, BarFields]:
    """Bars of the trades in a file, by the shipped transform. Raises Fatal where none is good."""
    tell("starting Spark", "")
    with local_spark() as (spark, folder):
        parsed, ids = written(file, folder, tell)
        tell("making bars", "")
        rows = once_each(spark.read.parquet(str(parsed)), file)
        rows = rows if ids.are_plain else ranked(rows)
        made = bars_of(rows, interval).toArrow().to_pylist()
    return {(bar["symbol"], bar["open_time_ms"]): bar for bar in made}


def written(file: CsvFile, folder: Path, tell: Tell) -> tuple[Path, "Ids"]:
    """Good rows of a file of TRADES with their line as Parquet. Raises Fatal where none is."""
    parsed = folder / "trades.parquet"
    schema = pa.schema([*((each.name, each.type) for each in TRADES), (LINE, pa.int64())])
    ids = Ids()
    with pq.ParquetWriter(parsed, schema, compression="lz4") as writer:
        for batch in file.batches(tell):
            ids.add(batch["trade_id"])
            writer.write_batch(batch)
    if file.rows == file.bad_rows.count:
        raise nothing_usable(file)
    return parsed, ids


@dataclass(slots=True)
class Ids:
    """What the trade ids of a file are like."""

    held: int = 0
    absent: int = 0
    largest: int = 0

    def add(self, ids: pa.Array) -> None:
        """Ids of further rows, null where there is none."""
        self.absent += ids.null_count
        self.held += len(ids) - ids.null_count
        self.largest = max(self.largest, pc.max(ids).as_py() or 0)

    @property
    def are_plain(self) -> bool:
        """Whether the transform orders by them as they stand."""
        return self.held == 0 or (self.absent == 0 and self.largest < 1 << ID_BITS)


def ranked(rows: DataFrame) -> DataFrame:
    """Ids as ranks within their market: those without one first, among them by line."""
    ascending = Window.partitionBy("symbol").orderBy(F.col("trade_id").asc_nulls_first(), LINE)
    return rows.withColumn("trade_id", F.row_number().over(ascending).cast("long"))


def once_each(rows: DataFrame, file: CsvFile) -> DataFrame:
    """Each id of a market once, where the file has it first; the others are bad rows."""
    identity = ["symbol", "trade_id"]
    repeated = (
        rows.where(F.col("trade_id").isNotNull())
        .groupBy(*identity)
        .agg(F.min(LINE).alias("first_line"), F.count(LINE).alias("held"))
        .where(F.col("held") > 1)
        .drop("held")
        .cache()
    )
    if repeated.isEmpty():
        return rows
    joined = rows.join(repeated, on=identity, how="left")
    is_first = F.col("first_line").isNull() | (F.col(LINE) == F.col("first_line"))
    again = joined.where(~is_first)
    named = [
        BadRow(file.path.name, row[LINE], "trade_id", f"repeats the trade of row {row.first_line}")
        for row in again.orderBy(LINE).limit(NAMED_AT_MOST).collect()
    ]
    file.bad_rows.add(named, count=again.count())
    return joined.where(is_first).drop("first_line")


def bars_of(rows: DataFrame, interval: str) -> DataFrame:
    """The shipped transform over rows of a file: a row is one fill, and lines break ties."""
    trades = rows.select(
        "*",
        F.col(LINE).alias("offset"),
        F.lit(0).cast("long").alias("first_fill_id"),
        F.lit(0).cast("long").alias("last_fill_id"),
        F.lit("file").alias("source"),
        F.lit("").alias("coin_id"),
        F.lit("").alias("quote"),
    )
    timed = with_event_time(trades, watermark_delay_s=0)
    return candle_rows(timed, intervals=[interval], layer="batch_a").select(
        "symbol", F.col("time_ms").alias("open_time_ms"), *COMPARED
    )


def compare(expected: Mapping[Key, BarFields], made: Mapping[Key, BarFields]) -> Comparison:
    """Each expected bar against the made one of that symbol and time; in order of both."""
    result = Comparison(bars=len(expected), not_expected=len(made.keys() - expected.keys()))
    for key in sorted(expected):
        wanted, got = expected[key], made.get(key)
        if got is None and wanted["volume"] == 0:
            result.equal += 1
            result.quiet += 1
            continue
        fields = list(COMPARED) if got is None else list(_differing(wanted, got))
        result.missing += got is None
        result.equal += not fields
        if fields and len(result.differences) < DIFFERENCES_AT_MOST:
            result.differences.append(
                {
                    "symbol": key[0],
                    "open_time_ms": key[1],
                    "expected": {name: wanted[name] for name in fields},
                    "got": None if got is None else {name: got[name] for name in fields},
                }
            )
    return result


def _differing(wanted: BarFields, got: BarFields) -> Iterator[str]:
    for name in PRICES:
        if wanted[name] != got[name]:
            yield name
    if not isclose(wanted["volume"], got["volume"], rel_tol=VOLUME_TOLERANCE):
        yield "volume"
    if wanted["trades"] is not None and wanted["trades"] != got["trades"]:
        yield "trades"


def _show(result: Comparison, interval: str, bad_rows: list[BadRows]) -> None:
    out = console()
    out.print(
        f"{result.equal:,} of {result.bars:,} bars of {interval} are equal"
        f" ({result.missing:,} missing, {result.not_expected:,} not expected)."
    )
    if result.quiet:
        out.print(f"In {result.quiet:,} of the equal ones nobody traded.")
    table = Table("symbol", "open_time_ms", "field", "expected", "got")
    shown = result.differences[:DIFFERENCES_SHOWN]
    for difference in shown:
        got = difference["got"] or {}
        for name, number in difference["expected"].items():
            cells = (name, repr(number), repr(got[name]) if got else "no bar")
            table.add_row(difference["symbol"], str(difference["open_time_ms"]), *cells)
    if shown:
        out.print(table)
    if (more := result.bars - result.equal - len(shown)) > 0:
        out.print(f"and {more:,} more bars; --json lists up to {DIFFERENCES_AT_MOST}")
    show_bad_rows(out, bad_rows)
