"""What listens on the machine while a bundle runs."""

import socket
import ssl
from contextlib import ExitStack

import psutil
import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]


def listening(process):
    """The addresses on which a process listens."""
    try:
        found = process.net_connections("tcp")
    except psutil.Error:
        return []  # it has just ended
    return [each.laddr for each in found if each.status == psutil.CONN_LISTEN]


def test_every_process_listens_on_loopback_only(pipectl, bundle):
    processes = pipectl.processes()
    (taskmanager,) = (p for p in processes if "TaskManagerRunner" in " ".join(p.cmdline()))
    ports = [each for each in taskmanager.net_connections("tcp") if each.status == psutil.CONN_LISTEN]
    assert len(ports) >= 2
    by_process = {
        " ".join(p.cmdline())[:200]: {address.ip.removeprefix("::ffff:") for address in listening(p)}
        for p in processes
    }
    assert sum(map(bool, by_process.values())) >= 6
    workers = {name: found for name, found in by_process.items() if "gatherer.worker" in name}
    assert workers and not any(workers.values()), workers
    elsewhere = {name: found for name, found in by_process.items() if not found <= {"127.0.0.1", "::1"}}
    assert elsewhere == {}


def anybody():
    """A client of TLS that trusts everybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def asked(port, request, *, tls):
    """The status that an HTTP server at this port answers; None where there is another protocol."""
    with ExitStack() as stack:
        connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
        try:
            if tls:
                connection = stack.enter_context(anybody().wrap_socket(connection))
            connection.sendall(request.format(port=port).replace("\n", "\r\n").encode())
            line = connection.recv(4096).partition(b"\r\n")[0]
        except OSError:
            return None
    return int(line.split()[1]) if line.startswith(b"HTTP/") else None


def test_every_http_port_refuses_foreign_names_and_strangers(pipectl, bundle):
    ports = {address.port for process in pipectl.processes() for address in listening(process)}
    own = "Host: 127.0.0.1:{port}\n"
    served = 0
    for port in ports:
        statuses = {
            f"{path} {sender} {tls}": asked(
                port, f"{method} {path} HTTP/1.1\n{sender}Content-Length: 0\n\n", tls=tls
            )
            for tls in (False, True)
            for path in ("/", "/health", "/v1/health", "/overview", "/api/positions")
            for method, sender in (
                ("GET", "Host: evil.example:{port}\n"),
                ("GET", own + "Origin: http://evil.example\n"),
                ("POST", own),
                ("POST", own + "Origin: http://evil.example\n"),
            )
        }
        assert all(status is None or 400 <= status < 500 for status in statuses.values()), (port, statuses)
        served += any(statuses.values())
    assert served >= 6  # agent, Kafka's scheduler, Flink, page, generator, gatherer


def test_flinks_token_is_on_no_command_line_and_only_its_owner_reads_it(pipectl, bundle):
    file = pipectl.home / "cluster" / "secrets" / "flink-token"
    token = file.read_text().strip()
    assert (len(token), file.stat().st_mode & 0o777) == (64, 0o600)
    for process in pipectl.processes():
        try:
            assert token not in " ".join(process.cmdline())
        except psutil.Error:
            continue  # it has just ended
    logs = [file for file in (pipectl.home / "cluster" / "sandboxes").rglob("std*") if file.is_file()]
    assert logs
    assert not [file for file in logs if token.encode() in file.read_bytes()]
