"""Where quotes of one coin differ, by the shipped detector, over anybody's quotes.

Each row is a fresh quote, and a pair is the last quote of each of two series inside one minute. A
series is a source and a symbol. Series are of one coin where their symbols have the same base and a
dollar for quote (USD, USDT, USDC), or are the same symbol where nothing of the kind is known.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from batch.evaluations.anomalies import SEPARATORS
from batch.inputs import QUOTES, nothing_usable
from batch.plain_csv import LINE, CsvFile
from batch.terminal import Tell, bad_rows_json, console, print_json, progress, show_bad_rows
from market.coins import split_symbol
from market.errors import Fatal
from market.main_market import MAIN_QUOTES
from spark_jobs.transforms.anomalies.divergence import OPENS_PCT, Divergence
from spark_jobs.transforms.anomalies.episodes import Row

MINUTE_MS = 60_000
SHOWN = 40
# What venues call the same coin.
SAME_BASE = {"XBT": "BTC", "XDG": "DOGE"}

Quote = Mapping[str, Any]


@dataclass(slots=True)
class Comparison:
    """Minutes that hold an aligned pair, those beyond the threshold, and their episodes."""

    compared: set[tuple[str, int]] = field(default_factory=set)
    over: set[tuple[str, int]] = field(default_factory=set)
    episodes: dict[str, Row] = field(default_factory=dict)
    by_pair: Counter[str] = field(default_factory=Counter)


def evaluate(
    quotes: Annotated[Path, typer.Option(help="CSV source,symbol,observed_at_ms,price.")],
    threshold_pct: Annotated[
        float, typer.Option(min=0.0001, help="From which difference on, percent.")
    ] = OPENS_PCT,
    as_json: Annotated[bool, typer.Option("--json", help="One object, for programs.")] = False,
) -> None:
    """Minutes in which two quotes of a coin differ by more than a threshold."""
    file = CsvFile(quotes, QUOTES)
    with progress() as tell:
        result = compared(last_of_minutes(file, tell), threshold_pct)
    episodes = [_told(one) for one in result.episodes.values()]
    if as_json:
        print_json(
            {
                "compared_minutes": len({at_ms for _, at_ms in result.compared}),
                "minutes_over_threshold": len({at_ms for _, at_ms in result.over}),
                "threshold_pct": threshold_pct,
                "episodes": episodes,
                "minutes_over_by_pair": dict(result.by_pair),
                **bad_rows_json([file.bad_rows]),
            }
        )
        return
    out = console()
    out.print(
        f"{len({at_ms for _, at_ms in result.over}):,} of"
        f" {len({at_ms for _, at_ms in result.compared}):,} minutes hold a pair that differs by"
        f" more than {threshold_pct:g} %."
    )
    table = Table("symbol", "peak_pct", "what happened")
    for one in episodes[:SHOWN]:
        table.add_row(one["symbol"], f"{one['peak_pct']:.2f}", one["sentence"])
    if episodes:
        out.print(table)
    show_bad_rows(out, [file.bad_rows])


def last_of_minutes(file: CsvFile, tell: Tell) -> list[Quote]:
    """The last quote of each series in each minute, by coin and time. Raises Fatal."""
    last: dict[tuple[str, str, int], Quote] = {}
    for batch in file.batches(tell):
        for quote in batch.to_pylist():
            minute_ms = quote["observed_at_ms"] - quote["observed_at_ms"] % MINUTE_MS
            key = quote["source"], quote["symbol"], minute_ms
            held = last.get(key)
            if held is None or _moment(quote) >= _moment(held):
                last[key] = quote | {"minute_ms": minute_ms, **_coin(quote["symbol"])}
    if not last:
        raise nothing_usable(file)
    return sorted(last.values(), key=itemgetter("coin_id", "minute_ms", "source", "symbol"))


def compared(quotes: Iterable[Quote], threshold_pct: float) -> Comparison:
    """All coins through a detector each; quotes by coin and time."""
    result = Comparison()
    for coin_id, held in groupby(quotes, key=itemgetter("coin_id")):
        detector = Divergence(opens_pct=threshold_pct)
        for quote in held:
            row = _row(quote)
            for pair in detector.compare(row):
                moment = coin_id, quote["minute_ms"]
                result.compared.add(moment)
                if abs(pair.difference_pct) > threshold_pct:
                    result.over.add(moment)
                    result.by_pair[pair.about.subject] += 1
                for revision in detector.judge(row, pair):
                    result.episodes[revision["anomaly_id"]] = revision
            for revision in detector.lapsed(row):
                result.episodes[revision["anomaly_id"]] = revision
    return result


def _moment(quote: Quote) -> tuple[int, int]:
    return quote["observed_at_ms"], quote[LINE]


def _coin(symbol: str) -> dict[str, str]:
    """Base and quote where the quote is a dollar; else the symbol itself, taken for dollars."""
    bare = symbol.upper().translate(SEPARATORS)
    for named, base in SAME_BASE.items():
        if bare.startswith(named):
            bare = base + bare.removeprefix(named)
    try:
        base, quote = split_symbol(bare)
    except Fatal:
        base, quote = bare, MAIN_QUOTES[0]
    if quote not in MAIN_QUOTES:
        base, quote = bare, MAIN_QUOTES[0]
    return {"coin_id": base, "quote": quote}


def _row(quote: Quote) -> Row:
    """As a second of trades at the start of its minute, when both quotes of a pair are as fresh."""
    return {
        "what": "trades",
        "second_ms": quote["minute_ms"],
        "last_traded_at_ms": quote["minute_ms"],
        "collected_at_ms": quote["observed_at_ms"],
        "close": quote["price"],
        "coordinate": str(quote[LINE]),
        **{name: quote[name] for name in ("source", "symbol", "coin_id", "quote")},
    }


def _told(episode: Row) -> dict[str, Any]:
    return {
        "symbol": episode["symbol"],
        "opened_at_ms": episode["started_at_ms"],
        "resolved_at_ms": episode["resolved_at_ms"],
        "peak_pct": abs(episode["peak_value"]),
        "peaked_at_ms": episode["peaked_at_ms"],
        "source": episode["source"],
        "other_source": episode["other_source"],
        "other_symbol": episode["other_symbol"],
        "sentence": episode["sentence"],
    }
