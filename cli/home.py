"""The folder that `pipectl` keeps on this machine, and what it remembers there."""

import json
import os
from pathlib import Path

from platformdirs import user_data_path

from cli.errors import PipectlError


def home() -> Path:
    """`PIPECTL_HOME`, else the platform's data folder."""
    moved = os.environ.get("PIPECTL_HOME")
    return Path(moved).expanduser().absolute() if moved else user_data_path("pipectl")


def writable(folder: Path) -> Path:
    """Make `folder` and return it; an error names it and the way out."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink(missing_ok=True)  # another pipectl may have been as quick
    except OSError as error:
        raise PipectlError(
            f"cannot write in {folder}: {error.strerror}",
            hint="make that folder writable, or choose another with the environment variable PIPECTL_HOME",
        ) from None
    return folder


def remember_cluster(name: str) -> None:
    """Keep which cluster was deployed to last, for the commands that only read."""
    (writable(home()) / "last.json").write_text(json.dumps({"cluster": name}) + "\n")


def forget_cluster() -> None:
    """Forget it: there is nothing deployed any more."""
    (home() / "last.json").unlink(missing_ok=True)


def last_cluster() -> str | None:
    """The cluster that was deployed to last, if any."""
    try:
        name = json.loads((home() / "last.json").read_text())["cluster"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return name if isinstance(name, str) else None
