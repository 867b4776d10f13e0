"""The folder that `pipectl` keeps on this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def pipectl_home(environ: Mapping[str, str] | None = None) -> Path:
    """`PIPECTL_HOME` in `environ` (default: this process's environment), else the platform's data folder."""
    from platformdirs import user_data_path

    home = (os.environ if environ is None else environ).get("PIPECTL_HOME")
    return Path(home).expanduser().absolute() if home else user_data_path("pipectl")
