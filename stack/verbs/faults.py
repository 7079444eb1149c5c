"""`faults`: ask the simulator of the demo that runs for faults, through its control endpoint."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
from rich.table import Table

from stack.console import console, say
from stack.failure import EXIT_USAGE, Failure
from stack.home import ActiveRun
from stack.settings import HOST, StackSettings

TIMEOUT_S = 10.0
# Options whose words are not numbers, true or false.
TEXTS = ("route", "symbol")


def list_faults(settings: StackSettings, *, as_json: bool) -> None:
    """Print the kinds, and the faults that run."""
    told = _ask(settings, "GET", "/control/faults")
    if as_json:
        _out(told)
        return
    kinds = _table("kind", "takes", "what it does", "options of its own")
    for kind in told["kinds"]:
        options = ", ".join(_dashed(option) for option in kind["options"])
        kinds.add_row(kind["name"], _scope(kind["reach"]), kind["summary"], options)
    console.print(kinds)
    say("Every kind: --seconds, --count, --seed, --share. Answers: --route. Frames: --symbol.")
    if not told["active"]:
        say("No fault runs.")
        return
    running = _table("id", "kind", "options", "left", "applied")
    for fault in told["active"]:
        left = "-" if fault["remaining"] is None else str(fault["remaining"])
        running.add_row(
            str(fault["id"]), fault["kind"], _words(fault["options"]), left, str(fault["applied"])
        )
    console.print(running)


def start(settings: StackSettings, kind: str, words: Sequence[str], *, as_json: bool) -> None:
    """Start one, and name its id."""
    asked = {"kind": kind, **parse_options(words)}
    told = _ask(settings, "POST", "/control/faults", json=asked)
    if as_json:
        _out(told)
        return
    say(f"Fault {told['id']} runs: {kind} {_words(told['options'])}".rstrip() + ".")
    say(f"`./cryptoviz faults stop {told['id']}` ends it, `./cryptoviz faults log` shows it.")


def stop(settings: StackSettings, number: int | None) -> None:
    """Stop one, or all."""
    query = {} if number is None else {"id": str(number)}
    stopped = _ask(settings, "DELETE", "/control/faults", params=query)["stopped"]
    if number is not None and not stopped:
        raise Failure(
            f"No fault {number} runs.", fix="`./cryptoviz faults list` shows those that do."
        )
    named = ", ".join(f"{fault['id']} ({fault['kind']})" for fault in stopped)
    say(f"Stopped {named}." if stopped else "No fault runs.")


def show_log(settings: StackSettings, *, after: int, as_json: bool) -> None:
    """Print what the faults did."""
    told = _ask(settings, "GET", "/control/log", params={"after": str(after)})
    if as_json:
        _out(told)
        return
    if told["dropped"]:
        say(f"{told['dropped']:,} older entries are not kept.", style="yellow")
    table = _table("number", "scenario time", "fault", "kind", "event", "what")
    for entry in told["entries"]:
        moment = datetime.fromtimestamp(entry["scenario_ms"] / 1000, UTC)
        table.add_row(
            str(entry["number"]),
            moment.strftime("%Y-%m-%d %H:%M:%S"),
            str(entry["fault"]),
            entry["kind"],
            entry["event"],
            _words(entry["what"]),
        )
    console.print(table)


def parse_options(words: Sequence[str]) -> dict[str, object]:
    """`--route rss --seconds 30 --cut` as fields. Raises Failure for anything else."""
    options: dict[str, object] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, equals, text = word.removeprefix("--").partition("=")
        if not word.startswith("--") or not name:
            raise Failure(
                f"{word} is no option.",
                fix="Example: ./cryptoviz faults start status_429 --route rss --count 3",
                exit_code=EXIT_USAGE,
            )
        field = name.replace("-", "_")
        if not equals and (not rest or rest[0].startswith("--")):
            options[field] = True
            continue
        options[field] = _read(field, text if equals else rest.pop(0))
    return options


def _read(field: str, text: str) -> object:
    if field in TEXTS:
        return text.upper() if field == "symbol" else text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _ask(
    settings: StackSettings,
    method: str,
    path: str,
    *,
    params: Mapping[str, str] | None = None,
    json: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """The control endpoint's answer. Raises Failure without a demo, and where it refuses."""
    run = ActiveRun.read(settings.home_root)
    if run is None or not run.is_alive() or run.scenario is None:
        what = "No demo runs." if run is None or not run.is_alive() else "What runs is no demo."
        raise Failure(
            f"{what} Faults are for a demo only.", fix="Start one with `./cryptoviz up --demo`."
        )
    address = f"http://{HOST}:{settings.simulator_port}{path}"
    try:
        answer = httpx.request(
            method, address, params=params, json=json, timeout=TIMEOUT_S, trust_env=False
        )
        told: dict[str, Any] = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise Failure(
            f"The simulator does not answer: {error}", fix="Look with `./cryptoviz logs simulator`."
        ) from error
    if answer.status_code >= 400:
        raise Failure(
            told["error"],
            fix="`./cryptoviz faults list` shows what there is.",
            exit_code=EXIT_USAGE,
        )
    return told


def _scope(reach: str) -> str:
    return {"http": "answers", "socket": "connections", "frames": "frames"}[reach]


def _dashed(option: str) -> str:
    return "--" + option.replace("_", "-")


def _words(fields: dict[str, object]) -> str:
    return " ".join(f"{name}={held}" for name, held in fields.items())


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in titles:
        table.add_column(title, overflow="fold")
    return table


def _out(told: object) -> None:
    console.out(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode(), highlight=False)
