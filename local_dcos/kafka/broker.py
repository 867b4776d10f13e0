"""One Kafka broker (KRaft): its settings, its storage, its Java process."""

import asyncio
import base64
import uuid
from collections.abc import Mapping
from pathlib import Path

from aiohttp import web

from local_dcos.files import write_durably
from local_dcos.kafka.api import TopicsApi
from local_dcos.kafka.jars import JARS
from local_dcos.kafka.package import OVERRIDE
from local_dcos.kafka.security import BrokerSecurity
from local_dcos.ports import HOST, HOST_PORTS, pick
from local_dcos.services.node import Node, until, until_open

NODE_ID = 0
_FOLDER = Path(__file__).parent
LOG_CONFIG = _FOLDER / "log4j2.xml"
# For a small broker on a laptop. With only the first tier of the compiler it starts in 1.7 s instead of 2.0 s
# and takes its first million records at the same speed.
JVM_FLAGS = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true")


class Broker(Node):
    """The broker of one service."""

    package, jars, name, step, port_name = "kafka", JARS, "broker", "kafka-0:[broker]", "broker"

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(environ)
        self._heap_mb = environ.get("KAFKA_HEAP_MB", "512")
        self._chosen = {
            variable.removeprefix(OVERRIDE).lower().replace("_", "."): value
            for variable, value in environ.items()
            if variable.startswith(OVERRIDE)
        }
        self._security = BrokerSecurity.from_environ(environ)
        # As in the DC/OS package.
        self.endpoint = "broker-tls" if self._security else "broker"
        self._own_port = 0
        self._cluster = ""
        self._topics = TopicsApi()

    def routes(self) -> list[web.RouteDef]:
        return self._topics.routes()

    @property
    def _own_address(self) -> str:
        """Where the service itself finds the broker, with the broker's key if that needs one."""
        return f"{HOST}:{self._own_port}" if self._security else self.address

    def _prepare(self) -> None:
        """Writes the settings and the storage."""
        controller = pick(HOST_PORTS, {self.port})
        self._own_port = pick(HOST_PORTS, {self.port, controller})
        write_durably(self.folder / "server.properties", self._settings(controller))
        self._cluster = self._format()

    def _settings(self, controller: int) -> str:
        own = {
            "controller.quorum.voters": f"{NODE_ID}@{HOST}:{controller}",
            "log.dirs": self.folder / "log",
            **self._listeners(f"{HOST}:{controller}"),
            **self._chosen,
        }
        lines = (f"{name}={value}\n" for name, value in own.items())
        return (_FOLDER / "server.properties").read_text(encoding="utf-8") + "".join(lines)

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
        self._prepare()
        logging = f"-Dlog4j2.configurationFile={LOG_CONFIG}"
        await self.start_java(
            [f"-Xmx{self._heap_mb}m", *JVM_FLAGS, logging],
            jars,
            "kafka.Kafka",
            str(self.folder / "server.properties"),
        )

    async def until_ready(self) -> None:
        # Imported while Java starts.
        from local_dcos.kafka.topics import Topics

        await until_open(self.port)
        topics = Topics(self._own_address, self._security.client if self._security else {})
        await until(lambda: topics.is_ready(self._cluster))
        if self._security:
            await asyncio.to_thread(topics.set_passwords, self._security.passwords)
        self._topics.kafka = topics


def _kafka_id() -> str:
    """Returns a random id in Kafka's form: 16 bytes in URL-safe base64, without a leading hyphen."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text
