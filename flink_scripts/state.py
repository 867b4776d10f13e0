"""Checkpoints and savepoints of one job: finds the newest, and deletes those that are no longer needed.

Below FLINK_STATE:

    checkpoints/<job name>/<shape>/<Flink job id>/chk-<n>/_metadata
    savepoints/<job name>/<shape>/savepoint-<...>/_metadata

<shape> is a digest of everything that the state depends on, so state that cannot be used is never read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from flink_scripts.files import Entry, Files
from flink_scripts.settings import file_uri, local_path

_KEEP_SAVEPOINTS = 3
_KEEP_SHAPES = 3
_CHECKPOINT = re.compile(r"(?P<job>[^/]+)/chk-(?P<number>[0-9]+)/_metadata")
_SAVEPOINT = re.compile(r"(savepoint-[^/]+)/_metadata")


@dataclass(frozen=True)
class Snapshot:
    """A complete checkpoint or savepoint. time: when it was completed, in seconds since 1970."""

    uri: str
    time: float


class StateFolder:
    """The folders where one job with one shape of state keeps its checkpoints and savepoints.

    files: the file system that Flink writes to. Its StateErrors pass through.
    """

    def __init__(self, root_uri: str, job_name: str, shape: str, files: Files) -> None:
        local = local_path(root_uri)
        root = root_uri if local is None else file_uri(local.absolute())
        self.shape = shape
        self.root = root
        self._files = files
        self._job_checkpoints = f"{root}/checkpoints/{job_name}"
        self._job_savepoints = f"{root}/savepoints/{job_name}"
        self.checkpoints = f"{self._job_checkpoints}/{shape}"
        self.savepoints = f"{self._job_savepoints}/{shape}"

    def newest(self) -> Snapshot | None:
        """The snapshot to resume from, None when there is none.

        The times of files do not order the checkpoints of one job: an object store tells whole seconds, which
        may have several checkpoints, and a clock may be set back. Their numbers do. The transactions of all
        but a job's last checkpoint are committed, so what follows an older one would be written twice.
        """
        checkpoints, savepoints = self._files.trees([self.checkpoints, self.savepoints], depth=3)
        last: dict[str, tuple[int, float]] = {}
        for entry in checkpoints:
            if found := _CHECKPOINT.fullmatch(entry.path):
                one = int(found["number"]), entry.time
                last[found["job"]] = max(one, last.get(found["job"], one))
        # First the savepoints: of the same second, the one that stopped a job is newer than its checkpoints.
        snapshots = [
            Snapshot(f"{self.savepoints}/{found[1]}", entry.time)
            for entry in savepoints
            if (found := _SAVEPOINT.fullmatch(entry.path))
        ]
        snapshots += [
            Snapshot(f"{self.checkpoints}/{job}/chk-{number}", time) for job, (number, time) in last.items()
        ]
        return max(snapshots, key=lambda snapshot: snapshot.time, default=None)

    def is_empty(self) -> bool:
        """Whether there is nothing of any shape of the job's state."""
        trees = self._files.trees([self._job_checkpoints, self._job_savepoints], depth=4)
        return not any(entry.path.endswith("/_metadata") for tree in trees for entry in tree)

    def problem(self) -> str | None:
        """Why nothing can be written where the state belongs; None if no problem is known."""
        return self._files.problem(self.root)

    def prune(self, running_job: str) -> list[str]:
        """Delete what the running job, which has completed a checkpoint of its own, no longer needs.

        This keeps its own checkpoints, the newest savepoints, and the newest shapes of a job that was
        redefined. Returns the URIs of what was deleted.
        """
        both = (self._job_checkpoints, self._job_savepoints)
        checkpoints, savepoints = self._files.trees(both, depth=4)
        removed = [
            f"{self._job_checkpoints}/{path}"
            for path in _newest_first(checkpoints, within=self.shape)
            if path != f"{self.shape}/{running_job}"
        ]
        old = _newest_first(savepoints, within=self.shape)[_KEEP_SAVEPOINTS:]
        removed += [f"{self._job_savepoints}/{path}" for path in old]
        for parent, entries in zip(both, (checkpoints, savepoints), strict=True):
            shapes = [path for path in _newest_first(entries) if path != self.shape]
            removed += [f"{parent}/{path}" for path in shapes[_KEEP_SHAPES - 1 :]]
        self._files.delete(removed)
        return removed


def _newest_first(entries: Sequence[Entry], within: str = "") -> list[str]:
    """The folders directly in `within`. A folder is as new as the newest file in it, because an object store
    gives the time of the request as the time of a folder."""
    start = f"{within}/" if within else ""
    times: dict[str, float] = {}
    folders = set()
    for entry in entries:
        if not entry.path.startswith(start):
            continue
        name = start + entry.path.removeprefix(start).partition("/")[0]
        times[name] = max(times.get(name, 0.0), 0.0 if entry.is_folder else entry.time)
        if entry.is_folder or entry.path != name:
            folders.add(name)
    return sorted(folders, key=lambda name: times[name], reverse=True)
