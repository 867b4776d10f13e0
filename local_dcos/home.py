"""The home of a cluster: the folder that holds all of its state."""

import contextlib
import json
import os
import re
import secrets
import shutil
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local_dcos import PACKAGES
from local_dcos.errors import HomeError
from local_dcos.files import is_locked, write_durably

if TYPE_CHECKING:
    from local_dcos.model import Task

# pipectl's folder; the cluster is in its subfolder `cluster`.
HOME_VARIABLE = "PIPECTL_HOME"
# The agent and every task have this variable, which holds the home. Processes are found by it.
HOME_MARK = "LOCAL_DCOS_HOME"
CLUSTER_NAME = "local"
# The only agent of a cluster, in Mesos' terms: its main process. Several agents have processes of their own.
OWN_AGENT = "local-S0"
# The keys of cluster.json that exist only while an agent runs.
_AGENT_KEYS = ("url", "pid")
_TOKEN = re.compile(r"[0-9a-f]{64}")


def default_home() -> Path:
    """Returns PIPECTL_HOME/cluster, or a folder among the user's data if PIPECTL_HOME is not set."""
    base = os.environ.get(HOME_VARIABLE)
    if base:
        return Path(base).expanduser() / "cluster"
    from platformdirs import user_data_path

    return user_data_path("pipectl") / "cluster"


class Home:
    """The folder of one cluster and the files in it."""

    def __init__(self, path: Path) -> None:
        # Processes are found by this path, so it must be spelled in one way.
        self.path = path.expanduser().resolve()
        self.cluster_file = self.path / "cluster.json"
        self.token_file = self.path / "token"
        self.state_file = self.path / "state.json"
        self.previous_state = self.path / "state.previous.json"
        self.damaged_state = self.path / "state.damaged.json"
        self.agent_log = self.path / "agent.log"
        self.agent_lock = self.path / "agent.lock"
        self.start_lock = self.path / "start.lock"
        self.sandboxes = self.path / "sandboxes"
        self.agents = self.path / "agents"
        self.secrets = self.path / "secrets"

    def create(self, name: str = CLUSTER_NAME) -> None:
        """Creates the folder, for its owner only. A new cluster gets this name.

        Raises:
            HomeError: The folder can't be written, or it holds files of something else.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not self.is_cluster() and (foreign := self._foreign_files()):
                raise HomeError(
                    f"{self.path} is not a cluster's folder: it holds {foreign[0].name}. "
                    "Choose an empty folder, or a new one."
                )
            # An existing folder may be open to other users.
            self.path.chmod(0o700)
            self.sandboxes.mkdir(exist_ok=True, mode=0o700)
            if not self.cluster():
                self._write_cluster({"id": str(uuid.uuid4()), "name": name})
            self.agent_lock.touch()
        except OSError as error:
            raise HomeError(
                f"The cluster's folder {self.path} can't be written ({error.strerror}). "
                f"Make it writable, or set {HOME_VARIABLE} to a folder that is."
            ) from error

    def is_cluster(self) -> bool:
        """Whether the folder holds a cluster: it has the two marks of one."""
        return self.cluster_file.is_file() and self.sandboxes.is_dir()

    def remove(self) -> list[Path]:
        """Removes the cluster's files, and the folder if it is empty then. Returns the other files.

        Raises:
            HomeError: The folder does not hold a cluster.
        """
        if not self.path.exists():
            return []
        if not self.is_cluster():
            raise HomeError(f"{self.path} is not a cluster's folder: nothing was removed")
        foreign = self._foreign_files()
        own = [each for each in self.path.iterdir() if each not in foreign]
        # The marks go last, so that an interrupted removal can be repeated; the lock keeps others out.
        last = (self.sandboxes, self.cluster_file, self.start_lock)
        for each in sorted(own, key=lambda path: last.index(path) if path in last else -1):
            if each.is_dir() and not each.is_symlink():
                shutil.rmtree(each)
            else:
                each.unlink()
        if not foreign:
            # Another start may have waited for the lock, and may use the folder by now.
            with contextlib.suppress(OSError):
                self.path.rmdir()
        return foreign

    def sandboxes_of(self, agent_id: str) -> Path:
        """Returns the folder of an agent's sandboxes."""
        return self.sandboxes if agent_id == OWN_AGENT else self.agents / agent_id / "sandboxes"

    def sandbox(self, task: "Task") -> Path:
        """Returns the working folder of a task."""
        return self.sandboxes_of(task.agent_id) / task.id

    def _foreign_files(self) -> list[Path]:
        """Returns the files in the folder that no cluster put there."""
        files = [path for path in vars(self).values() if path != self.path]
        own = {path.name for path in files} | {f"{self.agent_log.name}.1", *PACKAGES}
        # An interrupted write leaves a file named ".<name>.<random>".
        partial = tuple(f".{name}." for name in own)
        return [
            each for each in self.path.iterdir() if each.name not in own and not each.name.startswith(partial)
        ]

    def new_token(self) -> str:
        """Makes a token for one start of the agent. The one before is worthless from now on."""
        token = secrets.token_hex(32)
        write_durably(self.token_file, token + "\n")
        return token

    def restore_token(self, token: str) -> None:
        """Writes the token again if its file is gone or damaged. A full disk is no error."""
        with contextlib.suppress(OSError):
            if self.token_file.read_bytes() == f"{token}\n".encode():
                return
        with contextlib.suppress(OSError):
            write_durably(self.token_file, token + "\n")

    def token(self) -> str:
        """Returns the token of the running agent.

        Raises:
            HomeError: The file can't be read, or it holds no token.
        """
        try:
            token = self.token_file.read_text(encoding="utf-8", errors="replace").strip()
        except OSError as error:
            raise HomeError(f"The token in {self.token_file} can't be read ({error.strerror})") from error
        if not _TOKEN.fullmatch(token):
            raise HomeError(
                f"{self.token_file} is damaged: it holds no token. A running cluster repairs it within a few "
                "seconds. `python -m local_dcos stop` and `start` make a new one."
            )
        return token

    def cluster(self) -> dict[str, Any]:
        """Returns what cluster.json says of the cluster and its running agent; {} if there is no cluster."""
        try:
            document = json.loads(self.cluster_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return document if isinstance(document, dict) and "id" in document else {}

    def agents_wanted(self) -> int:
        """Returns how many agents the cluster has, or had when it last ran."""
        return int(self.cluster().get("agents", 1))

    def announce(self, port: int, url: str, pid: int, agents: int = 0) -> dict[str, Any]:
        """Writes the address and the process of the cluster. Returns the document.

        agents: how many it has; 0 for as many as before.
        """
        agents = agents or self.agents_wanted()
        document = {**self.cluster(), "port": port, "url": url, "pid": pid, "agents": agents}
        self._write_cluster(document)
        return document

    def retire(self) -> None:
        """Removes the address: from now on another process may listen there."""
        document = self.cluster()
        if "url" in document:
            # This may fail. Clients ask for the lock before they use the address.
            with contextlib.suppress(OSError):
                self._write_cluster({key: value for key, value in document.items() if key not in _AGENT_KEYS})

    def _write_cluster(self, document: dict[str, Any]) -> None:
        write_durably(self.cluster_file, json.dumps(document, indent=2) + "\n")

    def agent_is_running(self) -> bool:
        """Whether an agent holds this home."""
        return is_locked(self.agent_lock)
