"""The DC/OS engine: everything that knows a `dcos` argument or Marathon's JSON."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from cli.engine.dcos.client import LOCAL_CLIENT, local_environ, remote_environ
from cli.engine.dcos.engine import DcosEngine
from cli.engine.dcos.runner import Dcos
from cli.home import home

if TYPE_CHECKING:
    from marathon.settings import Dcos as Settings


def connect(
    settings: Settings,
    local: tuple[str, str] | None,
    *,
    echo: Callable[[str], None],
    stop: threading.Event,
) -> DcosEngine:
    """The engine of a cluster. local: address and token, for the cluster on this machine."""
    if local is not None:
        argv = LOCAL_CLIENT if settings.executable is None else (settings.executable,)
        environ = local_environ(*local)
        if settings.executable is not None:
            # A real client stores its plugins in a folder. The user's own must not change.
            environ["DCOS_DIR"] = str(home() / "dcos")
    else:
        argv = (settings.executable or "dcos",)
        environ = remote_environ(settings.cluster)
    timeout = settings.timeout.total_seconds()
    dcos = Dcos(argv, environ, timeout, echo, attempts=settings.attempts, stop=stop)
    return DcosEngine(dcos, address=local[0] if local else None)
