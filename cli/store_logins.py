"""The user's login at a store, and the files from which the stores' own clients read it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from cli import local
from cli.errors import PipectlError, UsageProblem
from cli.files import write_private

if TYPE_CHECKING:
    from cli.session import Session

_USERS = {"mysql": "pipectl", "cassandra": "cassandra"}
STORES_WITH_PASSWORD = frozenset(_USERS)
HDFS_USER = "pipectl"


@dataclass(frozen=True)
class Login:
    """A user and a password, which appears on no command line.

    password: None: it is not known here. ca: the certificates of those who vouch for the store, as PEM; None:
    it need not prove who it is. header: the secret name of the header that HDFS requires.
    """

    user: str
    password: str | None = field(repr=False)
    ca: str | None = field(default=None, repr=False)
    header: str | None = field(default=None, repr=False)

    def environ(self, service: str) -> dict[str, str]:
        """The variables that hold it, as `stores` reads them."""
        values = {
            password_variable(service): self.password,
            _variable(service, "ca"): self.ca,
            _variable(service, "header"): self.header,
        }
        return {name: value for name, value in values.items() if value}


def login_of(run: Session, service: str) -> Login | None:
    """The login: its secrets are the cluster's on `local`, or in this command's environment.

    None if the service asks for none, or if nothing of it is known here. Raises PipectlError if a store that
    must prove who it is could not, or if requests would lack their header.
    """
    if service == "hdfs":
        header = _needed(
            run, service, "header", "refuses requests without a header whose name is not known here"
        )
        return None if header is None else Login(HDFS_USER, None, header=header)
    if service not in _USERS:
        return None
    path = getattr(run.settings, service).password
    if path is None:
        return None
    password = os.environ.get(password_variable(service)) or None
    if password is None and run.is_local:
        password = _of_secret(local.secrets_folder() / path, service)
    ca = _needed(
        run,
        service,
        "ca",
        "must prove who it is, and the certificates of those who vouch for it are not known here",
    )
    return None if password is None and ca is None else Login(_USERS[service], password, ca)


def _needed(run: Session, service: str, name: str, problem: str) -> str | None:
    """What the secret holds that the setting `name` of the service names; None if it names none."""
    path: str | None = getattr(getattr(run.settings, service), name)
    variable = _variable(service, name)
    if path is None:
        return None
    if value := os.environ.get(variable):
        return value
    if run.is_local:
        return _of_secret(local.secrets_folder() / path, service)
    raise UsageProblem(
        f"{service} {problem}",
        hint=f"put what the secret {path} holds into the environment variable {variable}",
    )


def password_variable(service: str) -> str:
    """The environment variable with the password of a store."""
    return _variable(service, "password")


def _variable(service: str, name: str) -> str:
    return f"{service.upper()}_{name.upper()}"


def _of_secret(file: Path, service: str) -> str:
    try:
        return file.read_text().strip()
    except OSError as error:
        raise PipectlError(
            f"cannot read the secret of {service} in {file}: {error.strerror}",
            hint=f"`pipectl deploy --with {service}` starts it",
        ) from None


def hdfs_file(folder: Path, header: str) -> Path:
    """Settings of Hadoop's client, with which all its requests to WebHDFS have the header."""
    file = folder / "hdfs-client.xml"
    settings = {"enabled": "true", "custom-header": header, "methods-to-ignore": "none"}
    rows = (
        f"<property><name>dfs.webhdfs.rest-csrf.{name}</name><value>{escape(value)}</value></property>"
        for name, value in settings.items()
    )
    write_private(file, "\n".join(["<configuration>", *rows, "</configuration>", ""]))
    return file


def mysql_file(folder: Path, login: Login, *, named: bool) -> Path:
    """An option file of MySQL's and MariaDB's clients. named: the server's certificate holds 127.0.0.1."""
    file = folder / "mysql.cnf"
    lines = ["[client]", f"user={login.user}"]
    if login.password is not None:
        escaped = login.password.replace("\\", "\\\\").replace('"', '\\"')
        lines.append(f'password="{escaped}"')
    if login.ca:
        ca = folder / "mysql-ca.pem"
        write_private(ca, login.ca)
        # With it, the client verifies the server. MariaDB's does without TLS, unless it checks the name:
        # where it cannot, a tunnel refuses a server without TLS.
        lines.append(f"ssl-ca={ca}")
        if named:
            lines += ["[client-mariadb]", "ssl-verify-server-cert"]
    write_private(file, "\n".join([*lines, ""]))
    return file


def cqlsh_files(folder: Path, login: Login) -> tuple[Path, Path | None]:
    """A configuration of cqlsh, and its file of credentials, if the password is known."""
    rc, credentials = folder / "cqlshrc", folder / "cqlsh-credentials"
    provider = "PlainTextAuthProvider"
    lines = []
    if login.password is not None:
        lines += ["[auth_provider]", "module = cassandra.auth", f"classname = {provider}"]
    if login.ca:
        ca = folder / "cassandra-ca.pem"
        write_private(ca, login.ca)
        lines += ["[ssl]", f"certfile = {ca}", "validate = true"]
    write_private(rc, "\n".join([*lines, ""]))
    if login.password is None:
        return rc, None
    # cqlsh reads it without interpolation, but strips blanks.
    write_private(credentials, f"[{provider}]\nusername = {login.user}\npassword = {login.password}\n")
    return rc, credentials
