"""`status`: per process what it does and what it takes; from the API how fresh the numbers are, how
the jobs do, how long trades take, what the sources say and which series are worst."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
import psutil
from rich.table import Table

from stack.console import console, say
from stack.home import ActiveRun, Home, latest_home, same_process
from stack.platform import NAMES
from stack.processes.records import Record, members, records_in
from stack.pulse import Pulse, read_pulse, say_pulse
from stack.settings import StackSettings

MEGABYTE = 1_000_000
HEALTH_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """One process with all that it started. `rss_mb` is resident memory."""

    name: str
    pid: int | None
    state: str
    uptime_s: float | None
    restarts: int
    rss_mb: float


@dataclass(frozen=True, slots=True)
class Status:
    """Everything that `status` says; `health` and `pulse` are the API's own answers."""

    is_running: bool
    home: str | None
    viewer: str | None
    processes: list[ProcessStatus]
    total_rss_mb: float
    health: dict[str, Any] | None
    pulse: Pulse | None


def status(settings: StackSettings, *, as_json: bool) -> None:
    """Print it."""
    now = look(settings)
    if as_json:
        console.out(orjson.dumps(now, option=orjson.OPT_INDENT_2).decode(), highlight=False)
        return
    if now.home is None:
        say("Nothing has run here yet. Start it with `./cryptoviz up --demo`.")
        return
    say(f"{_headline(now)}: {now.home}")
    if now.processes:
        console.print(_processes_table(now))
    if now.is_running:
        _say_health(now)


def look(settings: StackSettings) -> Status:
    """The state of the active run, or of the one that ran last."""
    run = ActiveRun.read(settings.home_root)
    is_running = run is not None and run.is_alive()
    home = Home(Path(run.home)) if run is not None else latest_home(settings.home_root)
    processes = [] if home is None else [_process(record) for record in _ordered(home)]
    if run is not None and (supervisor := same_process(run.pid, run.create_time)) is not None:
        processes.append(_supervisor(supervisor))
    api = run.api_address if run is not None and is_running else None
    return Status(
        is_running=is_running,
        home=None if home is None else str(home.path),
        viewer=run.web_address if run is not None and is_running else None,
        processes=processes,
        total_rss_mb=round(sum(process.rss_mb for process in processes), 1),
        health=None if api is None else read_health(api),
        pulse=None if api is None else read_pulse(api),
    )


def _headline(now: Status) -> str:
    if now.is_running:
        return "Running"
    if any(process.pid is not None for process in now.processes):
        return "The supervisor is gone; `./cryptoviz down` stops what it left of"
    return "Not running"


def _ordered(home: Home) -> list[Record]:
    records = {record.name: record for record in records_in(home.run)}
    return [records[name] for name in NAMES if name in records]


def _process(record: Record) -> ProcessStatus:
    alive = members(record)
    if alive:
        state = record.state
    else:
        state = record.state if record.state in ("finished", "restarting", "stopped") else "dead"
    return ProcessStatus(
        name=record.name,
        pid=record.pid if alive else None,
        state=state,
        uptime_s=round(time.time() - record.create_time, 1) if alive else None,
        restarts=record.restarts,
        rss_mb=round(sum(_rss(process) for process in alive) / MEGABYTE, 1),
    )


def _supervisor(process: psutil.Process) -> ProcessStatus:
    return ProcessStatus(
        name="supervisor",
        pid=process.pid,
        state="running",
        uptime_s=round(time.time() - process.create_time(), 1),
        restarts=0,
        rss_mb=round(_rss(process) / MEGABYTE, 1),
    )


def _rss(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def read_health(api_address: str) -> dict[str, Any] | None:
    """`data` of the API's /health, whatever its status; None where it gives none."""
    try:
        answer = httpx.get(f"{api_address}/health", timeout=HEALTH_TIMEOUT_S, trust_env=False)
        body = answer.json()
    except (httpx.HTTPError, ValueError):
        return None
    held = body.get("data") if isinstance(body, dict) else None
    return held if isinstance(held, dict) else None


def _processes_table(now: Status) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("process")
    table.add_column("pid", justify="right")
    table.add_column("state")
    table.add_column("up", justify="right")
    table.add_column("restarts", justify="right")
    table.add_column("MB", justify="right")
    for one in now.processes:
        table.add_row(
            one.name,
            "-" if one.pid is None else str(one.pid),
            one.state,
            "-" if one.uptime_s is None else age(one.uptime_s),
            str(one.restarts),
            f"{one.rss_mb:,.0f}",
        )
    table.add_row("total", "", "", "", "", f"{now.total_rss_mb:,.0f}", style="bold")
    return table


def _say_health(now: Status) -> None:
    if now.health is None:
        say("The API does not answer yet.", style="yellow")
        return
    clock = now.health["clock"]
    replay = f" REPLAY {clock['scenario']} x{clock['speed']:g}" if clock["is_replay"] else ""
    say(f"Health {now.health['status']} · platform time {clock['now']}{replay}")
    table = Table(box=None, pad_edge=False)
    for title in ("part", "state", "age", "detail"):
        table.add_column(title, overflow="fold")
    for part in now.health["parts"]:
        observed_age = part["age_s"]
        table.add_row(
            part["name"],
            "up" if part["is_up"] else "[red]down[/]",
            "-" if observed_age is None else age(observed_age),
            part["detail"],
        )
    console.print(table)
    if now.pulse is not None:
        say_pulse(now.pulse)
    say(f"Viewer: {now.viewer}")


def age(seconds: float) -> str:
    """A duration in its two largest units, such as `2 h 5 min`."""
    whole = int(seconds)
    for unit_s, unit, part_s, part in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min")):
        if whole >= unit_s:
            return f"{whole // unit_s} {unit} {whole % unit_s // part_s} {part}"
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{seconds:.1f} s"
