"""The state folder: where everything of one cluster lies, who may start it, and how files are written."""

import contextlib
import fcntl
import json
import os
import secrets
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local_dcos.errors import HomeError

# The agent and every task carry it in their environment: the way to find what is left of a home.
HOME_MARK = "LOCAL_DCOS_HOME"


def default_home() -> Path:
    """Returns PIPECTL_HOME/cluster, or the platform's data folder when PIPECTL_HOME isn't set."""
    base = os.environ.get("PIPECTL_HOME")
    if base:
        return Path(base).expanduser() / "cluster"
    from platformdirs import user_data_path

    return user_data_path("pipectl") / "cluster"


def write_atomically(path: Path, text: str, mode: int = 0o600) -> None:
    """Replaces `path` by `text` so that a reader, or a crash, never meets half a file."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


class Home:
    """The folder of one cluster and the files in it."""

    def __init__(self, path: Path) -> None:
        # One spelling for one folder: tasks are found again by it.
        self.path = path.expanduser().resolve()
        self.cluster_file = self.path / "cluster.json"
        self.token_file = self.path / "token"
        self.state_file = self.path / "state.json"
        self.agent_log = self.path / "agent.log"
        self.agent_lock = self.path / "agent.lock"
        self.start_lock = self.path / "start.lock"
        self.sandboxes = self.path / "sandboxes"
        self.secrets = self.path / "secrets"
        self.kafka = self.path / "kafka"

    def create(self) -> None:
        """Makes the folder, for its owner only.

        Raises:
            HomeError: It can't be made or written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.sandboxes.mkdir(exist_ok=True, mode=0o700)
            probe = self.path / f".probe-{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise HomeError(
                f"The cluster's folder {self.path} can't be written ({error.strerror}). "
                "Make it writable, or set PIPECTL_HOME to a folder that is."
            ) from error

    def token(self) -> str:
        """Returns the cluster's token; makes one at the first call."""
        if not self.token_file.exists():
            write_atomically(self.token_file, secrets.token_hex(32) + "\n")
        return self.token_file.read_text(encoding="utf-8").strip()

    def cluster(self) -> dict[str, Any]:
        """Returns what the last agent wrote about itself, {} when there was none."""
        try:
            document = json.loads(self.cluster_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return document if isinstance(document, dict) else {}

    def write_cluster(self, name: str, url: str, pid: int) -> dict[str, Any]:
        """Writes the name, address and process of the agent; the cluster id stays what it was."""
        known = self.cluster().get("id")
        document = {"id": known or str(uuid.uuid4()), "name": name, "url": url, "pid": pid}
        write_atomically(self.cluster_file, json.dumps(document, indent=2) + "\n")
        return document

    def agent_is_running(self) -> bool:
        """Tells whether an agent holds this home. The lock dies with its process, even by kill -9."""
        if not self.agent_lock.exists():
            return False
        with locked(self.agent_lock, wait=False) as got:
            return not got


@contextlib.contextmanager
def locked(path: Path, *, wait: bool) -> Iterator[bool]:
    """Holds an exclusive lock on `path`; yields whether it was got (always, when `wait`)."""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        try:
            yield True
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)
