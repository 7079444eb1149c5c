"""The collection layer alone: Kafka, simulators and agents, each a process, without Spark.

A `Broker` has a home of its own on free ports; on it stand one or more `Stage`s, each a simulator
with a clock of its own and the agents that it feeds. Kafka and simulators are supervised; agents
are started and killed by the proof, because dying is what it proves.
"""

import os
import signal
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from confluent_kafka import Consumer, KafkaException

from market.clock import Anchor, wall_ms
from market.settings import ENV_PREFIX
from stack.console import StepBoard
from stack.failure import Failure, tail_of
from stack.home import Home, Scenario
from stack.interrupt import pause
from stack.parts.table import KAFKA_JARS
from stack.platform import Platform
from stack.ports import free_port
from stack.processes.child import Child
from stack.processes.kafka import make_topics
from stack.processes.records import stop
from stack.settings import HOST, StackSettings
from stack.supervisor import Supervisor
from stack.topic import bounds_of, open_consumer

START_S = 60.0
POLL_S = 0.05
# The key of RFC 6455's example: any will do.
HANDSHAKE = (
    "GET /stream?streams=btcusdt@aggTrade HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\n\r\n"
)


class Broker:
    """Kafka in a home of its own. Use as a context; leaving it stops it."""

    def __init__(self, home_root: Path, board: StepBoard) -> None:
        self.home = Home(home_root)
        self.board = board
        self.settings = StackSettings(
            home=home_root,
            kafka_port=free_port(),
            kafka_controller_port=free_port(),
            metrics_first_port=0,
        )
        self._supervisor = Supervisor(self.home, report=self.note)
        self._consumer: Consumer | None = None

    def __enter__(self) -> "Broker":
        self.home.make()
        try:
            KAFKA_JARS.ensure(self.board.step("get Kafka"))
            server = Platform(self.settings, self.home, None).kafka_server()
            server.prepare()
            self._supervisor.start(server.command())
            self._supervisor.wait_ready("kafka", step=self.board.step("kafka"), timeout_s=START_S)
            make_topics(self.bootstrap, keep_for_ever=True)
            self._consumer = open_consumer(self.bootstrap)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._consumer is not None:
            self._consumer.close()
        self._supervisor.stop_all((("kafka",),))

    @property
    def bootstrap(self) -> str:
        """host:port for clients."""
        return self.settings.kafka_bootstrap

    def records(self, topic: str) -> int:
        """Records that the topic holds, acknowledged and readable."""
        give_up = time.monotonic() + START_S
        while self._consumer is not None:
            try:
                bounds = bounds_of(self._consumer, topic)
            except KafkaException as error:  # a topic just made has no leader yet
                if time.monotonic() > give_up:
                    raise Failure(f"Kafka does not give {topic}: {error.args[0]}") from error
                time.sleep(POLL_S)
            else:
                return sum(high - low for low, high in bounds.values())
        raise Failure("the broker of the proof is not running")

    def tick(self) -> None:
        """Keep it alive."""
        self._supervisor.tick()

    def note(self, message: str) -> None:
        """Into the proof's log."""
        with (self.home.logs / "proof.log").open("a", encoding="utf-8") as log:
            log.write(message + "\n")


class Stage:
    """A simulator, where a scenario is given, and agents. Use as a context."""

    def __init__(self, broker: Broker, name: str, scenario: Scenario | None) -> None:
        self.broker = broker
        self.scenario = scenario
        self.home = Home(broker.home.path / name)
        self._settings = broker.settings.model_copy(update={"simulator_port": free_port()})
        self._platform = Platform(self._settings, self.home, scenario)
        self._supervisor = Supervisor(self.home, report=broker.note)
        self._agents: dict[str, Child] = {}

    def __enter__(self) -> "Stage":
        self.home.make()
        if self.scenario is None:
            return self
        try:
            self._supervisor.start(self._platform.simulator(self.scenario))
            step = self.broker.board.step(f"simulator {self.home.path.name}")
            self._supervisor.wait_ready("simulator", step=step, timeout_s=START_S)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for name in tuple(self._agents):
            self.stop_agent(name)
        self._supervisor.stop_all((("simulator",),))

    @property
    def simulator(self) -> str:
        """Address of its simulator."""
        return f"http://{HOST}:{self._settings.simulator_port}"

    def start_clock(self) -> None:
        """Let scenario time run where nobody follows trades: the first subscriber starts it."""
        with socket.create_connection((HOST, self._settings.simulator_port), START_S) as line:
            line.sendall(HANDSHAKE.format(host=HOST).encode())
            line.recv(1_024)

    def now_ms(self) -> int:
        """Scenario time, milliseconds UTC."""
        return Anchor.read(self.home.clock_file).at(wall_ms())

    def start_agent(self, name: str, environment: Mapping[str, object] | None = None) -> Child:
        """Start an agent; `environment` overrides its settings, named without the prefix."""
        own = {ENV_PREFIX + key: str(text) for key, text in (environment or {}).items()}
        (command,) = self._platform.agents((name,))
        child = Child(replace(command, env={**command.env, **own}), self.home)
        self._agents[name] = child
        return child

    def kill_agent(self, name: str) -> None:
        """kill -9, and wait until it is gone."""
        child = self._agents.pop(name)
        os.kill(child.record.pid, signal.SIGKILL)
        while child.poll() is None:
            time.sleep(0.005)

    def stop_agent(self, name: str) -> int | None:
        """SIGTERM and its grace; returns the exit code."""
        child = self._agents.pop(name)

        def reap() -> None:
            child.poll()

        stop([child.record], report=self.broker.note, reap=reap)
        return child.poll()

    def has_finished(self, name: str) -> bool:
        """Whether an agent that runs once has done its work."""
        return self._agents[name].poll() == 0

    def check(self) -> None:
        """Keep Kafka and the simulator alive. Raises Failure where an agent has ended."""
        self.broker.tick()
        self._supervisor.tick()
        for name, child in self._agents.items():
            code = child.poll()
            if code is not None and not (code == 0 and child.command.one_shot):
                raise Failure(
                    f"{name} ended by itself with {code}", log=child.log, tail=tail_of(child.log)
                )

    def wait_until(self, reached: Callable[[], bool], *, timeout_s: float) -> bool:
        """Supervise until it is so; False when it takes too long."""
        give_up = time.monotonic() + timeout_s
        while not reached():
            if time.monotonic() > give_up:
                return False
            self.check()
            pause(POLL_S)
        return True
