"""How a store's programs log in to a database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Login(NamedTuple):
    """Both are None if the database asks for neither."""

    name: str | None
    password: str | None


def login_of(database: str, name: str, environ: Mapping[str, str]) -> Login:
    """The login in the variables DATABASE_LOGIN, by default `name`, and DATABASE_PASSWORD.

    Without a password there is no login.
    """
    password = environ.get(f"{database}_PASSWORD")
    return Login(environ.get(f"{database}_LOGIN") or name, password) if password else Login(None, None)
