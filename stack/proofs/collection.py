"""The collection layer alone: Kafka, the simulator and agents, each a process, without Spark.

In a home of its own on free ports. Kafka and the simulator are supervised; agents are started and
killed by the proof, because dying is what it proves.
"""

import os
import signal
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
from stack.processes.child import Child
from stack.processes.kafka import make_topics
from stack.processes.records import stop
from stack.proofs.demo import Residence
from stack.settings import HOST, StackSettings
from stack.supervisor import Supervisor
from stack.topic import bounds_of, open_consumer

START_S = 60.0
POLL_S = 0.05
STARTED = ("kafka", "simulator")


class Collection:
    """Kafka, perhaps a simulator, and agents. Use as a context; leaving it stops everything."""

    def __init__(self, home_root: Path, scenario: Scenario | None, board: StepBoard) -> None:
        ports = Residence.new(home_root).ports
        self.scenario = scenario
        self.home = Home(home_root)
        self.settings = StackSettings(
            home=home_root,
            kafka_port=ports["KAFKA"],
            kafka_controller_port=ports["KAFKA_CONTROLLER"],
            simulator_port=ports["SIMULATOR"],
        )
        self.log = self.home.logs / "proof.log"
        self._board = board
        self._platform = Platform(self.settings, self.home, scenario)
        self._supervisor = Supervisor(self.home, report=self._note)
        self._agents: dict[str, Child] = {}
        self._consumer: Consumer | None = None

    def __enter__(self) -> "Collection":
        self.home.make()
        try:
            KAFKA_JARS.ensure(self._board.step("get Kafka"))
            broker = self._platform.kafka_server()
            broker.prepare()
            self._supervisor.start(broker.command())
            self._wait("kafka")
            make_topics(broker.bootstrap, keep_for_ever=True)
            self._consumer = open_consumer(broker.bootstrap)
            if self.scenario is not None:
                self._supervisor.start(self._platform.simulator(self.scenario))
                self._wait("simulator")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the agents, then what they need."""
        for name in tuple(self._agents):
            self.stop_agent(name)
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None
        self._supervisor.stop_all(tuple((name,) for name in reversed(STARTED)))

    @property
    def bootstrap(self) -> str:
        """host:port of its Kafka."""
        return self.settings.kafka_bootstrap

    @property
    def simulator(self) -> str:
        """Address of its simulator."""
        return f"http://{HOST}:{self.settings.simulator_port}"

    def now_ms(self) -> int:
        """Scenario time, milliseconds UTC."""
        return Anchor.read(self.home.clock_file).at(wall_ms())

    def start_agent(self, name: str, environment: Mapping[str, object] | None = None) -> Child:
        """Start an agent; `environment` overrides its settings, named without the prefix."""
        own = {ENV_PREFIX + key: str(text) for key, text in (environment or {}).items()}
        (command,) = [one for one in self._platform.agents() if one.name == name]
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

        stop([child.record], report=self._note, reap=reap)
        return child.poll()

    def records(self, topic: str) -> int:
        """Records that the topic holds, acknowledged and readable."""
        if self._consumer is None:
            raise Failure("the collection is not running")
        give_up = time.monotonic() + START_S
        while True:
            try:
                bounds = bounds_of(self._consumer, topic)
            except KafkaException as error:  # a topic just made has no leader yet
                if time.monotonic() > give_up:
                    raise Failure(f"Kafka does not give {topic}: {error.args[0]}") from error
                time.sleep(POLL_S)
            else:
                return sum(high - low for low, high in bounds.values())

    def check(self) -> None:
        """Keep Kafka and the simulator alive. Raises Failure where an agent has ended."""
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

    def _wait(self, name: str) -> None:
        self._supervisor.wait_ready(name, step=self._board.step(name), timeout_s=START_S)

    def _note(self, message: str) -> None:
        with self.log.open("a", encoding="utf-8") as log:
            log.write(message + "\n")
