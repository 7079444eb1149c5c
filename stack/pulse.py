"""What the API says of the platform's pulse, for `status`: read, and shown as tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from rich.table import Table

from stack.console import console, say

TIMEOUT_S = 5.0
WORST = 5
# Columns that stay in one piece on a narrow terminal.
UNBROKEN = frozenset({"job", "source", "latency", "state"})


@dataclass(frozen=True, slots=True)
class Pulse:
    """`data` of the API's answers, None for those that it did not give.

    `quality` holds the worst series, `open_gaps` those of the last day.
    """

    pipeline: dict[str, Any] | None
    sources: list[dict[str, Any]] | None
    quality: list[dict[str, Any]] | None
    open_gaps: list[dict[str, Any]] | None


def read_pulse(api_address: str) -> Pulse:
    """One question after the other; what does not answer is None."""
    with httpx.Client(base_url=api_address, timeout=TIMEOUT_S, trust_env=False) as client:
        return Pulse(
            pipeline=_data(client, "/pipeline"),
            sources=_data(client, "/sources"),
            quality=_data(client, f"/quality?limit={WORST}"),
            open_gaps=_data(client, "/gaps?state=open"),
        )


def _data(client: httpx.Client, path: str) -> Any:  # noqa: ANN401 - as the API's model says
    try:
        answer = client.get(path)
        body = answer.json()
    except (httpx.HTTPError, ValueError):
        return None
    return body.get("data") if answer.is_success and isinstance(body, dict) else None


def say_pulse(pulse: Pulse) -> None:
    """Tables of what is known, a line where nothing is."""
    if pulse.pipeline is not None:
        _say_pipeline(pulse.pipeline)
    if pulse.sources:
        console.print(_sources(pulse.sources))
    if pulse.quality:
        console.print(_quality(pulse.quality))
    gaps = pulse.open_gaps
    if gaps is not None:
        missing = sum(gap["missing_trades"] for gap in gaps)
        say(f"Open gaps: {len(gaps)}" + (f", {missing:,} trades." if gaps else "."))


def _say_pipeline(pipeline: Mapping[str, Any]) -> None:
    if not pipeline["jobs"]:
        say("No job has told of itself within an hour.", style="yellow")
        return
    console.print(_jobs(pipeline["jobs"]))
    if any(stage["n"] for stage in pipeline["latency"]):
        console.print(_latency(pipeline["latency"]))
    letters = [
        f"{one['letters_1h']:,} {one['reason']} in {one['topic']}"
        for one in pipeline["dead_letters"]
    ]
    say(f"Dead letters of the last hour: {', '.join(letters) or 'none'}.")


def _table(*titles: str, left: int = 1) -> Table:
    table = Table(box=None, pad_edge=False)
    for number, title in enumerate(titles):
        justify = "left" if number < left else "right"
        table.add_column(
            title,
            justify=justify,  # type: ignore[arg-type]
            overflow="fold",
            no_wrap=title in UNBROKEN,
        )
    return table


def _jobs(jobs: list[dict[str, Any]]) -> Table:
    table = _table(
        *("job", "state", "rec/s", "lag", "p50 ms", "p95 ms", "delay s", "restarts", "age s"),
        left=2,
    )
    for one in jobs:
        state = one["state"] or "-"
        table.add_row(
            one["job"],
            state if state == "running" else f"[yellow]{state}[/]",
            _number(one["records_per_s"], 1),
            _number(one["lag_records"]),
            _number(one["batch_p50_ms"]),
            _number(one["batch_p95_ms"]),
            _number(one["watermark_delay_s"], 1),
            _number(one["restarts"]),
            _number(one["age_s"]),
        )
    return table


def _latency(stages: list[dict[str, Any]]) -> Table:
    table = _table("latency", "p50 ms", "p95 ms", "p99 ms", "trades", "age s")
    for one in stages:
        table.add_row(
            one["stage"],
            *(_number(one[name]) for name in ("p50_ms", "p95_ms", "p99_ms", "n", "age_s")),
        )
    return table


def _sources(sources: list[dict[str, Any]]) -> Table:
    table = _table("source", "state", "reason", "accepted", "rejected", "age s", left=3)
    for one in sources:
        state = one["state"] if one["is_heard"] else "not heard"
        fine = state in ("running", "done")
        table.add_row(
            one["source"],
            state if fine else f"[yellow]{state}[/]",
            one["reason"] or "",
            _number(one["accepted"]),
            _number(one["rejected"]),
            _number(one["age_s"]),
        )
    return table


def _quality(worst: list[dict[str, Any]]) -> Table:
    table = _table("worst quality", "score", "why", left=1)
    table.columns[2].justify = "left"
    for one in worst:
        market = one["symbol"] or one["coin_id"]
        table.add_row(f"{one['source']} {market}", _number(one["score"]), one["reason"] or "")
    return table


def _number(amount: float | None, decimals: int = 0) -> str:
    return "-" if amount is None else f"{amount:,.{decimals}f}"
