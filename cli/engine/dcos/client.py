"""Which `dcos` is run for a cluster, and in which environment: tokens travel in it, never in argv."""

import os
import sys
from collections.abc import Mapping

# The small client that is built into local_dcos.
LOCAL_CLIENT = (sys.executable, "-m", "local_dcos.client")


def local_environ(url: str, token: str) -> dict[str, str]:
    """The environment in which a `dcos` command reaches the cluster `local`."""
    return {**_without(os.environ, "DCOS_CLUSTER"), "DCOS_URL": url, "DCOS_ACS_TOKEN": token}


def remote_environ(cluster: str | None) -> dict[str, str]:
    """The environment in which a `dcos` command reaches a cluster that is set up under the name `cluster`.

    It is for that one process: the user's own attached cluster is not ours to change. An address in the
    environment, such as that of the local cluster, would win over the name and lead elsewhere.
    """
    if cluster is None:
        return dict(os.environ)
    return {**_without(os.environ, "DCOS_URL", "DCOS_ACS_TOKEN"), "DCOS_CLUSTER": cluster}


def _without(environ: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name not in names}
