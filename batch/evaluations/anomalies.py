"""Anomalies that the shipped detectors find in anybody's trades, held against announced pumps.

Each symbol is a market of its own and stands for no coin, so two of them are not compared. Recall,
precision and F1 are those of pumps: a detection matches an event from 60 s before to 300 s after
it, each event once, and every other pump is a false alarm. Events of `--failed` are announcements
that moved nothing: what is found there is told apart, and is neither right nor wrong.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812
from rich.table import Table

from batch.evaluations.candles import once_each, ranked, written
from batch.evaluations.pump_search import left_out
from batch.evaluations.pump_truth import DAY_MS, Found, Score, score_of
from batch.inputs import EVENTS, TRADES
from batch.local_spark import local_spark
from batch.plain_csv import LINE, CsvFile
from batch.terminal import Tell, bad_rows_json, console, print_json, progress, show_bad_rows
from market.coins import split_symbol
from market.errors import Fatal
from spark_jobs.stateful import batch_stateful
from spark_jobs.transforms.anomalies.seconds import (
    BEATEN,
    EVENT_COLUMNS,
    GIVEN,
    ORDER,
    TOLD,
    keyed_seconds,
    with_clock,
)
from spark_jobs.transforms.anomalies.watch import open_core

SHOWN = 40
# What makes one market of `APPC/BTC` and `APPC-BTC`.
SEPARATORS = str.maketrans("", "", "/-_:")
_NULLS = {
    **dict.fromkeys(TOLD, "double"),
    **dict.fromkeys(BEATEN, "string"),
    "observed_at_ms": "long",
    "last_success_at_ms": "long",
    "silent_symbols": "array<string>",
}


@dataclass(slots=True)
class Outcome:
    """Episodes, each at its last revision, and the days of each symbol's trades."""

    episodes: list[Mapping[str, Any]]
    days: float
    seconds: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


def evaluate(
    trades: Annotated[
        Path, typer.Option(help="CSV symbol,trade_id,price,quantity,aggressor,traded_at_ms.")
    ],
    events: Annotated[
        Path | None, typer.Option(help="CSV symbol,started_at_ms: announced pumps.")
    ] = None,
    failed: Annotated[
        Path | None, typer.Option(help="CSV symbol,started_at_ms: announced, but nothing came.")
    ] = None,
    leave_one_out: Annotated[
        bool, typer.Option(help="Choose the pump's thresholds for each symbol on all others.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One object, for programs.")] = False,
) -> None:
    """Anomalies in trades; with events, how many pumps are found and how soon."""
    if events is None and (failed is not None or leave_one_out):
        raise Fatal("--failed and --leave-one-out need --events.")
    files = [CsvFile(trades, TRADES)]
    files += [CsvFile(path, EVENTS) for path in (events, failed) if path is not None]
    with progress() as tell:
        told = [_events(file, tell) for file in files[1:]]
        outcome = found_in(files[0], tell, with_seconds=leave_one_out)
        report: dict[str, Any] = {"anomalies": [_told(one) for one in outcome.episodes]}
        if told:
            failures = told[1] if failed is not None else []
            pumps = [one for one in outcome.episodes if one["kind"] == "pump"]
            found = [Found(one["symbol"], one["detected_at_ms"]) for one in pumps]
            score = score_of(found, told[0], failures, days=outcome.days)
            report |= score.report()
            if leave_one_out:
                report["leave_one_out"] = left_out(
                    outcome.seconds, told[0], failures, days=outcome.days, tell=tell
                )
    bad_rows = [file.bad_rows for file in files]
    if as_json:
        counted = {"trades": files[0].rows - files[0].bad_rows.count, "days": outcome.days}
        print_json({**report, **counted, **bad_rows_json(bad_rows)})
        return
    _show(report, score if told else None)
    show_bad_rows(console(), bad_rows)


