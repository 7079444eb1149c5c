"""`test`: every check of the project, in groups; CI runs exactly this."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stack.console import StepBoard, console, say, say_failure
from stack.failure import EXIT_FAILED, EXIT_USAGE, Failure
from stack.interrupt import install, is_asked
from stack.parts.influxd import influxd_binary
from stack.parts.table import INFLUXD, KAFKA_JARS, SPARK_JARS, WEB
from stack.settings import ROOT
from stack.tools import run_logged

BIN = Path(sys.executable).parent
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True, slots=True)
class Check:
    """One step: a command in a folder, or something done before one."""

    name: str
    argv: tuple[str, ...] = ()
    cwd: Path = ROOT
    prepare: Callable[[], None] | None = None


def _tool(name: str, *arguments: str) -> tuple[str, ...]:
    return (str(BIN / name), *arguments)


def _integration_parts() -> None:
    with StepBoard() as board:
        KAFKA_JARS.ensure(board.step("get Kafka"))
        SPARK_JARS.ensure(board.step("get Spark's jars"))
        influxd_binary(INFLUXD, board.step("get InfluxDB"))


def _web_packages() -> None:
    with StepBoard() as board:
        step = board.step("get viewer's packages")
        WEB.ensure_packages(step)
        step.done()


def _web_build() -> None:
    with StepBoard() as board:
        WEB.ensure(board.step("build viewer"))


def chromium() -> str | None:
    """The browser of the browser tests."""
    return next((found for name in CHROMIUM if (found := shutil.which(name))), None)


def _browser() -> None:
    if chromium() is not None:
        return
    line = "apt-get install -y --no-install-recommends chromium"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise Failure(
            "The browser test needs Chromium.",
            fix=f"Install it: sudo {line} (macOS: brew install --cask chromium).",
        )
    with StepBoard() as board:
        step = board.step("get Chromium")
        log = ROOT / "var" / "logs" / "chromium.log"
        run_logged(["apt-get", "update"], log=log, what="apt-get update", step=step)
        run_logged(
            line.split(),
            log=log,
            what="Installing Chromium",
            env={"DEBIAN_FRONTEND": "noninteractive"},
            step=step,
        )
        step.done()


GROUPS: dict[str, tuple[Check, ...]] = {
    "unit": (
        Check("ruff check", _tool("ruff", "check", ".")),
        Check("ruff format", _tool("ruff", "format", "--check", ".")),
        Check("mypy", _tool("mypy")),
        Check("import-linter", _tool("lint-imports")),
        Check("pytest unit", _tool("pytest", "-q", "-m", "not integration")),
    ),
    "integration": (
        Check("parts", prepare=_integration_parts),
        # The platform test reads a price off the viewer's page.
        Check("chromium", prepare=_browser),
        Check("pytest integration", _tool("pytest", "-q", "-m", "integration")),
    ),
    "web": (
        Check("npm ci", prepare=_web_packages),
        Check("web typecheck", ("npm", "run", "-s", "typecheck"), WEB.folder),
        Check("web lint", ("npm", "run", "-s", "lint"), WEB.folder),
        Check("web unit tests", ("npm", "run", "-s", "test"), WEB.folder),
        Check("web build", prepare=_web_build),
        Check("chromium", prepare=_browser),
        Check("web browser test", ("npm", "run", "-s", "test:browser"), WEB.folder),
    ),
}


def run_tests(group: str | None) -> None:
    """Run the groups; a failure ends its group, the others still run. Exits with 1 on failure."""
    if group is not None and group not in GROUPS:
        raise Failure(
            f"Unknown group {group}.", fix=f"Groups: {', '.join(GROUPS)}.", exit_code=EXIT_USAGE
        )
    install()
    outcomes: list[tuple[str, str, float]] = []
    for name in [group] if group else list(GROUPS):
        outcomes += _run_group(name)
        if is_asked():
            break
    say("")
    for step, outcome, took_s in outcomes:
        style = {"passed": "green", "failed": "bold red"}.get(outcome, "yellow")
        say(f"{outcome:>8}  {took_s:7.1f} s  {step}", style=style)
    if is_asked() or any(outcome != "passed" for _, outcome, _ in outcomes):
        raise SystemExit(EXIT_FAILED)


def _run_group(name: str) -> list[tuple[str, str, float]]:
    outcomes: list[tuple[str, str, float]] = []
    is_going = True
    for check in GROUPS[name]:
        label = f"{name}: {check.name}"
        if not is_going or is_asked():
            outcomes.append((label, "skipped", 0.0))
            continue
        console.rule(label, align="left")
        began = time.monotonic()
        is_going = _passes(check)
        outcomes.append((label, "passed" if is_going else "failed", time.monotonic() - began))
    return outcomes


def _passes(check: Check) -> bool:
    if check.prepare is not None:
        try:
            check.prepare()
        except Failure as failure:
            say_failure(failure)
            return False
    if not check.argv:
        return True
    env = {**os.environ, "PATH": os.pathsep.join((str(BIN), os.environ["PATH"]))}
    done = subprocess.run(check.argv, cwd=check.cwd, env=env, check=False)  # noqa: S603
    return done.returncode == 0
