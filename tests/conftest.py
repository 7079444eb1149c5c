"""The real Kafka and InfluxDB for integration tests: started once a session by the code of `up`."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from stack.console import StepBoard
from stack.doctor import java_binary
from stack.home import Home
from stack.parts.influxd import influxd_binary
from stack.parts.table import INFLUXD, KAFKA_JARS
from stack.ports import free_port
from stack.processes.influxd import FOR_EVER, Buckets, InfluxAccess, InfluxServer
from stack.processes.kafka import KafkaServer, make_topics
from stack.supervisor import Supervisor


@dataclass(frozen=True)
class RunningKafka:
    """A broker with the platform's topics. `bootstrap` is host:port."""

    bootstrap: str
    server: KafkaServer


@pytest.fixture(scope="session")
def kafka_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningKafka]:
    """A real broker on a free port, with all topics made."""
    java = java_binary()
    assert java is not None, "Java is absent; ./cryptoviz doctor"
    home = _home(tmp_path_factory, "kafka")
    with StepBoard() as board:
        server = KafkaServer(
            home.path / "kafka",
            KAFKA_JARS.ensure(board.step("get Kafka")),
            java=java,
            port=free_port(),
            controller_port=free_port(),
            heap_mb=384,
        )
        server.prepare()
        supervisor = Supervisor(home, report=pytest.fail)
        supervisor.start(server.command())
        try:
            supervisor.wait_ready("kafka", step=board.step("kafka"), timeout_s=60)
            make_topics(server.bootstrap, keep_for_ever=True)
            yield RunningKafka(server.bootstrap, server)
        finally:
            _stop(supervisor, "kafka")


@pytest.fixture(scope="session")
def influx_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxAccess]:
    """A real InfluxDB on a free port, set up: url, org, bucket, speed_bucket and both tokens."""
    home = _home(tmp_path_factory, "influxd")
    with StepBoard() as board:
        server = InfluxServer(
            home.path / "influxdb",
            influxd_binary(INFLUXD, board.step("get InfluxDB")),
            port=free_port(),
            memory_mb=256,
            query_mb=128,
        )
        supervisor = Supervisor(home, report=pytest.fail)
        supervisor.start(server.command())
        try:
            supervisor.wait_ready("influxd", step=board.step("influxd"), timeout_s=60)
            names = ("cryptoviz", "cryptoviz_speed", "cryptoviz_seconds")
            yield server.set_up(Buckets("cryptoviz", *names, FOR_EVER, FOR_EVER))
        finally:
            _stop(supervisor, "influxd")


def _home(factory: pytest.TempPathFactory, name: str) -> Home:
    home = Home(Path(factory.mktemp(name)))
    home.make()
    return home


def _stop(supervisor: Supervisor, name: str) -> None:
    supervisor.report = lambda _message: None
    supervisor.stop_all(((name,),))
