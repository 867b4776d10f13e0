"""One Cassandra node on loopback: its settings, its password, its Java process."""

import json
from collections.abc import Mapping
from pathlib import Path

from local_dcos.cassandra.jars import JARS
from local_dcos.cassandra.password import set_password
from local_dcos.files import write_durably
from local_dcos.ports import HOST, HOST_PORTS, pick
from local_dcos.services.node import Node, until, until_open

LOG_CONFIG = """<configuration>
  <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d{ISO8601} %p %c{0}: %m%n</pattern></encoder>
  </appender>
  <root level="WARN"><appender-ref ref="out"/></root>
  <logger name="org.apache.cassandra.service.CassandraDaemon" level="INFO"/>
</configuration>
"""
# Cassandra's own list for Java 17 (conf/jvm17-server.options).
_OPENED = (
    "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED",
    "--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED",
    "--add-exports=java.base/sun.nio.ch=ALL-UNNAMED",
    "--add-exports=java.management.rmi/com.sun.jmx.remote.internal.rmi=ALL-UNNAMED",
    "--add-exports=java.rmi/sun.rmi.registry=ALL-UNNAMED",
    "--add-exports=java.rmi/sun.rmi.server=ALL-UNNAMED",
    "--add-exports=java.rmi/sun.rmi.transport.tcp=ALL-UNNAMED",
    "--add-exports=java.sql/java.sql=ALL-UNNAMED",
    "--add-exports=jdk.unsupported/sun.misc=ALL-UNNAMED",
    "--add-opens=java.base/java.io=ALL-UNNAMED",
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
    "--add-opens=java.base/java.lang.module=ALL-UNNAMED",
    "--add-opens=java.base/java.lang.reflect=ALL-UNNAMED",
    "--add-opens=java.base/java.math=ALL-UNNAMED",
    "--add-opens=java.base/java.net=ALL-UNNAMED",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "--add-opens=java.base/java.util=ALL-UNNAMED",
    "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED",
    "--add-opens=java.base/java.util.concurrent.atomic=ALL-UNNAMED",
    "--add-opens=java.base/jdk.internal.loader=ALL-UNNAMED",
    "--add-opens=java.base/jdk.internal.math=ALL-UNNAMED",
    "--add-opens=java.base/jdk.internal.module=ALL-UNNAMED",
    "--add-opens=java.base/jdk.internal.ref=ALL-UNNAMED",
    "--add-opens=java.base/jdk.internal.reflect=ALL-UNNAMED",
    "--add-opens=java.base/jdk.internal.util.jar=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
    "--add-opens=jdk.management/com.sun.management.internal=ALL-UNNAMED",
)
# One node needs no gossip. The first tier of the compiler starts it in half the time.
_FLAGS = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:MaxDirectMemorySize=128m",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    "-Djava.net.preferIPv4Stack=true",
    "-Djdk.attach.allowAttachSelf=true",
    "-Dcassandra-foreground=yes",
    "-Dcassandra.ring_delay_ms=1",
    "-Dcassandra.skip_wait_for_gossip_to_settle=0",
    "-Dcassandra.superuser_setup_delay_ms=0",
    "-Dcassandra.native.epoll.enabled=false",
    "-Dio.netty.transport.noNative=true",
)


class CassandraNode(Node):
    """The node of one service."""

    package, jars, name, step, port_name = "cassandra", JARS, "node", "node-0:[server]", "cql"
    endpoint = "native-client"

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(environ)
        self._heap_mb = environ.get("CASSANDRA_HEAP_MB", "384")

    def _settings(self, storage: int) -> dict[str, object]:
        folder = self.folder
        return {
            "cluster_name": "local",
            "num_tokens": 1,
            "partitioner": "org.apache.cassandra.dht.Murmur3Partitioner",
            "endpoint_snitch": "SimpleSnitch",
            "seed_provider": [
                {
                    "class_name": "org.apache.cassandra.locator.SimpleSeedProvider",
                    "parameters": [{"seeds": f"{HOST}:{storage}"}],
                }
            ],
            "listen_address": HOST,
            "rpc_address": HOST,
            "storage_port": storage,
            "native_transport_port": self.port,
            "authenticator": "PasswordAuthenticator",
            "authorizer": "CassandraAuthorizer",
            "role_manager": "CassandraRoleManager",
            "data_file_directories": [str(folder / "data")],
            "commitlog_directory": str(folder / "commitlog"),
            "saved_caches_directory": str(folder / "saved_caches"),
            "hints_directory": str(folder / "hints"),
            # A write is on the disk when it is acknowledged, as a store of results must promise.
            "commitlog_sync": "group",
            "commitlog_sync_group_window": "5ms",
            "commitlog_segment_size": "8MiB",
            "commitlog_total_space": "256MiB",
            "commitlog_disk_access_mode": "legacy",
            "memtable_heap_space": "96MiB",
            "memtable_offheap_space": "64MiB",
            "file_cache_enabled": False,
            "key_cache_size": "8MiB",
            "concurrent_reads": 8,
            "concurrent_writes": 16,
            "concurrent_compactors": 1,
            "auto_snapshot": False,
            "batch_size_warn_threshold": "64KiB",
            "batch_size_fail_threshold": "640KiB",
        }

    async def start(self, jars: list[Path]) -> None:
        # JSON is YAML.
        settings = json.dumps(self._settings(pick(HOST_PORTS, {self.port})), indent=2)
        write_durably(self.folder / "cassandra.yaml", settings)
        write_durably(self.folder / "logback.xml", LOG_CONFIG)
        await self.start_java(
            [
                f"-Xmx{self._heap_mb}m",
                *_FLAGS,
                *_OPENED,
                f"-Dlogback.configurationFile={self.folder / 'logback.xml'}",
                f"-Dcassandra.config=file://{self.folder / 'cassandra.yaml'}",
                f"-Dcassandra.storagedir={self.folder}",
                f"-Djava.io.tmpdir={self.folder}",
            ],
            jars,
            "org.apache.cassandra.service.CassandraDaemon",
        )

    async def until_ready(self) -> None:
        """Returns when the node accepts the password, and no other one."""
        await until_open(self.port)
        password = self.password()
        await until(lambda: set_password(self.port, password))
