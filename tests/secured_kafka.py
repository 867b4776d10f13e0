"""A real broker that speaks TLS only and asks for a login, as the package `kafka` of `local` runs it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from cli.kafka_keys import Authority, new_password
from kafka_topic.security import current, use
from local_dcos.kafka.security import password_variable
from local_dcos.kafka.topics import Topics
from tests.no_answer import NO_ANSWER
from tests.ports import free_ports

USERS = ("pipectl", "generator", "gatherer", "dashboard", "jobs")
START_SECONDS = 240.0


class SecuredKafka:
    """The service in a folder and on ports of its own. protocol: SSL or SASL_SSL."""

    def __init__(self, folder: Path, protocol: str) -> None:
        self.protocol, self.authority = protocol, Authority.create()
        broker, api = free_ports(2)
        self.bootstrap_servers = f"127.0.0.1:{broker}"
        self.passwords = {user: new_password() for user in USERS} if protocol == "SASL_SSL" else {}
        self._health = f"http://127.0.0.1:{api}/v1/health"
        self._log = folder / "log"
        self._environ = {
            **os.environ,
            "LOCAL_DCOS_HOME": str(folder),
            "KAFKA_SERVICE_NAME": "kafka",
            "KAFKA_HEAP_MB": "256",
            "PORT_BROKER": str(broker),
            "PORT_API": str(api),
            "KAFKA_SECURITY_PROTOCOL": protocol,
            "KAFKA_CA": self.authority.certificate,
            "KAFKA_BROKER_KEY": self.authority.issue("broker", hosts=("127.0.0.1",)),
            "KAFKA_USERS": ",".join(self.passwords),
            "KAFKA_SUPER_USERS": "User:pipectl",
            **{password_variable(user): password for user, password in self.passwords.items()},
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local_dcos.kafka"], env=self._environ, stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._is_up():
            assert self._process.poll() is None and time.monotonic() < deadline, self.said()
            time.sleep(0.1)

    def _is_up(self) -> bool:
        try:
            with urllib.request.urlopen(self._health, timeout=5) as answer:
                return bool(answer.status == 200)
        except NO_ANSWER:
            return False

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(40)

    def said(self) -> str:
        return self._log.read_text(errors="replace")

    def environ(self, user: str, **changes: str) -> dict[str, str]:
        """What a program needs to log in as this user; `changes` replace variables."""
        login = (
            {"KAFKA_PASSWORD": self.passwords.get(user, "")}
            if self.protocol == "SASL_SSL"
            else {"KAFKA_KEY": self.authority.issue(user)}
        )
        return {
            "KAFKA_SECURITY_PROTOCOL": self.protocol,
            "KAFKA_USER": user,
            "KAFKA_CA": self.authority.certificate,
            **login,
            **changes,
        }

    def set_password(self, user: str, password: str) -> None:
        """Let a user log in with this password only. Open connections stay logged in until the next start."""
        with self.as_user("pipectl"):
            Topics(self.bootstrap_servers, current().librdkafka()).set_passwords({user: password})
        self.passwords[user] = self._environ[password_variable(user)] = password

    def expired_key(self, user: str) -> str:
        return self.authority.issue(user, lifetime=-timedelta(days=1))

    @contextmanager
    def as_user(self, user: str, **changes: str) -> Iterator[None]:
        """The clients that this process makes meanwhile log in as this user."""
        with logged_in(self.environ(user, **changes)):
            yield


@contextmanager
def logged_in(environ: dict[str, str]) -> Iterator[None]:
    use(environ)
    try:
        yield
    finally:
        use(None)
