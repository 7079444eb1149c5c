"""Kafka on one node (KRaft): format once, start, make the topics of `schemas.record_types`.

`acks=all` on one broker survives kill -9, not a power cut.
"""

import base64
import socket
import uuid
from collections.abc import Iterable
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from schemas.record_types import RECORD_TYPES, RecordType
from stack.failure import Failure
from stack.home import write_whole
from stack.processes.command import Command
from stack.settings import HOST, ROOT
from stack.tools import run_logged

NAME = "kafka"
DAY_MS = 86_400_000
KEEP_FOR_EVER = "-1"
ADMIN_TIMEOUT_S = 20.0
LOG4J = ROOT / "stack" / "kafka" / "log4j2.properties"

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={logs}
num.network.threads=2
num.io.threads=2
auto.create.topics.enable=false
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.segment.bytes=134217728
"""


class KafkaServer:
    """A broker whose state is in `folder`. Ports are real ports of the loopback interface."""

    def __init__(
        self, folder: Path, jars: Path, *, java: str, port: int, controller_port: int, heap_mb: int
    ) -> None:
        self._folder = folder
        self._jars = jars
        self._java = java
        self._port = port
        self._controller_port = controller_port
        self._heap_mb = heap_mb

    @property
    def bootstrap(self) -> str:
        """host:port for clients."""
        return f"{HOST}:{self._port}"

    def prepare(self) -> None:
        """Write the properties; format the storage where that was not finished before."""
        self._folder.mkdir(parents=True, exist_ok=True)
        properties = PROPERTIES.format(
            host=HOST,
            port=self._port,
            controller_port=self._controller_port,
            logs=self._folder / "data",
        )
        write_whole(self._properties, properties)
        formatted = self._folder / "formatted"
        if formatted.exists():
            return
        run_logged(
            [
                *self._jvm("-Xmx128m"),
                "kafka.tools.StorageTool",
                *("format", "--ignore-formatted", "-t", self._cluster_id()),
                *("-c", str(self._properties)),
            ],
            log=self._folder / "format.log",
            what="Formatting Kafka's storage",
        )
        formatted.touch()

    def command(self) -> Command:
        """How it is started."""
        return Command(
            name=NAME,
            argv=(
                *self._jvm("-Xms256m", f"-Xmx{self._heap_mb}m"),
                "kafka.Kafka",
                str(self._properties),
            ),
            cwd=self._folder,
            is_ready=self.is_ready,
            stop_grace_s=30.0,
        )

    def is_ready(self) -> bool:
        """Whether the broker answers a request for its metadata."""
        if not _listens(self._port):
            return False
        try:
            return bool(_admin(self.bootstrap).list_topics(timeout=2.0).brokers)
        except KafkaException:
            return False

    @property
    def _properties(self) -> Path:
        return self._folder / "server.properties"

    def _cluster_id(self) -> str:
        path = self._folder / "cluster_id"
        if not path.exists():
            # A leading dash would be read as an option by the storage tool.
            write_whole(path, "c" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22])
        return path.read_text("utf-8")

    def _jvm(self, *memory: str) -> tuple[str, ...]:
        return (
            self._java,
            *memory,
            "-XX:ActiveProcessorCount=2",
            "-XX:+UseSerialGC",
            f"-Dlog4j2.configurationFile={LOG4J}",
            *("-cp", f"{self._jars}/*"),
        )


def make_topics(
    bootstrap: str, record_types: Iterable[RecordType] = RECORD_TYPES, *, keep_for_ever: bool
) -> list[str]:
    """Make the topics that are missing. `keep_for_ever` is for demos, whose days are long past."""
    admin = _admin(bootstrap)
    held = admin.list_topics(timeout=ADMIN_TIMEOUT_S).topics
    missing = [
        NewTopic(
            kind.topic,
            num_partitions=kind.partitions,
            replication_factor=1,
            config={
                "cleanup.policy": "delete",
                "retention.ms": KEEP_FOR_EVER
                if keep_for_ever
                else str(kind.retention_days * DAY_MS),
                **kind.topic_config,
            },
        )
        for kind in record_types
        if kind.topic not in held
    ]
    if not missing:
        return []
    for topic, made in admin.create_topics(missing, request_timeout=ADMIN_TIMEOUT_S).items():
        try:
            made.result()
        except KafkaException as error:
            raise Failure(f"Kafka refused to make the topic {topic}: {error}") from error
    return [topic.topic for topic in missing]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((HOST, port)) == 0


def _admin(bootstrap: str) -> AdminClient:
    # log_level 0: a refused connection is an answer here, not news for standard error.
    return AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
