"""The clusters on this machine, and the folder that `pipectl` keeps for them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

LOCAL = "local"
"""The first cluster on this machine. Only on such a cluster may `flink.state` be null."""
_FURTHER = re.compile(r"local(-[a-z0-9]+)+")


def is_local(cluster: str) -> bool:
    """Whether a cluster runs on this machine: `local`, or a further one such as `local-prod`."""
    return cluster == LOCAL or _FURTHER.fullmatch(cluster) is not None


def pipectl_home(environ: Mapping[str, str] | None = None) -> Path:
    """`PIPECTL_HOME` in `environ` (default: this process's environment), else the platform's data folder."""
    from platformdirs import user_data_path

    home = (os.environ if environ is None else environ).get("PIPECTL_HOME")
    return Path(home).expanduser().absolute() if home else user_data_path("pipectl")
