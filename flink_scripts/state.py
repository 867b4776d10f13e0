"""Checkpoints and savepoints of one job on disk: finding the newest, and removing what nothing needs.

Below FLINK_STATE:

    checkpoints/<job name>/<shape>/<Flink job id>/chk-<n>/_metadata
    savepoints/<job name>/<shape>/savepoint-<...>/_metadata

<shape> is a digest of all that the state depends on, so state that can't be used is never looked at.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flink_scripts.errors import SettingsError
from flink_scripts.settings import file_uri, local_path

_KEEP_SAVEPOINTS = 3
_KEEP_SHAPES = 3


@dataclass(frozen=True)
class Snapshot:
    """A complete checkpoint or savepoint. `time` is when it was completed, seconds since 1970."""

    path: Path
    time: float

    @property
    def uri(self) -> str:
        """The place as Flink wants it."""
        return file_uri(self.path)


class StateFolder:
    """Where one job with one shape of state keeps its checkpoints and savepoints.

    Raises SettingsError when FLINK_STATE isn't a folder that this process can read: the newest snapshot is
    found by looking, so every Flink machine has to mount the same folder (the DC/OS way: a shared volume).
    """

    def __init__(self, root_uri: str, job_name: str, shape: str) -> None:
        root = local_path(root_uri)
        if root is None:
            raise SettingsError(
                f"FLINK_STATE={root_uri}: only file: URIs are supported; "
                "mount a shared folder on every Flink machine"
            )
        self._job_checkpoints = root.absolute() / "checkpoints" / job_name
        self._job_savepoints = root.absolute() / "savepoints" / job_name
        self.checkpoints = self._job_checkpoints / shape
        self.savepoints = self._job_savepoints / shape

    def newest(self) -> Snapshot | None:
        """The snapshot to resume from, None when there is none."""
        snapshots = [*_snapshots(self.checkpoints, "*/chk-*"), *_snapshots(self.savepoints, "savepoint-*")]
        return max(snapshots, key=lambda snapshot: snapshot.time, default=None)

    def prune(self, running_job: str) -> list[Path]:
        """Remove what the running job, which has completed a checkpoint of its own, can't need any more.

        Kept are its own checkpoints, the newest savepoints, and the newest shapes of a job that was
        redefined. Returns what was removed.
        """
        removed = [folder for folder in _folders(self.checkpoints) if folder.name != running_job]
        savepoints = sorted(_folders(self.savepoints), key=_modified, reverse=True)
        removed += savepoints[_KEEP_SAVEPOINTS:]
        for parent, current in (
            (self._job_checkpoints, self.checkpoints),
            (self._job_savepoints, self.savepoints),
        ):
            others = sorted((f for f in _folders(parent) if f != current), key=_modified, reverse=True)
            removed += others[_KEEP_SHAPES - 1 :]
        for folder in removed:
            shutil.rmtree(folder, ignore_errors=True)
        return removed


def _snapshots(folder: Path, pattern: str) -> Iterator[Snapshot]:
    for metadata in folder.glob(f"{pattern}/_metadata"):
        try:
            yield Snapshot(metadata.parent, metadata.stat().st_mtime)
        except FileNotFoundError:
            continue  # a running job replaced it while we looked


def _folders(parent: Path) -> list[Path]:
    return [entry for entry in parent.iterdir() if entry.is_dir()] if parent.is_dir() else []


def _modified(folder: Path) -> float:
    return folder.stat().st_mtime
