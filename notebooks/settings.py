"""The settings of the server, from the environment that Marathon gives a task."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from notebooks.logins import Login, ProxyLogin, TokenLogin
from task_runtime.environment import Environment
from task_runtime.errors import SettingsError

PROXY_SECRET, TOKEN, LOGIN_KEYS = "PROXY_SECRET", "NOTEBOOKS_TOKEN", "NOTEBOOKS_LOGIN_KEYS"
_SHORTEST_TOKEN = 32
_MIB = 1 << 20


@dataclass(frozen=True)
class Settings:
    """See README.md for what each means."""

    folder: Path
    service: str
    host: str
    port: int
    proxy_secret: str | None = field(default=None, repr=False)
    """The front door's secret. Where it has one, a request is answered only with it."""
    token: str | None = field(default=None, repr=False)
    """What a user signs in with, where the front door has no secret."""
    users: tuple[str, ...] = ()
    """Those who have a server of their own at a hub; without any, all share one server."""
    user_bytes: int = 0
    """The most memory for data that a process of a user may have."""
    login: Login | None = field(default=None, repr=False)
    """How the hub knows its users."""

    @classmethod
    def from_environ(cls, environ: MutableMapping[str, str] = os.environ) -> Self:
        """Read and check the environment, and remove the server's own secrets from it: a notebook inherits
        the rest. Raises SettingsError that names the variable.
        """
        env = Environment(environ)
        proxy_secret, token = env.secret(PROXY_SECRET), env.secret(TOKEN)
        users = tuple(filter(None, env.text("NOTEBOOKS_USERS", ",").split(",")))
        if users:
            login = ProxyLogin(proxy_secret) if proxy_secret else env.parsed(LOGIN_KEYS, TokenLogin.of)
        elif proxy_secret is None and (token is None or len(token) < _SHORTEST_TOKEN):
            raise SettingsError(
                f"{TOKEN} must hold at least {_SHORTEST_TOKEN} characters, since notebooks run any code; "
                "`openssl rand -hex 32` makes a token for the secret `notebooks.token`"
            )
        settings = cls(
            folder=Path(env.text("NOTEBOOKS_FOLDER", env.text("MESOS_SANDBOX", ".") + "/notebooks")),
            service=env.text("NOTEBOOKS_SERVICE"),
            host=env.bind_host,
            port=env.integer("PORT0", 8888),
            proxy_secret=proxy_secret,
            token=token,
            users=users,
            user_bytes=_MIB * env.integer("NOTEBOOKS_USER_MEM") if users else 0,
            login=login if users else None,
        )
        for name in (PROXY_SECRET, TOKEN):
            environ.pop(name, None)
        return settings

    @property
    def base_url(self) -> str:
        """The path of the server at the front door, which does not rewrite it."""
        return f"/service/{self.service}/"
