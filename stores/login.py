"""How a store's programs log in to a database, and how they recognize it."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import NamedTuple

from stores.errors import AddressError


class Login(NamedTuple):
    """name, password: None if the database asks for neither. ca: the certificates of those who vouch for it,
    as PEM; None: it need not prove who it is.
    """

    name: str | None
    password: str | None
    ca: str | None

    def tls(self) -> ssl.SSLContext | None:
        """What a connection needs so that it is encrypted, and the server is who it must be."""
        return ssl.create_default_context(cadata=self.ca) if self.ca else None


NOBODY = Login(None, None, None)


def login_of(database: str, name: str, environ: Mapping[str, str]) -> Login:
    """The login in the variables DATABASE_LOGIN, by default `name`, DATABASE_PASSWORD and DATABASE_CA.

    Without a password there is no login. Raises AddressError if DATABASE_CA holds no certificates.
    """
    password, ca = environ.get(f"{database}_PASSWORD"), environ.get(f"{database}_CA")
    user = environ.get(f"{database}_LOGIN") or name
    login = Login(user if password else None, password or None, ca or None)
    try:
        login.tls()
    except (ssl.SSLError, ValueError) as error:
        raise AddressError(
            f"{database}_CA must hold certificates in PEM form (-----BEGIN CERTIFICATE-----): {error}"
        ) from error
    return login
