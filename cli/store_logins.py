"""The user's login at a store, and the files from which the stores' own clients read it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cli import local
from cli.errors import PipectlError, UsageProblem
from cli.files import write_private

if TYPE_CHECKING:
    from cli.session import Session

_USERS = {"mysql": "pipectl", "cassandra": "cassandra"}
STORES_WITH_LOGIN = frozenset(_USERS)


@dataclass(frozen=True)
class Login:
    """A user and a password, which appears on no command line.

    password: None: it is not known here. ca: the certificates of those who vouch for the store, as PEM; None:
    it need not prove who it is.
    """

    user: str
    password: str | None = field(repr=False)
    ca: str | None = field(default=None, repr=False)

    def trusted(self, service: str) -> dict[str, str]:
        """The variable with `ca`, as `stores` reads it."""
        return {f"{service.upper()}_CA": self.ca} if self.ca else {}


def login_of(run: Session, service: str) -> Login | None:
    """The login: its secrets are the cluster's on `local`, or in this command's environment.

    None if the service asks for no password, or if nothing of its login is known here. Raises PipectlError if
    a store that must prove who it is could not.
    """
    if service not in _USERS:
        return None
    path = getattr(run.settings, service).password
    if path is None:
        return None
    password = os.environ.get(password_variable(service)) or None
    if password is None and run.is_local:
        password = _of_secret(local.secrets_folder() / path, service)
    ca = _ca_of(run, service)
    return None if password is None and ca is None else Login(_USERS[service], password, ca)


def _ca_of(run: Session, service: str) -> str | None:
    path, variable = getattr(run.settings, service).ca, f"{service.upper()}_CA"
    if path is None:
        return None
    if ca := os.environ.get(variable):
        return ca
    if run.is_local:
        return _of_secret(local.secrets_folder() / path, service)
    raise UsageProblem(
        f"{service} must prove who it is, and the certificates of those who vouch for it are not known here",
        hint=f"put what the secret {path} holds into the environment variable {variable}",
    )


def password_variable(service: str) -> str:
    """The environment variable with the password of a store."""
    return f"{service.upper()}_PASSWORD"


def _of_secret(file: Path, service: str) -> str:
    try:
        return file.read_text().strip()
    except OSError as error:
        raise PipectlError(
            f"cannot read the secret of {service} in {file}: {error.strerror}",
            hint=f"`pipectl deploy --with {service}` starts it",
        ) from None


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
