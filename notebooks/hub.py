"""JupyterHub behind the cluster's front door: a server for each user, whom the front door has signed in."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyterhub.app import JupyterHub
from jupyterhub.auth import Authenticator
from jupyterhub.handlers import BaseHandler
from jupyterhub.spawner import LocalProcessSpawner
from jupyterhub.utils import random_port, url_path_join
from tornado.web import HTTPError
from traitlets import Unicode
from traitlets.config import Config

from notebooks.door import Door
from notebooks.logins import ProxyLogin
from notebooks.settings import Settings

_LOOPBACK = "127.0.0.1"
# A busy machine takes a while to import all that a server needs.
_START_SECONDS, _END_SECONDS = 180, 3


class SignIn(BaseHandler):  # type: ignore[misc]
    """Signs a browser in at the hub, without asking: the front door has asked."""

    async def get(self) -> None:
        """Give the cookie of the hub, and go on."""
        user = await self.login_user({})
        if user is None:
            raise HTTPError(403)
        self.redirect(self.get_next_url(user))


class FrontDoorUsers(Authenticator):  # type: ignore[misc]
    """The users are those whom the door lets in."""

    secret = Unicode().tag(config=True)
    """The door's."""

    def login_url(self, base_url: str) -> str:
        """The path of `SignIn`."""
        return str(url_path_join(base_url, "sign-in"))

    def get_handlers(self, app: JupyterHub) -> list[tuple[str, type[BaseHandler]]]:
        """The pages to sign in."""
        return [("/sign-in", SignIn)]

    async def authenticate(self, handler: BaseHandler, data: Mapping[str, Any]) -> str | None:
        """The user whom the door has let in."""
        return ProxyLogin(self.secret).user_of(handler.request.headers)

    async def refresh_user(self, user: Any, handler: BaseHandler | None = None) -> bool:
        """Whether the cookie of the hub still belongs to who has signed in at the front door.

        A server of a user does not come through the door; its token says whose it is.
        """
        if handler is None:
            return True
        named = ProxyLogin(self.secret).user_of(handler.request.headers)
        if named in (None, user.name):
            return True
        # JupyterHub 6.1 reads it below, but sets it only for a token.
        handler._token_authenticated = False
        return False


class UserServer(LocalProcessSpawner):  # type: ignore[misc]
    """The server of a user: a process of the same operating-system user, in a folder of its own."""

    folder = Unicode().tag(config=True)
    """Holds a folder for each user."""

    def make_preexec_fn(self, name: str) -> None:
        """Nothing: no user of the operating system belongs to a user of the hub."""

    def user_env(self, env: dict[str, str]) -> dict[str, str]:
        """Who and where the user is."""
        return {**env, "USER": self.user.name, "HOME": self.notebook_dir}

    async def start(self) -> tuple[str, int]:
        """Start the process."""
        own = Path(self.folder) / self.user.name
        own.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.notebook_dir = str(own)
        self.popen_kwargs = {"cwd": own}
        address: tuple[str, int] = await super().start()
        return address


def config_of(settings: Settings) -> Config:
    """The configuration of JupyterHub. After a restart, the front door signs in again."""
    config: Any = Config()
    secret, users = secrets.token_hex(32), set(settings.users)
    hub = config.JupyterHub
    hub.bind_url = f"http://{settings.host}:{settings.port}{settings.base_url}"
    hub.hub_bind_url = f"http://{_LOOPBACK}:{random_port()}"
    hub.db_url, hub.cookie_secret = "sqlite:///:memory:", secrets.token_bytes(32)
    hub.authenticator_class, hub.spawner_class, hub.proxy_class = FrontDoorUsers, UserServer, Door
    config.FrontDoorUsers.secret = config.Door.secret = secret
    config.FrontDoorUsers.allowed_users = config.Door.users = users
    config.FrontDoorUsers.auto_login = True
    # Negative: every request of a browser is compared with the user at the front door.
    config.FrontDoorUsers.auth_refresh_age = -1
    config.Door.host, config.Door.port, config.Door.login = settings.host, settings.port, settings.login
    server = config.UserServer
    server.folder, server.ip = str(settings.folder.absolute()), _LOOPBACK
    # Not the folder of the user's own files (-P): one called like a module would replace it.
    server.cmd = [sys.executable, "-P", "-m", "notebooks.single"]
    server.environment = dict(os.environ)
    server.mem_limit = settings.user_bytes
    server.start_timeout = server.http_timeout = _START_SECONDS
    server.interrupt_timeout = server.term_timeout = _END_SECONDS
    return config  # type: ignore[no-any-return]


def serve(settings: Settings) -> None:
    """Serve until SIGTERM."""
    JupyterHub.instance(config=config_of(settings))
    JupyterHub.launch_instance([])
