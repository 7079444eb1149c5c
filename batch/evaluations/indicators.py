"""One indicator of the table that the speed layer uses, over anybody's bars.

Bars are taken in the order of their open times, each symbol as a series of its own; rows of the
file need no order.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from batch.inputs import BARS, BarFields, read_bars
from batch.plain_csv import BadRows, CsvFile
from batch.terminal import bad_rows_json, console, print_json, progress, show_bad_rows
from market.errors import Fatal
from market.store.rows import Bar
from spark_jobs.transforms.indicators import INDICATORS, Indicator
from spark_jobs.transforms.steppers import Number

SHOWN = 20


def evaluate(
    candles: Annotated[
        Path, typer.Option(help="CSV symbol,open_time_ms,open,high,low,close,volume,trades.")
    ],
    indicator: Annotated[str, typer.Option(help=f"One of {', '.join(INDICATORS)}.")],
    params: Annotated[
        str, typer.Option(help="Its parameters, joined by commas; those left out as usual.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One object, for programs.")] = False,
) -> None:
    """An indicator's values at the close of every bar."""
    if indicator not in INDICATORS:
        raise Fatal(f"No indicator {indicator}. Indicators: {', '.join(INDICATORS)}.")
    chosen = INDICATORS[indicator]
    numbers = _numbers(chosen, params)
    file = CsvFile(candles, BARS)
    with progress() as tell:
        bars = read_bars(file, tell)
        rows = list(indicator_rows(bars.values(), chosen, numbers))
    if as_json:
        names = (name for name, _ in chosen.params)
        print_json(
            {
                "indicator": indicator,
                "params": dict(zip(names, numbers, strict=True)),
                "rows": rows,
                **bad_rows_json([file.bad_rows]),
            }
        )
    else:
        _show(rows, file.bad_rows)


def indicator_rows(
    bars: Iterable[BarFields], indicator: Indicator, numbers: Sequence[Number]
) -> Iterator[dict[str, Any]]:
    """`symbol`, `open_time_ms` and the indicator's fields; by symbol, then by time."""
    ordered = sorted(bars, key=itemgetter("symbol", "open_time_ms"))
    for symbol, series in groupby(ordered, key=itemgetter("symbol")):
        stepper = indicator.make(*numbers)
        for fields in series:
            values = stepper.step(_bar(fields))
            yield {
                "symbol": symbol,
                "open_time_ms": fields["open_time_ms"],
                **dict(zip(indicator.fields, values, strict=True)),
            }


def _bar(fields: BarFields) -> Bar:
    """A bar of a file: how long it lasts stands nowhere, and no indicator asks."""
    moment = fields["open_time_ms"]
    known = {name: fields[name] for name in ("open", "high", "low", "close", "volume", "trades")}
    return Bar(open_time_ms=moment, close_time_ms=moment, layer="external", **known)


def _numbers(indicator: Indicator, text: str) -> list[Number]:
    """All parameters in order: those of the text, then the usual ones. Raises Fatal."""
    usual = [number for _, number in indicator.params]
    names = ", ".join(f"{name} ({number})" for name, number in indicator.params) or "none"
    parts = text.split(",") if text.strip() else []
    if len(parts) > len(usual):
        raise Fatal(f"--params {text}: more than it has. Parameters: {names}.")
    try:
        numbers = [*map(_number, parts), *usual[len(parts) :]]
        indicator.make(*numbers)
    except ValueError as error:
        raise Fatal(f"--params {text}: {error}. Parameters: {names}.") from error
    return numbers


def _number(text: str) -> Number:
    number = float(text)
    return int(number) if number.is_integer() else number


def _show(rows: Sequence[Mapping[str, Any]], bad_rows: BadRows) -> None:
    out = console()
    table = Table(*rows[0])
    for row in rows[-SHOWN:]:
        table.add_row(*("" if cell is None else str(cell) for cell in row.values()))
    if len(rows) > SHOWN:
        out.print(f"The last {SHOWN} of {len(rows):,} rows; --json gives all.")
    out.print(table)
    show_bad_rows(out, [bad_rows])
