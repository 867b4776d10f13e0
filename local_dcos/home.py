"""The state folder: where everything of one cluster lies, and who may start it."""

import contextlib
import json
import os
import re
import secrets
import shutil
import uuid
from pathlib import Path
from typing import Any

from local_dcos.errors import HomeError
from local_dcos.files import is_locked, write_durably

# The agent and every task carry it in their environment: the way to find what is left of a home.
HOME_MARK = "LOCAL_DCOS_HOME"
CLUSTER_NAME = "local"
# What cluster.json says of the agent, while there is one.
_OF_AGENT = ("url", "pid")
_TOKEN = re.compile(r"[0-9a-f]{64}")


def default_home() -> Path:
    """Returns PIPECTL_HOME/cluster, or the platform's data folder when PIPECTL_HOME isn't set."""
    base = os.environ.get("PIPECTL_HOME")
    if base:
        return Path(base).expanduser() / "cluster"
    from platformdirs import user_data_path

    return user_data_path("pipectl") / "cluster"


class Home:
    """The folder of one cluster and the files in it."""

    def __init__(self, path: Path) -> None:
        # One spelling for one folder: tasks are found again by it.
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
        self.secrets = self.path / "secrets"
        self.kafka = self.path / "kafka"

    def create(self) -> None:
        """Makes the folder and marks it as a cluster's, for its owner only.

        Raises:
            HomeError: It can't be made or written, or holds what is not a cluster's.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not self.is_ours() and (strange := self._strange()):
                raise HomeError(
                    f"{self.path} is no cluster's folder: there is {strange[0].name} in it. "
                    "Choose an empty folder, or a new one."
                )
            # It may have been there before, open to others.
            self.path.chmod(0o700)
            self.sandboxes.mkdir(exist_ok=True, mode=0o700)
            if not self.cluster():
                self._write_cluster({"id": str(uuid.uuid4()), "name": CLUSTER_NAME})
            self.agent_lock.touch()
        except OSError as error:
            raise HomeError(
                f"The cluster's folder {self.path} can't be written ({error.strerror}). "
                "Make it writable, or set PIPECTL_HOME to a folder that is."
            ) from error

    def is_ours(self) -> bool:
        """Tells whether the folder carries the marks of a cluster's."""
        return self.cluster_file.is_file() and self.sandboxes.is_dir()

    def remove(self) -> list[Path]:
        """Removes what this room put there, and the folder when nothing else is in it; returns what is left.

        Raises:
            HomeError: The folder is not a cluster's.
        """
        if not self.path.exists():
            return []
        if not self.is_ours():
            raise HomeError(f"{self.path} is no cluster's folder: nothing was removed")
        left = self._strange()
        ours = [each for each in self.path.iterdir() if each not in left]
        # The marks last: what is broken off can be taken up again. Behind them what keeps others out.
        last = (self.sandboxes, self.cluster_file, self.start_lock)
        for each in sorted(ours, key=lambda path: last.index(path) if path in last else -1):
            if each.is_dir() and not each.is_symlink():
                shutil.rmtree(each)
            else:
                each.unlink()
        if not left:
            # A start that waited for its turn may have begun anew.
            with contextlib.suppress(OSError):
                self.path.rmdir()
        return left

    def _strange(self) -> list[Path]:
        """Returns what lies in the folder and was not put there by this room."""
        logs = (self.agent_log, self.agent_log.with_name(f"{self.agent_log.name}.1"))
        files = (self.cluster_file, self.token_file, self.state_file, self.previous_state, self.damaged_state)
        folders = (self.sandboxes, self.secrets, self.kafka)
        ours = {path.name for path in (*logs, *files, *folders, self.agent_lock, self.start_lock)}
        # A write that was killed leaves its half: ".<name>.<random>".
        halves = tuple(f".{name}." for name in ours)
        return [
            each for each in self.path.iterdir() if each.name not in ours and not each.name.startswith(halves)
        ]

    def new_token(self) -> str:
        """Makes the token of one start; that of the last start opens nothing any more."""
        token = secrets.token_hex(32)
        write_durably(self.token_file, token + "\n")
        return token

    def restore_token(self, token: str) -> None:
        """Writes the token again if its file is gone or damaged and the disk lets it."""
        with contextlib.suppress(OSError):
            if self.token_file.read_bytes() == f"{token}\n".encode():
                return
        with contextlib.suppress(OSError):
            write_durably(self.token_file, token + "\n")

    def token(self) -> str:
        """Returns the token of the running agent.

        Raises:
            HomeError: It can't be read, or what is there is no token.
        """
        try:
            token = self.token_file.read_text(encoding="utf-8", errors="replace").strip()
        except OSError as error:
            raise HomeError(f"The token in {self.token_file} can't be read ({error.strerror})") from error
        if not _TOKEN.fullmatch(token):
            raise HomeError(
                f"{self.token_file} is damaged: it holds no token. A running cluster writes it again within "
                "some seconds; `python -m local_dcos stop`, then `start`, makes a new one."
            )
        return token

    def cluster(self) -> dict[str, Any]:
        """Returns what is known of the cluster and, while it runs, of its agent; {} when there is none."""
        try:
            document = json.loads(self.cluster_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return document if isinstance(document, dict) and "id" in document else {}

    def announce(self, port: int, url: str, pid: int) -> dict[str, Any]:
        """Writes the address and process of the agent; id and name stay what they were."""
        document = {**self.cluster(), "port": port, "url": url, "pid": pid}
        self._write_cluster(document)
        return document

    def retire(self) -> None:
        """Takes the address back: from now on whoever listens there is not this cluster."""
        document = self.cluster()
        if "url" in document:
            # An address that stays is not used either: the lock is asked first.
            with contextlib.suppress(OSError):
                self._write_cluster({key: value for key, value in document.items() if key not in _OF_AGENT})

    def _write_cluster(self, document: dict[str, Any]) -> None:
        write_durably(self.cluster_file, json.dumps(document, indent=2) + "\n")

    def agent_is_running(self) -> bool:
        """Tells whether an agent holds this home."""
        return is_locked(self.agent_lock)
