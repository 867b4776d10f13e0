"""One name node and one data node on loopback: their settings, their Java processes, the users' folder."""

import json
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from urllib.error import HTTPError
from xml.sax.saxutils import escape

from local_dcos.errors import NodeError
from local_dcos.files import write_durably
from local_dcos.hdfs import door
from local_dcos.hdfs.jars import JARS
from local_dcos.ports import HOST, HOST_PORTS, pick
from local_dcos.services.node import Node, until

USER = "pipectl"
"""The user of the cluster's apps. Its folder is /user/pipectl."""
_SUPERUSER = "hdfs"
_PACKAGE = "org.apache.hadoop.hdfs.server"
_NAME_NODE, _DATA_NODE = f"{_PACKAGE}.namenode.NameNode", f"{_PACKAGE}.datanode.DataNode"
_LOG_CONFIG = """log4j.rootLogger=WARN,out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d{ISO8601} %p %c{1}: %m%n
log4j.logger.org.apache.hadoop.util.NativeCodeLoader=ERROR
log4j.logger.org.apache.hadoop.security.authentication.server.AuthenticationFilter=ERROR
"""
_FLAGS = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    "-Djava.net.preferIPv4Stack=true",
    f"-DHADOOP_USER_NAME={_SUPERUSER}",
)
_SECONDS = 5.0
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class HdfsNodes(Node):
    """The two nodes of one service. `port` is that of WebHDFS, on the name node."""

    package, jars, name, step, port_name = "hdfs", JARS, "name node", "name-0:[node]", "http"
    endpoint = "webhdfs"

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(environ)
        self._heap_mb = environ.get("HDFS_HEAP_MB", "128")
        self._config = self.folder / "hdfs-site.xml"
        self._log_config = self.folder / "log4j.properties"
        self._names = self.folder / "name"
        self._work = self.folder / "work"
        """Where the nodes run."""

    def _settings(self) -> dict[str, str]:
        ports = [self.port]
        for _ in range(4):
            ports.append(pick(HOST_PORTS, ports))
        rpc, *data = (f"{HOST}:{port}" for port in ports[1:])
        return {
            "fs.defaultFS": f"hdfs://{rpc}",
            "dfs.namenode.rpc-address": rpc,
            "dfs.namenode.http-address": self.address,
            "dfs.datanode.address": data[0],
            "dfs.datanode.http.address": data[1],
            "dfs.datanode.ipc.address": data[2],
            # Clients are redirected to this name.
            "dfs.datanode.hostname": HOST,
            "dfs.namenode.name.dir": f"file://{self._names}",
            "dfs.datanode.data.dir": f"file://{self.folder / 'data'}",
            "hadoop.tmp.dir": str(self.folder / "tmp"),
            "dfs.replication": "1",
            # A file is on the disk when it is acknowledged, as a store of results must promise.
            "dfs.datanode.synconclose": "true",
            "dfs.permissions.enabled": "true",
            "dfs.permissions.superusergroup": _SUPERUSER,
            "hadoop.security.group.mapping": "org.apache.hadoop.security.NullGroupsMapping",
            "hadoop.http.staticuser.user": "nobody",
            **door.settings(self.secret("header")),
            "dfs.namenode.safemode.extension": "0",
            "dfs.heartbeat.interval": "1",
            "dfs.namenode.handler.count": "4",
            "dfs.datanode.handler.count": "4",
        }

    async def start(self, jars: list[Path]) -> None:
        rows = (
            f"<property><name>{name}</name><value>{escape(value)}</value></property>\n"
            for name, value in self._settings().items()
        )
        write_durably(self._config, f"<configuration>\n{''.join(rows)}</configuration>\n")
        write_durably(self._log_config, _LOG_CONFIG)
        self._work.mkdir(exist_ok=True)
        door.write_pages(self._work, self.secret("header"))
        if not self._names.exists():
            # One that is interrupted leaves no half of it.
            new = self._names.with_suffix(".new")
            setting = f"dfs.namenode.name.dir=file://{new}"
            await self._start(jars, _NAME_NODE, "-D", setting, "-format", "-nonInteractive", "-force")
            if code := await self.wait():
                raise NodeError(f"The name node made no data: it ended with {code}. Its log is in stdout")
            self._processes.clear()
            new.rename(self._names)
        await self._start(jars, _NAME_NODE)
        await self._start(jars, _DATA_NODE)

    async def _start(self, jars: list[Path], main_class: str, *arguments: str) -> None:
        options = [f"-Xmx{self._heap_mb}m", *_FLAGS, f"-Dlog4j.configuration=file:{self._log_config}"]
        await self.start_java(
            options, jars, main_class, "-conf", str(self._config), *arguments, folder=self._work
        )

    async def until_ready(self) -> None:
        """Returns when files can be written, and the user's folder is there."""
        await until(self._is_ready)
        await until(self._make_folder)

    def _make_folder(self) -> bool:
        """Whether the name node has answered: on a busy machine, it may take longer than a request waits."""
        try:
            for query in ("op=MKDIRS&permission=755", f"op=SETOWNER&owner={USER}"):
                self._ask(f"/webhdfs/v1/user/{USER}?user.name={_SUPERUSER}&{query}", "PUT")
        except HTTPError:
            raise
        except OSError:
            return False
        return True

    def _is_ready(self) -> bool:
        """Whether a data node has reported, and the name node takes changes."""
        try:
            said = self._ask("/jmx?qry=Hadoop:service=NameNode,name=NameNodeInfo")
        except OSError:
            return False
        beans = json.loads(said)["beans"]
        return bool(beans) and not beans[0]["Safemode"] and beans[0]["LiveNodes"] not in ("", "{}")

    def _ask(self, path: str, method: str = "GET") -> bytes:
        url, headers = f"http://{self.address}{path}", {self.secret("header"): USER}
        request = urllib.request.Request(url, None, headers, method=method)
        with _OPENER.open(request, timeout=_SECONDS) as answer:
            content: bytes = answer.read()
            return content