def found_in(file: CsvFile, tell: Tell, *, with_seconds: bool) -> Outcome:
    """Episodes of all symbols of a file, by symbol and time. Raises Fatal where no row is good."""
    tell("starting Spark", "")
    with local_spark() as (spark, folder):
        parsed, ids = written(file, folder, tell)
        tell("looking for anomalies", "")
        rows = once_each(spark.read.parquet(str(parsed)), file)
        rows = rows if ids.are_plain else ranked(rows)
        seconds = keyed_seconds(
            with_clock(events_of(rows, file.path.name), watermark_delay_s=0, others_wait_s=0)
        )
        seconds.write.parquet(str(folder / "seconds"))
        made = spark.read.parquet(str(folder / "seconds"))
        given = batch_stateful(made, open_core, order=ORDER, gives=GIVEN).toArrow().to_pylist()
        spans = rows.groupBy("symbol").agg(
            (F.max("traded_at_ms") - F.min("traded_at_ms")).alias("span_ms")
        )
        days = sum(row["span_ms"] for row in spans.collect()) / DAY_MS
        held = made.orderBy("key", *ORDER).toArrow().to_pylist() if with_seconds else []
    last: dict[str, Mapping[str, Any]] = {}
    for row in given:
        if row["anomaly_id"] not in last or row["revision"] > last[row["anomaly_id"]]["revision"]:
            last[row["anomaly_id"]] = row
    by_symbol: dict[str, list[dict[str, Any]]] = {}
    for row in held:
        by_symbol.setdefault(row["symbol"], []).append(row)
    episodes = sorted(
        last.values(), key=lambda one: (one["symbol"], one["detected_at_ms"], one["kind"])
    )
    return Outcome(episodes, days, by_symbol)


def events_of(rows: DataFrame, file: str) -> DataFrame:
    """Rows of a file as the events that the shipped transform takes; a symbol is its own coin."""
    symbols = [row["symbol"] for row in rows.select("symbol").distinct().collect()]
    pairs = [F.lit(part) for symbol in symbols for part in (symbol, quote_of(symbol))]
    columns = {
        "what": F.lit("trades"),
        "source": F.lit("file"),
        "symbol": F.col("symbol"),
        "coin_id": F.col("symbol"),
        "quote": F.create_map(*pairs)[F.col("symbol")],
        "collected_at_ms": F.col("traded_at_ms"),
        "coordinate": F.concat_ws("/", F.lit(file), F.col(LINE)),
        "offset": F.col(LINE),
        "aggressor": F.when(F.col("aggressor") != "", F.col("aggressor")),
        **{name: F.lit(None).cast(kind) for name, kind in _NULLS.items()},
    }
    kept = [columns.get(name, F.col(name)).alias(name) for name in EVENT_COLUMNS]
    return rows.select(*kept)


def quote_of(symbol: str) -> str:
    """The quote currency of anybody's symbol, empty where it ends in none that is known."""
    try:
        return split_symbol(symbol.upper().translate(SEPARATORS))[1]
    except Fatal:
        return ""


def _events(file: CsvFile, tell: Tell) -> list[Found]:
    return [
        Found(row["symbol"], row["started_at_ms"])
        for batch in file.batches(tell)
        for row in batch.to_pylist()
    ]


TOLD_OF_AN_ANOMALY: Sequence[str] = (
    *("symbol", "kind", "severity", "started_at_ms", "detected_at_ms", "peaked_at_ms"),
    *("resolved_at_ms", "peak_value", "unit", "expected", "score", "threshold", "n"),
    "sentence",
)


def _told(episode: Mapping[str, Any]) -> dict[str, Any]:
    return {name: episode[name] for name in TOLD_OF_AN_ANOMALY}


def _show(report: Mapping[str, Any], score: Score | None) -> None:
    out = console()
    anomalies: Iterable[Mapping[str, Any]] = report["anomalies"]
    held = list(anomalies)
    table = Table("symbol", "kind", "severity", "what happened")
    for one in held[:SHOWN]:
        table.add_row(one["symbol"], one["kind"], one["severity"], one["sentence"])
    out.print(table)
    if len(held) > SHOWN:
        out.print(f"and {len(held) - SHOWN:,} more; --json lists all")
    if score is not None:
        out.print(score.words())
    for name, number in report.get("leave_one_out", {}).items():
        if not isinstance(number, list):
            out.print(f"leaving one out, {name}: {number}")
