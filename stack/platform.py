"""The table of processes in the order of their start, and how each is started.

Groups start one after the other and stop in reverse.
"""

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from market.settings import ENV_PREFIX
from stack.doctor import java_binary
from stack.environment import Environment
from stack.failure import Failure
from stack.home import Home, Scenario
from stack.parts.table import KAFKA_JARS, SPARK_JARS, WEB
from stack.processes import influxd, kafka, spark
from stack.processes.command import Command, answers
from stack.processes.influxd import InfluxAccess, InfluxServer
from stack.processes.kafka import KafkaServer
from stack.settings import HOST, StackSettings

# What the first numbers in the viewer need. The others start once these are there: eleven processes
# that warm up together on two cores all come late.
FIRST_AGENTS = ("coingecko", "binance_trades")
LATER_AGENTS = ("binance_klines", "coingecko_global", "coinmarketcap", "rss", "fear_greed")
AGENTS = (*FIRST_AGENTS, *LATER_AGENTS)
# Their work is done once it is done: exit code 0 is no death.
ONE_SHOT = frozenset({"binance_klines"})
SUPERVISOR = "supervisor"
DRIVER = spark.JOBS_FOLDER / "driver.py"

GROUPS: tuple[tuple[str, ...], ...] = (
    (influxd.NAME, kafka.NAME),
    ("simulator",),
    (spark.NAME,),
    AGENTS,
    ("api",),
    ("web",),
)
NAMES: tuple[str, ...] = tuple(name for group in GROUPS for name in group)


# In the order of their ports.
MEASURED = (SUPERVISOR, spark.NAME, "simulator", *AGENTS)


def metrics_port(settings: StackSettings, name: str) -> int:
    """Port of a process's Prometheus text, 0 for one that serves none."""
    if not settings.metrics_first_port or name not in MEASURED:
        return 0
    return settings.metrics_first_port + MEASURED.index(name)


class Platform:
    """How each process of one run is started."""

    def __init__(self, settings: StackSettings, home: Home, scenario: Scenario | None) -> None:
        self._settings = settings
        self._home = home
        self._environment = Environment(settings, scenario)

    def kafka_server(self) -> KafkaServer:
        """The broker of this home."""
        java = java_binary()
        if java is None:
            raise Failure("Java is absent.", fix="`./cryptoviz doctor` tells how to install it.")
        return KafkaServer(
            self._home.path / "kafka",
            KAFKA_JARS.folder,
            java=java,
            port=self._settings.kafka_port,
            controller_port=self._settings.kafka_controller_port,
            heap_mb=self._settings.kafka_heap_mb,
        )

    def influx_server(self, binary: Path) -> InfluxServer:
        """The InfluxDB of this home."""
        return InfluxServer(
            self._home.path / "influxdb",
            binary,
            port=self._settings.influx_port,
            memory_mb=self._settings.influx_memory_mb,
            query_mb=self._settings.influx_query_mb,
        )

    def simulator(self, scenario: Scenario) -> Command:
        """The upstreams of a demo; ready once its clock stands, because everybody reads it."""
        ping = f"http://{HOST}:{self._settings.simulator_port}/api/v3/ping"
        return self._python(
            "simulator",
            env=self._environment.simulator(self._home, scenario),
            is_ready=lambda: self._home.clock_file.exists() and answers(ping),
        )

    def job(
        self, script: Path, access: InfluxAccess, *, name: str, options: tuple[str, ...] = ()
    ) -> Command:
        """A file of spark_jobs/ under spark-submit."""
        return spark.spark_submit(
            script,
            home=self._home,
            jars=SPARK_JARS.folder,
            driver_mb=self._settings.spark_driver_mb,
            env=self._measured(name, self._environment.writer(self._home, access)),
            options=options,
            name=name,
        )

    def driver(self, access: InfluxAccess) -> Command:
        """One Spark driver for all jobs; scratch files of a killed one are cleared."""
        shutil.rmtree(spark.scratch(self._home, spark.NAME), ignore_errors=True)
        return self.job(DRIVER, access, name=spark.NAME)

    def agents(self, names: Sequence[str]) -> list[Command]:
        """Some of the collectors."""
        env = self._environment.agent(self._home)
        return [
            self._python("agents", name, name=name, env=env, one_shot=name in ONE_SHOT)
            for name in names
        ]

    def api(self, access: InfluxAccess) -> Command:
        """The API; it answers 503 while a part is down, and that is an answer."""
        health = f"{self._settings.api_address}/health"
        return self._python(
            "api",
            env=self._environment.api(self._home, access),
            is_ready=lambda: answers(health, below=600),
        )

    def web(self) -> Command:
        """The viewer's server."""
        port = str(self._settings.web_port)
        return Command(
            name="web",
            argv=("node", str(WEB.next_bin), "start", "--hostname", HOST, "--port", port),
            cwd=WEB.folder,
            env=self._environment.web(self._home),
            is_ready=lambda: answers(self._settings.web_address, below=500),
        )

    def _python(
        self,
        module: str,
        *arguments: str,
        env: Mapping[str, str],
        name: str | None = None,
        is_ready: Callable[[], bool] | None = None,
        one_shot: bool = False,
    ) -> Command:
        return Command(
            name=name or module,
            argv=(sys.executable, "-P", "-m", module, *arguments),
            cwd=self._home.path,
            env={**self._measured(name or module, env), "PYTHONUNBUFFERED": "1"},
            is_ready=is_ready,
            one_shot=one_shot,
        )

    def _measured(self, name: str, env: Mapping[str, str]) -> dict[str, str]:
        """With the port of its metrics."""
        return {**env, ENV_PREFIX + "METRICS_PORT": str(metrics_port(self._settings, name))}
