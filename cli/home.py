"""The folder that `pipectl` keeps on this machine, and what it stores there."""

import json
from pathlib import Path

from cli.errors import PipectlError
from marathon.home import pipectl_home as home

__all__ = ["forget_cluster", "home", "last_cluster", "remember_cluster", "writable"]


def writable(folder: Path) -> Path:
    """Create `folder` and return it. Raises PipectlError when it is not writable."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink(missing_ok=True)  # another pipectl may have removed it
    except OSError as error:
        raise PipectlError(
            f"cannot write in {folder}: {error.strerror}",
            hint="make the folder writable, or set PIPECTL_HOME to another one",
        ) from None
    return folder


def remember_cluster(name: str) -> None:
    """Store the cluster of the last deploy, for commands that only read."""
    (writable(home()) / "last.json").write_text(json.dumps({"cluster": name}) + "\n")


def forget_cluster() -> None:
    """Remove the stored cluster: nothing is deployed any more."""
    (home() / "last.json").unlink(missing_ok=True)


def last_cluster() -> str | None:
    """The cluster of the last deploy, if any."""
    try:
        name = json.loads((home() / "last.json").read_text())["cluster"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return name if isinstance(name, str) else None
