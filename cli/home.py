"""The folder that `pipectl` keeps on this machine, and what it stores there.

A further local cluster, such as `local-prod`, has a folder of its own in it. While a process works with that
cluster, that folder is PIPECTL_HOME, for this process and for the agent and the tasks that it starts.
"""

import json
import os
from pathlib import Path

from cli.errors import PipectlError
from marathon.home import LOCAL, is_local
from marathon.home import pipectl_home as home

__all__ = [
    "base_home",
    "enter",
    "entered",
    "forget_cluster",
    "further_clusters",
    "home",
    "is_implied",
    "last_cluster",
    "remember_cluster",
    "writable",
]

# The folder of the user, by the folder of the further cluster that this process works with.
_bases: dict[Path, Path] = {}


def base_home() -> Path:
    """The user's folder, whichever cluster this process works with."""
    return _bases.get(home(), home())


def enter(cluster: str) -> None:
    """Make the folder of a local cluster PIPECTL_HOME. Other clusters use the user's own."""
    base = base_home()
    folder = base / "clusters" / cluster if is_local(cluster) and cluster != LOCAL else base
    if folder != home():
        _bases[folder] = base
        os.environ["PIPECTL_HOME"] = str(folder)


def entered() -> str:
    """The local cluster whose folder PIPECTL_HOME is."""
    return home().name if home() in _bases and home() != base_home() else LOCAL


def further_clusters() -> list[str]:
    """The local clusters on this machine besides `local`, sorted."""
    return sorted(
        file.parts[-3]
        for file in (base_home() / "clusters").glob("local-*/cluster/cluster.json")
        if is_local(file.parts[-3])
    )


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
    (writable(base_home()) / "last.json").write_text(json.dumps({"cluster": name}) + "\n")


def forget_cluster() -> None:
    """Remove the stored cluster: nothing is deployed any more."""
    (base_home() / "last.json").unlink(missing_ok=True)


def last_cluster() -> str | None:
    """The cluster of the last deploy, if any."""
    try:
        name = json.loads((base_home() / "last.json").read_text())["cluster"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return name if isinstance(name, str) else None


def is_implied(cluster: str) -> bool:
    """Whether every command means this cluster without --cluster: those that change, and those that read."""
    return cluster == LOCAL and last_cluster() in (None, LOCAL)
