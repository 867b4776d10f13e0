"""A real Kafka with TLS only through a tunnel, by kcat: what works, who is refused, and what it says."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from confluent_kafka.admin import NewTopic

from cli.engine.dcos.engine import DcosEngine
from cli.errors import PipectlError
from cli.files import write_private
from cli.tunnel.forwards import Forwards
from cli.tunnel.gateway import Target, local_gateway
from cli.tunnel.kafka_tls import SecuredKafkaRelay, kcat_file
from cli.tunnel.tls_stream import TlsStream
from kafka_topic.connection import open_admin
from kafka_topic.security import Security
from tests.cli.tunnel.test_commands import read_json
from tests.ports import free_ports
from tests.secured_kafka import SecuredKafka

pytestmark = pytest.mark.slow
SECONDS = 60.0
TOPIC = "through-the-tunnel"


@pytest.fixture(scope="module", params=["SASL_SSL", "SSL"])
def kafka(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    kafka = SecuredKafka(tmp_path_factory.mktemp(request.param), request.param)
    try:
        kafka.start()
        with kafka.as_user("pipectl"):
            admin = open_admin(kafka.bootstrap_servers)
            admin.create_topics([NewTopic(TOPIC, 1, 1)])[TOPIC].result(SECONDS)
        yield kafka
    finally:
        kafka.stop()


@dataclass
class Open:
    """A tunnel to the broker. said: what it says of connections that fail."""

    relay: SecuredKafkaRelay
    broker: Target
    folder: Path
    said: list[str]

    @property
    def port(self) -> int:
        return self.relay.port_for(self.broker)

    def kcat(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        program = shutil.which("kcat") or shutil.which("kafkacat")
        if program is None:
            pytest.skip("needs the client kcat")
        file = kcat_file(self.folder, self.relay.login)
        return subprocess.run(
            [program, "-F", str(file), "-b", f"127.0.0.1:{self.port}", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )


@contextmanager
def tunnel(folder: Path, environ: dict[str, str], broker: Target) -> Iterator[Open]:
    said: list[str] = []
    with local_gateway(folder, [broker]) as gateway:
        forwards = Forwards(gateway, folder, SECONDS)
        try:
            with closing(SecuredKafkaRelay(forwards, said.append, Security.from_environ(environ))) as relay:
                yield Open(relay, broker, folder, said)
        finally:
            forwards.close()


def at(kafka: SecuredKafka) -> Target:
    host, _, port = kafka.bootstrap_servers.rpartition(":")
    return host, int(port)


def refused(folder: Path, environ: dict[str, str], broker: Target) -> str:
    """What is said when the tunnel opens."""
    folder.mkdir()
    with tunnel(folder, environ, broker) as opened, pytest.raises(PipectlError) as caught:
        opened.relay.check(broker, SECONDS)
    return caught.value.message


def test_kcat_meets_only_the_tunnel_and_checks_its_name(kafka: SecuredKafka, tmp_path: Path) -> None:
    with tunnel(tmp_path, kafka.environ("pipectl"), at(kafka)) as opened:
        opened.relay.check(opened.broker, SECONDS)
        described = json.loads(opened.kcat("-L", "-J").stdout)
        assert [each["name"] for each in described["brokers"]] == [f"127.0.0.1:{opened.port}"]
        # More than fits into the buffers of the connections between.
        lines = [f"{number:07}" + "x" * 1000 for number in range(5000)]
        wrote = opened.kcat("-P", "-t", TOPIC, stdin="\n".join(lines))
        assert wrote.returncode == 0, wrote.stderr
        read = opened.kcat("-C", "-t", TOPIC, "-o", "beginning", "-c", str(len(lines)), "-q")
        assert read.stdout.splitlines() == lines, read.stderr
        assert opened.said == []

        # The configuration holds no key of the cluster, and verifies the tunnel's.
        file = kcat_file(tmp_path, opened.relay.login)
        properties = dict(line.split("=", 1) for line in file.read_text().splitlines())
        assert properties["ssl.endpoint.identification.algorithm"] == "https"
        assert "enable.ssl.certificate.verification" not in properties
        files = [file, *(Path(value) for name, value in properties.items() if name.endswith(".location"))]
        assert {each.stat().st_mode & 0o777 for each in files} == {0o600}
        assert opened.kcat("-L", "-X", f"ssl.ca.location={brokers_ca(kafka, tmp_path)}").returncode != 0


def brokers_ca(kafka: SecuredKafka, folder: Path) -> Path:
    """The authority of the brokers, which does not vouch for the tunnel."""
    file = folder / "brokers-ca"
    file.write_text(kafka.authority.certificate)
    return file


def test_a_topic_without_a_right_is_refused_by_name(kafka: SecuredKafka, tmp_path: Path) -> None:
    with tunnel(tmp_path, kafka.environ("generator"), at(kafka)) as opened:
        opened.relay.check(opened.broker, SECONDS)
        read = opened.kcat("-C", "-t", TOPIC, "-o", "beginning", "-e")
        assert read.returncode != 0 and read.stdout == ""
        assert f"Topic {TOPIC}" in read.stderr and "Topic authorization failed" in read.stderr


def test_only_the_client_of_the_tunnel_gets_in(kafka: SecuredKafka, tmp_path: Path) -> None:
    with tunnel(tmp_path, kafka.environ("pipectl"), at(kafka)) as opened:
        stranger = ssl.create_default_context(cadata=opened.relay.login.ca)
        with (
            socket.create_connection(("127.0.0.1", opened.port), SECONDS) as connection,
            pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED"),
        ):
            TlsStream(connection, stranger, host="127.0.0.1").recv(1)


def test_a_broker_must_prove_its_own_name(kafka: SecuredKafka, tmp_path: Path) -> None:
    login = kafka.environ("pipectl")
    _, port = at(kafka)
    said = refused(tmp_path / "name", login, ("localhost", port))
    assert f"does not accept the certificate of the broker localhost:{port}" in said
    assert "Hostname mismatch" in said
    foreign = login | {"KAFKA_CA": SecuredKafka(tmp_path, "SSL").authority.certificate}
    assert "does not accept the certificate" in refused(tmp_path / "authority", foreign, at(kafka))
    (closed,) = free_ports(1)
    assert "ends the connection" in refused(tmp_path / "closed", login, ("127.0.0.1", closed))


def test_a_login_that_the_brokers_refuse_is_an_error_of_the_command(
    kafka: SecuredKafka, tmp_path: Path
) -> None:
    said = refused(tmp_path / "refused", kafka.environ("pipectl") | wrong(kafka), at(kafka))
    assert REFUSED[kafka.protocol] in said
    assert not any(value in said for value in wrong(kafka).values())


REFUSED = {
    "SSL": "does not accept this client's certificate",
    "SASL_SSL": "refuses the login of the user pipectl: the password is wrong",
}


def wrong(kafka: SecuredKafka) -> dict[str, str]:
    """A login of pipectl that is not valid."""
    if kafka.protocol == "SSL":
        return {"KAFKA_KEY": kafka.expired_key("pipectl")}
    return {"KAFKA_PASSWORD": "wrong-password"}


@contextmanager
def pipectl(kafka: SecuredKafka, folder: Path, home: Path, *command: str) -> Iterator[subprocess.Popen[str]]:
    """A command on a cluster of this machine, whose Kafka is this one. folder: with the login."""
    security = f"kafka.security={{protocol: {kafka.protocol}, folder: {folder}}}"
    settings = ("--set", security, "--set", f"kafka.bootstrap_servers={kafka.bootstrap_servers}")
    with subprocess.Popen(
        [sys.executable, "-m", "cli", *command[:2], *settings, *command[2:]],
        env={**os.environ, "PIPECTL_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_commands_log_in_with_the_files_of_the_settings(
    kafka: SecuredKafka, cluster: DcosEngine, local_home: Path, tmp_path: Path
) -> None:
    if shutil.which("kcat") is None:
        pytest.skip("needs the client kcat")
    login = kafka.environ("pipectl")
    credential = "password" if kafka.passwords else "key"
    secret = login[f"KAFKA_{credential.upper()}"]
    for name, text in (("ca", login["KAFKA_CA"]), (f"pipectl-{credential}", secret)):
        write_private(tmp_path / name, text)

    with pipectl(kafka, tmp_path, local_home, "client", "kafka", "--", "-L") as listing:
        out, err = listing.communicate(timeout=SECONDS)
        assert (listing.returncode, f'topic "{TOPIC}"' in out) == (0, True), err

    with pipectl(kafka, tmp_path, local_home, "tunnel", "kafka", "-o", "json") as opened:
        document = read_json(opened)
        command, folder = document["command"], Path(document["command"][2]).parent
        assert (command[1], folder.stat().st_mode & 0o777) == ("-F", 0o700)
        shown = json.dumps(document) + "".join(file.read_text() for file in folder.glob("k*"))
        assert not any(line in shown for line in secret.splitlines() if len(line) > 30)
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
        assert (done.returncode, f'topic "{TOPIC}"' in done.stdout) == (0, True), done.stderr
        opened.send_signal(signal.SIGINT)
        assert opened.wait(SECONDS) == 130
    assert not folder.exists()

    [refused_secret] = wrong(kafka).values()
    write_private(tmp_path / f"pipectl-{credential}", refused_secret)
    with pipectl(kafka, tmp_path, local_home, "client", "kafka", "--", "-L") as denied:
        out, err = denied.communicate(timeout=SECONDS)
    assert (denied.returncode, out) == (1, "")
    assert REFUSED[kafka.protocol] in err and refused_secret not in err
