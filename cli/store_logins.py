"""The user's login at a store, and the files from which the stores' own clients read it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cli import local
from cli.errors import PipectlError
from cli.files import write_private

if TYPE_CHECKING:
    from cli.session import Session

_USERS = {"mysql": "pipectl", "cassandra": "cassandra"}
STORES_WITH_LOGIN = frozenset(_USERS)


@dataclass(frozen=True)
class Login:
    """A user and a password. The password appears on no command line."""

    user: str
    password: str = field(repr=False)


def login_of(run: Session, service: str) -> Login | None:
    """The login: its password is in the cluster's secret on `local`, or in this command's environment.

    None if the service asks for none, or if the password is not known here.
    """
    if service not in _USERS:
        return None
    path = getattr(run.settings, service).password
    if path is None:
        return None
    password = os.environ.get(password_variable(service))
    if not password and run.is_local:
        password = _of_secret(local.secrets_folder() / path, service)
    return Login(_USERS[service], password) if password else None


def password_variable(service: str) -> str:
    """The environment variable with the password of a store."""
    return f"{service.upper()}_PASSWORD"


def _of_secret(file: Path, service: str) -> str:
    try:
        return file.read_text().strip()
    except OSError as error:
        raise PipectlError(
            f"cannot read the password of {service} in {file}: {error.strerror}",
            hint=f"`pipectl deploy --with {service}` starts it",
        ) from None


def mysql_file(folder: Path, login: Login) -> Path:
    """An option file of MySQL's and MariaDB's clients."""
    file = folder / "mysql.cnf"
    escaped = login.password.replace("\\", "\\\\").replace('"', '\\"')
    write_private(file, f'[client]\nuser={login.user}\npassword="{escaped}"\n')
    return file


def cqlsh_files(folder: Path, login: Login) -> tuple[Path, Path]:
    """A configuration of cqlsh, and its file of credentials."""
    rc, credentials = folder / "cqlshrc", folder / "cqlsh-credentials"
    provider = "PlainTextAuthProvider"
    write_private(rc, f"[auth_provider]\nmodule = cassandra.auth\nclassname = {provider}\n")
    # cqlsh reads it without interpolation, but strips blanks.
    write_private(credentials, f"[{provider}]\nusername = {login.user}\npassword = {login.password}\n")
    return rc, credentials
