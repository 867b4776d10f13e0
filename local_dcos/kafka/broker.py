"""One Kafka broker (KRaft): its settings, its storage, its Java process."""

import asyncio
import base64
import uuid
from pathlib import Path
from typing import Any

from local_dcos.files import write_durably
from local_dcos.kafka.security import BrokerSecurity
from local_dcos.ports import HOST, HOST_PORTS, pick
from local_dcos.services.java import JavaProcess
from local_dcos.services.serving import READY_POLL_SECONDS, kept_port, until_open

NODE_ID = 0
LOG_CONFIG = """<?xml version="1.0" encoding="UTF-8"?>
<Configuration status="WARN">
  <Appenders><Console name="out"><PatternLayout pattern="%d %p %c{2}: %m%n"/></Console></Appenders>
  <Loggers>
    <Logger name="org.apache.kafka.common.config" level="WARN"/>
    <Logger name="kafka.server.KafkaConfig" level="WARN"/>
    <Logger name="org.apache.kafka.clients" level="WARN"/>
    <!-- An exactly-once sink begins a transaction with every checkpoint: one or two lines per second. -->
    <Logger name="kafka.coordinator.transaction" level="WARN"/>
    <!-- These count events every minute, and log every five minutes that no leader was elected. -->
    <Logger name="org.apache.kafka.controller.EventPerformanceMonitor" level="WARN"/>
    <Logger name="org.apache.kafka.controller.PeriodicTaskControlManager" level="WARN"/>
    <Root level="INFO"><AppenderRef ref="out"/></Root>
  </Loggers>
</Configuration>
"""
# For a small broker on a laptop. With only the first tier of the compiler it starts in 1.7 s instead of 2.0 s
# and takes its first million records at the same speed.
JVM_FLAGS = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true")


class Broker:
    """The broker of one service. Its data in `folder` outlive it."""

    name = "broker"

    def __init__(self, folder: Path, port: int, heap_mb: int, security: BrokerSecurity | None = None) -> None:
        """port: 0 means the port of the last start, or any free one. security: None lets everybody in."""
        # As in the DC/OS package.
        self.endpoint = "broker-tls" if security else "broker"
        self._security = security
        self._own_port = 0
        self._cluster = ""
        self.folder = folder
        self._heap_mb = heap_mb
        self.port = port
        self.topics: Any = None
        """The topics; None until the broker is ready."""
        self._process = JavaProcess(self.name)

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def _own_address(self) -> str:
        """Where the service itself finds the broker, with the broker's key if that needs one."""
        return f"{HOST}:{self._own_port}" if self._security else self.address

    def _prepare(self) -> None:
        """Writes the settings and the storage."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = self.port or kept_port(self.folder / "port.json")
        controller = pick(HOST_PORTS, {self.port})
        self._own_port = pick(HOST_PORTS, {self.port, controller})
        write_durably(self.folder / "server.properties", self._settings(controller))
        write_durably(self.folder / "log4j2.xml", LOG_CONFIG)
        self._cluster = self._format()

    def _settings(self, controller: int) -> str:
        settings = {
            "process.roles": "broker,controller",
            "node.id": NODE_ID,
            "controller.quorum.voters": f"{NODE_ID}@{HOST}:{controller}",
            "controller.listener.names": "CONTROLLER",
            **self._listeners(f"{HOST}:{controller}"),
            "log.dirs": self.folder / "log",
            "auto.create.topics.enable": "false",
            "num.partitions": 1,
            "default.replication.factor": 1,
            "min.insync.replicas": 1,
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            # Kafka's default of 50 partitions each would only cost time on one machine.
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.num.partitions": 4,
            "group.initial.rebalance.delay.ms": 0,
            # A killed broker can register again when its old session has expired.
            "broker.session.timeout.ms": 3000,
            "broker.heartbeat.interval.ms": 500,
        }
        return "".join(f"{key}={value}\n" for key, value in settings.items())

    def _listeners(self, controller: str) -> dict[str, object]:
        if self._security:
            return self._security.settings(self.folder, self.address, self._own_address, controller)
        return {
            "listeners": f"PLAINTEXT://{self.address},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.address}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        }

    def _format(self) -> str:
        """Writes what `kafka-storage format` writes for one static voter, without its Java process.

        Returns the id of the Kafka cluster. A file of the last start is kept.
        """
        path = self.folder / "log" / "meta.properties"
        if path.exists():
            lines = dict(line.partition("=")[::2] for line in path.read_text().splitlines())
            return lines.get("cluster.id", "")
        path.parent.mkdir(parents=True, exist_ok=True)
        cluster = _kafka_id()
        text = f"version=1\ncluster.id={cluster}\nnode.id={NODE_ID}\ndirectory.id={_kafka_id()}\n"
        write_durably(path, text)
        return cluster

    async def start(self, jars: list[Path]) -> None:
        """Starts the Java process.

        Raises:
            NodeError: Java is not installed.
        """
        self._prepare()
        logging = f"-Dlog4j2.configurationFile={self.folder / 'log4j2.xml'}"
        await self._process.start_java(
            [f"-Xmx{self._heap_mb}m", *JVM_FLAGS, logging],
            jars,
            "kafka.Kafka",
            str(self.folder / "server.properties"),
        )

    async def until_ready(self) -> None:
        """Returns when the broker answers."""
        # Imported while Java starts.
        from local_dcos.kafka.topics import Topics

        await until_open(self.port)
        topics = Topics(self._own_address, self._security.client if self._security else {})
        while not await asyncio.to_thread(topics.is_ready, self._cluster):
            await asyncio.sleep(READY_POLL_SECONDS)
        if self._security:
            await asyncio.to_thread(topics.set_passwords, self._security.passwords)
        self.topics = topics

    async def wait(self) -> int:
        """Waits until the broker ends. Returns its exit code."""
        return await self._process.wait()

    async def stop(self, seconds: float) -> None:
        """Asks the broker to close its logs and end. Kills it after `seconds`."""
        await self._process.stop(seconds)


def _kafka_id() -> str:
    """Returns a random id in Kafka's form: 16 bytes in URL-safe base64, without a leading hyphen."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text
