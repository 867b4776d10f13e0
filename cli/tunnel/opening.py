"""Opens a tunnel to a service: the gateway, the forwards, and the listener that clients connect to."""

from __future__ import annotations

import http.client
import signal
import tempfile
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING
from urllib.request import Request

from cli.errors import PipectlError
from cli.live_config import log_in_as_deployed
from cli.store_logins import Login, login_of
from cli.tunnel.forwards import Forwards
from cli.tunnel.gateway import Gateway, Target, cluster_gateway, local_gateway
from cli.tunnel.hdfs_relay import HdfsRelay
from cli.tunnel.kafka_relay import KafkaRelay
from cli.tunnel.kafka_tls import SecuredKafkaRelay
from cli.tunnel.mysql_relay import MySqlTlsRelay
from cli.tunnel.relay import Relay
from cli.tunnel.services import Client, client_of, reached, targets
from kafka_topic.security import Security

if TYPE_CHECKING:
    from cli.session import Session

_ASK_SECONDS = 10.0
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Tunnel:
    """An open tunnel. port: on loopback. forwards: `ended` is set when its connection is lost."""

    port: int
    client: Client
    forwards: Forwards


@contextmanager
def opened(run: Session, service: str, port: int, say: Callable[[str], None]) -> Iterator[Tunnel]:
    """A tunnel for as long as the block runs. port: on loopback; 0 is any free one.

    Raises PipectlError. SIGTERM and SIGHUP end the block as Ctrl-C does, so nothing is left.
    """
    with ExitStack() as stack:
        stack.enter_context(_interrupted_by_signals())
        # Sockets, keys and logins. Only the user can open it.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pipectl-")))
        first = targets(run, service)
        of_store = login_of(run, service)
        gateway = stack.enter_context(_gateway(run, service, first, of_store, folder))
        forwards = Forwards(gateway, folder, run.settings.dcos.timeout.total_seconds(), say)
        stack.callback(forwards.close)
        target = first[0] if service != "hdfs" else _active(run, first, of_store, forwards)
        # A login that fails is an error of this command, not of the client.
        forwards.open(target)
        login = log_in_as_deployed(run) if service == "kafka" else of_store
        relay = _relay_of(run, service, login)(forwards, say)
        stack.callback(relay.close)
        if isinstance(relay, SecuredKafkaRelay):
            relay.check(target, run.settings.dcos.timeout.total_seconds())
            login = relay.login
        here = relay.port_for(target, port)
        yield Tunnel(here, client_of(run, service, here, login, folder), forwards)


@contextmanager
def _gateway(
    run: Session, service: str, first: Sequence[Target], login: Login | None, folder: Path
) -> Iterator[Gateway]:
    if not run.is_local:
        yield cluster_gateway(run.settings.ssh, run.engine.front_door())
        return

    def answer(url: str) -> bytes:
        request = Request(url, headers=_headers(login))  # noqa: S310  the name node's, by HTTP
        with _OPENER.open(request, timeout=_ASK_SECONDS) as answered:
            content: bytes = answered.read()
        return content

    with local_gateway(folder, reached(run, service, first, answer)) as gateway:
        yield gateway


def _headers(login: Login | None) -> dict[str, str]:
    """What a request to HDFS must have."""
    return {} if login is None or login.header is None else {login.header: login.user}


def _active(run: Session, names: Sequence[Target], login: Login | None, forwards: Forwards) -> Target:
    """The name node that serves: the other one of two only stands by."""
    if len(names) == 1:
        return names[0]
    refusals = []
    for target in names:
        connection = http.client.HTTPConnection("name-node", timeout=_ASK_SECONDS)
        try:
            connection.sock = forwards.connect(target)
            connection.sock.settimeout(_ASK_SECONDS)
            connection.request("GET", "/webhdfs/v1/?op=GETFILESTATUS", headers=_headers(login))
            if b"StandbyException" not in connection.getresponse().read():
                return target
            refusals.append(f"{target[0]}: stands by")
        except (OSError, http.client.HTTPException) as error:
            refusals.append(f"{target[0]}: {error}")
        finally:
            connection.close()
    inspect = run.engine.packages.how_to_inspect("hdfs", run.settings.hdfs.service)
    raise PipectlError(f"no name node serves: {'; '.join(refusals)}", hint=f"see `{inspect}`")


_RELAYS: Mapping[str, type[Relay]] = {"kafka": KafkaRelay, "hdfs": HdfsRelay}


def _relay_of(
    run: Session, service: str, login: Login | Security | None
) -> Callable[[Forwards, Callable[[str], None]], Relay]:
    if isinstance(login, Security) and login.encrypted:
        return partial(SecuredKafkaRelay, security=login)
    # On `local`, the client checks the server's name, and takes no server without TLS then.
    if service == "mysql" and isinstance(login, Login) and login.ca and not run.is_local:
        return MySqlTlsRelay
    return _RELAYS.get(service, Relay)


@contextmanager
def _interrupted_by_signals() -> Iterator[None]:
    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    # What is ignored stays so: with `nohup`, the tunnel outlives its terminal.
    heeded = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, interrupt) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
