"""The `dcos` command of a cluster and its environment. Tokens are in the environment, never in argv."""

import os
import sys
from collections.abc import Mapping

# The client built into local_dcos.
LOCAL_CLIENT = (sys.executable, "-m", "local_dcos.client")


def local_environ(url: str, token: str) -> dict[str, str]:
    """The environment of `dcos` for the cluster `local`."""
    return {**_without(os.environ, "DCOS_CLUSTER"), "DCOS_URL": url, "DCOS_ACS_TOKEN": token}


def remote_environ(cluster: str | None) -> dict[str, str]:
    """The environment of `dcos` for the cluster that is set up as `cluster`.

    It selects the cluster for one process and leaves the user's attached cluster unchanged. An address, such
    as that of the local cluster, is omitted, because it would override the name.
    """
    if cluster is None:
        return dict(os.environ)
    return {**_without(os.environ, "DCOS_URL", "DCOS_ACS_TOKEN"), "DCOS_CLUSTER": cluster}


def _without(environ: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name not in names}
