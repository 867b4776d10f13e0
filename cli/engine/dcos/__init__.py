"""The DC/OS engine: everything that knows a `dcos` argument or Marathon's JSON."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from cli.engine.dcos.client import LOCAL_CLIENT, local_environ, remote_environ
from cli.engine.dcos.clusters import DcosClusters, Neighbour
from cli.engine.dcos.engine import DcosEngine
from cli.engine.dcos.runner import Dcos
from cli.home import home

if TYPE_CHECKING:
    from marathon.settings import Dcos as Settings


def connect(
    settings: Settings,
    local: tuple[str, str] | None,
    *,
    neighbours: Callable[[], Sequence[tuple[str, str, str, str]]] = tuple,
    echo: Callable[[str], None],
    stop: threading.Event,
) -> DcosEngine:
    """The engine of a cluster.

    local: address and token, for a cluster on this machine. neighbours: id, name, address and token of all
    clusters on this machine that run, that one first.
    """
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
    if local is None:
        return DcosEngine(dcos)
    clusters = DcosClusters(
        dcos,
        folder=home() / "dcos" / "links",
        neighbours=lambda: [Neighbour(*one) for one in neighbours()],
    )
    return DcosEngine(dcos, address=local[0], clusters=clusters)
