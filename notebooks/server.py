"""JupyterLab behind the cluster's front door."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
from importlib.resources import files
from pathlib import Path
from typing import Any

from jupyter_server.auth.identity import IdentityProvider, User
from tornado.web import RequestHandler
from traitlets.config import Config

from notebooks.settings import Settings
from task_runtime.front_door import PROXY_HEADER, came_through_front_door

EXAMPLES = "examples"
IDLE_SECONDS = 3600
_log = logging.getLogger(__name__)


class FrontDoor(IdentityProvider):
    """Lets in who comes through the front door, which has asked for the cluster's login.

    It replaces Jupyter's own sign-in: other users of this machine reach the port, too.
    """

    def get_user(self, handler: RequestHandler) -> User | None:
        """The user of a request; None without the secret of the front door."""
        if came_through_front_door(handler.request.headers.get(PROXY_HEADER), self.token):
            return User("pipectl", "pipectl", "pipectl")
        return None

    @property
    def login_available(self) -> bool:
        """No page of its own to sign in."""
        return False


def config_of(settings: Settings) -> Config:
    """The configuration of Jupyter."""
    config: Any = common_config()
    app = config.ServerApp
    app.ip, app.port, app.port_retries, app.base_url = settings.host, settings.port, 0, settings.base_url
    app.root_dir, app.open_browser = str(settings.folder), False
    # Given explicitly, it is not in the log.
    config.IdentityProvider.token = settings.proxy_secret or settings.token or secrets.token_hex(32)
    if settings.proxy_secret is not None:
        app.identity_provider_class = FrontDoor
    return config  # type: ignore[no-any-return]


def common_config() -> Config:
    """What is the same for a server that all share, and for that of one user of a hub."""
    config: Any = Config()
    config.ServerApp.allow_root = os.geteuid() == 0
    # Notebooks run any code anyway, but nobody needs a shell in the browser.
    config.ServerApp.terminals_enabled = False
    # Ends what a forgotten page leaves behind: each kernel holds about 150 MB.
    config.MappingKernelManager.cull_idle_timeout = IDLE_SECONDS
    config.MappingKernelManager.cull_interval = IDLE_SECONDS // 10
    # Other users of this machine reach the ports of kernels, too, and could listen to what they print.
    config.KernelManager.transport_encryption = "required"
    # Nothing is asked of other hosts.
    config.LabApp.news_url = None
    config.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
    config.LabApp.extension_manager = "readonly"
    return config  # type: ignore[no-any-return]


def serve(settings: Settings) -> None:
    """Serve until SIGTERM."""
    # It starts Node.js when it is imported.
    from jupyterlab.labapp import LabApp

    copy_examples(settings.folder)
    use_state_in(Path(os.environ.get("MESOS_SANDBOX", settings.folder)))
    # Not launch_instance(), which takes no configuration.
    server = LabApp.initialize_server(argv=[], config=config_of(settings))
    server.start()


def use_state_in(folder: Path) -> None:
    """Keep Jupyter's own files there. Those of a user's own Jupyter on this machine stay out of it."""
    for name in ("CONFIG", "DATA", "RUNTIME"):
        kept = folder / ".jupyter" / name.lower()
        kept.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.environ[f"JUPYTER_{name}_DIR"] = str(kept)


def copy_examples(folder: Path) -> None:
    """Copy the notebooks of this package into `folder`, and leave those that a user has changed."""
    target = folder / EXAMPLES
    target.mkdir(parents=True, exist_ok=True)
    for source in files("notebooks").joinpath("library").iterdir():
        if source.name.endswith(".ipynb") and not (target / source.name).exists():
            with source.open("rb") as original, (target / source.name).open("wb") as copy:
                shutil.copyfileobj(original, copy)
