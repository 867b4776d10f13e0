"""One Cassandra node on loopback: its settings, its password, its Java process."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local_dcos.cassandra.jars import JARS
from local_dcos.cassandra.password import set_password
from local_dcos.files import write_durably
from local_dcos.ports import HOST, HOST_PORTS, pick
from local_dcos.services.node import Node, until, until_open

_FOLDER = Path(__file__).parent
_SEEDS = "org.apache.cassandra.locator.SimpleSeedProvider"
_PEM = "org.apache.cassandra.security.PEMBasedSslContextFactory"


class CassandraNode(Node):
    """The node of one service."""

    package, jars, name, step, port_name = "cassandra", JARS, "node", "node-0:[server]", "cql"
    endpoint = "native-client"

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(environ)
        self._heap_mb = environ.get("CASSANDRA_HEAP_MB", "384")

    def _settings(self, storage: int) -> str:
        folder = self.folder
        seeds = {"class_name": _SEEDS, "parameters": [{"seeds": f"{HOST}:{storage}"}]}
        own: dict[str, Any] = {
            "seed_provider": [seeds],
            "listen_address": HOST,
            "rpc_address": HOST,
            "storage_port": storage,
            "native_transport_port": self.port,
            "data_file_directories": [str(folder / "data")],
            "commitlog_directory": str(folder / "commitlog"),
            "saved_caches_directory": str(folder / "saved_caches"),
            "hints_directory": str(folder / "hints"),
        }
        if self.encrypted:
            own["client_encryption_options"] = {
                "enabled": True,
                "optional": False,
                "ssl_context_factory": {"class_name": _PEM},
                "keystore": str(self.key_file()),
                # It is not encrypted; by default, there is a password.
                "keystore_password": None,
            }
        # JSON is YAML.
        lines = (f"{name}: {json.dumps(value)}\n" for name, value in own.items())
        return (_FOLDER / "cassandra.yaml").read_text(encoding="utf-8") + "".join(lines)

    async def start(self, jars: list[Path]) -> None:
        settings = self.folder / "cassandra.yaml"
        write_durably(settings, self._settings(pick(HOST_PORTS, {self.port})))
        await self.start_java(
            [
                f"-Xmx{self._heap_mb}m",
                f"@{_FOLDER / 'jvm.options'}",
                f"-Dlogback.configurationFile={_FOLDER / 'logback.xml'}",
                f"-Dcassandra.config=file://{settings}",
                f"-Dcassandra.storagedir={self.folder}",
                f"-Djava.io.tmpdir={self.folder}",
            ],
            jars,
            "org.apache.cassandra.service.CassandraDaemon",
        )

    async def until_ready(self) -> None:
        """Returns when the node accepts the password, and no other one."""
        await until_open(self.port)
        password = self.secret("password")
        tls = self.tls()
        await until(lambda: set_password(self.port, password, tls))
