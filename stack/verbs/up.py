"""`up`: fetch what is missing, start everything in order, supervise it until Ctrl-C."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import psutil

from market.clock import wall_ms
from market.metrics import serve_metrics
from stack.console import StepBoard, say
from stack.demo import home_name
from stack.doctor import checks, ports_of, require
from stack.environment import buckets, external_access
from stack.failure import EXIT_ALREADY_RUNNING, Failure
from stack.home import ActiveRun, Home, Scenario, all_homes, up_file
from stack.interrupt import Interrupted, install
from stack.locks import Busy, held
from stack.metrics import supervisor_metrics
from stack.parts.influxd import influxd_binary
from stack.parts.table import INFLUXD, KAFKA_JARS, SPARK_JARS, WEB
from stack.platform import (
    FIRST_AGENTS,
    GROUPS,
    LATER_AGENTS,
    SUPERVISOR,
    Platform,
    metrics_port,
)
from stack.ports import check_free
from stack.processes import influxd, kafka
from stack.processes.command import Command
from stack.processes.influxd import InfluxAccess
from stack.processes.kafka import make_topics
from stack.processes.records import records_in, stop
from stack.settings import StackSettings
from stack.supervisor import Supervisor
from stack.verbs.status import read_health

STORES_WITHIN_S = 60.0
SIMULATOR_WITHIN_S = 60.0
API_WITHIN_S = 60.0
WEB_WITHIN_S = 60.0
# Without numbers for so long the viewer has more to say than a progress line.
NUMBERS_WITHIN_S = 120.0


def up(settings: StackSettings, scenario: Scenario | None) -> None:
    """Run the platform until somebody asks to stop. Raises Failure."""
    install()
    home = Home(
        settings.home_root / ("live" if scenario is None else f"demo/{home_name(scenario)}")
    )
    try:
        with held(settings.home_root / "run" / "up.lock"):
            _up(settings, scenario, home)
    except Busy:
        raise already_running(settings) from None
    except Interrupted:
        say("Stopped. State is kept; the same command goes on from here.")


def already_running(settings: StackSettings) -> Failure:
    """Who runs, which home, since when, where to look."""
    run = ActiveRun.read(settings.home_root)
    if run is None or not run.is_alive():
        return Failure(
            "Another `up` is just starting here.",
            fix="Wait a moment and look with `./cryptoviz status`.",
            exit_code=EXIT_ALREADY_RUNNING,
        )
    since = datetime.fromtimestamp(run.started_at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return Failure(
        f"Already running since {since} UTC (pid {run.pid}), home {run.home}.\n"
        f"Viewer: {run.web_address}",
        fix="`./cryptoviz down` stops it; CRYPTOVIZ_HOME and other ports run a second one.",
        exit_code=EXIT_ALREADY_RUNNING,
    )


def stop_orphans(settings: StackSettings) -> list[str]:
    """Stop what a supervisor that died left behind, in all homes of this root."""
    orphans = [record for home in all_homes(settings.home_root) for record in records_in(home.run)]
    stopped = []
    for group in reversed(GROUPS):
        stopped += stop([one for one in orphans if one.name in group], report=say)
    return stopped


def _up(settings: StackSettings, scenario: Scenario | None, home: Home) -> None:
    began = time.monotonic()
    orphans = stop_orphans(settings)
    if orphans:
        say(f"Stopped what an earlier run left behind: {', '.join(orphans)}.")
    require(checks(settings))
    check_free(ports_of(settings, is_demo=scenario is not None))
    home.make()
    run = ActiveRun(
        home=str(home.path),
        pid=os.getpid(),
        create_time=psutil.Process().create_time(),
        started_at_ms=wall_ms(),
        web_address=settings.web_address,
        api_address=settings.api_address,
        scenario=scenario,
    )
    run.write(settings.home_root)
    supervisor = Supervisor(home, report=_report)
    try:
        with StepBoard() as board:
            start = Start(settings, home, scenario, supervisor, board)
            start.everything(start.parts())
        serve_metrics(metrics_port(settings, SUPERVISOR), supervisor_metrics(home))
        say(f"Logs: {home.logs}. Ctrl-C stops everything. Up in {time.monotonic() - began:.1f} s.")
        say(f"Viewer: {settings.web_address}", style="bold green")
        supervisor.run()
    finally:
        supervisor.stop_all(tuple(reversed(GROUPS)))
        up_file(settings.home_root).unlink(missing_ok=True)


def _report(message: str) -> None:
    moment = datetime.now(UTC).strftime("%H:%M:%S")
    say(f"{moment} {message}", style="yellow")


class Start:
    """The start of one run, step by step."""

    def __init__(
        self,
        settings: StackSettings,
        home: Home,
        scenario: Scenario | None,
        supervisor: Supervisor,
        board: StepBoard,
    ) -> None:
        self._settings = settings
        self._home = home
        self._scenario = scenario
        self._supervisor = supervisor
        self._board = board
        self._platform = Platform(settings, home, scenario)

    def parts(self) -> Path | None:
        """Fetch or build what is missing; the influxd binary, None with an external InfluxDB."""
        KAFKA_JARS.ensure(self._board.step("get Kafka"))
        SPARK_JARS.ensure(self._board.step("get Spark's jars"))
        binary = None
        if self._settings.influx_url is None:
            binary = influxd_binary(INFLUXD, self._board.step("get InfluxDB"))
        WEB.ensure(self._board.step("get viewer"))
        return binary

    def everything(self, influxd_path: Path | None) -> None:
        """Start all processes and wait until the viewer answers.

        Spark's driver takes longest to its first row, so it starts as soon as it can write; until
        Kafka answers, its queries wait.
        """
        broker = self._platform.kafka_server()
        broker.prepare()
        self._supervisor.start(broker.command())
        if self._scenario is not None:
            self._supervisor.start(self._platform.simulator(self._scenario))
        access = self._influxdb(influxd_path)
        if self._scenario is not None:
            self._wait("simulator", SIMULATOR_WITHIN_S)
        self._start(self._platform.driver(access))
        self._supervisor.start(self._platform.api(access))
        self._supervisor.start(self._platform.web())
        self._wait(kafka.NAME, STORES_WITHIN_S)
        self._topics(broker.bootstrap)
        for command in self._platform.agents(FIRST_AGENTS):
            self._start(command)
        self._wait("api", API_WITHIN_S)
        self._wait("web", WEB_WITHIN_S)
        self._first_numbers()
        for command in self._platform.agents(LATER_AGENTS):
            self._start(command)

    def _first_numbers(self) -> None:
        """Wait until the API calls itself ready; go on without when an upstream is out of reach."""
        step = self._board.step("first numbers")

        def is_ready() -> bool:
            health = read_health(self._settings.api_address) or {}
            parts = health.get("parts", [])
            missing = [part["name"] for part in parts if not part["is_up"]]
            step.tell(f"waiting for {', '.join(missing)}" if missing else "nearly there")
            return bool(health.get("is_ready"))

        if self._supervisor.supervise_until(is_ready, timeout_s=NUMBERS_WITHIN_S):
            step.done("in the viewer")
        else:
            step.failed(f"none yet, {step.note}; `./cryptoviz status` and the viewer say why")

    def _influxdb(self, influxd_path: Path | None) -> InfluxAccess:
        """InfluxDB, set up; access to somebody else's where no binary is named."""
        if influxd_path is None:
            return external_access(self._settings)
        server = self._platform.influx_server(influxd_path)
        self._supervisor.start(server.command())
        self._wait(influxd.NAME, STORES_WITHIN_S)
        return server.set_up(buckets(self._settings, is_demo=self._scenario is not None))

    def _topics(self, bootstrap: str) -> None:
        step = self._board.step("topics")
        made = make_topics(bootstrap, keep_for_ever=self._scenario is not None)
        step.done(f"made {', '.join(made)}" if made else "there already")

    def _start(self, command: Command) -> None:
        self._supervisor.start(command)
        self._board.step(command.name).done("started")

    def _wait(self, name: str, timeout_s: float) -> None:
        self._supervisor.wait_ready(name, step=self._board.step(name), timeout_s=timeout_s)
