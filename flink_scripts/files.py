"""Lists and deletes folders of Flink's state, on whatever file system they are.

Local folders are read directly. Others (hdfs, s3, …) are read by Flink's own file systems, in a JVM that is
started for the one call. It has their jars and settings, so it finds whatever Flink can write.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from flink_scripts.errors import StateError
from flink_scripts.settings import local_path

_CALL_SECONDS = 120
_PROBE_BYTES = 64 * 1024


@dataclass(frozen=True)
class Entry:
    """A file or folder: its path below the folder asked for, and when it was written (seconds since 1970)."""

    path: str
    is_folder: bool
    time: float


class Files(Protocol):
    """A file system. Folders are given as URIs. Its methods raise StateError when it cannot be reached."""

    def trees(self, folders: Sequence[str], depth: int) -> list[list[Entry]]:
        """What is in each folder, down to `depth` levels. A folder that does not exist is empty."""

    def delete(self, folders: Sequence[str]) -> None:
        """Delete folders with their content, as far as possible."""

    def problem(self, folder: str) -> str | None:
        """Why nothing can be written into a folder; None if it can be, or if that cannot be told quickly."""


class LocalFiles:
    """Folders of this machine, or mounted on it."""

    def trees(self, folders: Sequence[str], depth: int) -> list[list[Entry]]:
        return [list(_walk(_local(folder), "", depth)) for folder in folders]

    def delete(self, folders: Sequence[str]) -> None:
        for folder in folders:
            shutil.rmtree(_local(folder), ignore_errors=True)

    def problem(self, folder: str) -> str | None:
        try:
            with tempfile.TemporaryFile(dir=_local(folder)) as file:
                file.write(bytes(_PROBE_BYTES))
        except OSError as error:
            return f"cannot write to {_local(folder)}: {error.strerror}"
        return None


class FlinkFiles:
    """Folders that Flink's file systems reach. `environ` makes the environment of a client of Flink."""

    def __init__(self, environ: Callable[[], Mapping[str, str]]) -> None:
        self._environ = environ

    def trees(self, folders: Sequence[str], depth: int) -> list[list[Entry]]:
        answer = self._call({"list": list(folders), "depth": depth})
        return [[Entry(*entry) for entry in tree] for tree in json.loads(answer)]

    def delete(self, folders: Sequence[str]) -> None:
        if folders:
            self._call({"delete": list(folders)})

    def problem(self, folder: str) -> str | None:
        return None  # the call would take seconds, in which the job is not watched

    def _call(self, question: Mapping[str, object]) -> str:
        argv = [sys.executable, "-m", "flink_scripts.flink_files", json.dumps(question)]
        try:
            result = subprocess.run(
                argv,
                env=dict(self._environ()),
                capture_output=True,
                text=True,
                timeout=_CALL_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise StateError(f"FLINK_STATE did not answer within {_CALL_SECONDS} s: {question}") from None
        if result.returncode != 0:
            raise StateError(f"FLINK_STATE cannot be read: {result.stderr.strip()[-2000:]}")
        return result.stdout


def files_of(root_uri: str, environ: Callable[[], Mapping[str, str]]) -> Files:
    """The file system of a URI. A JVM is started only for one that is not local."""
    return FlinkFiles(environ) if local_path(root_uri) is None else LocalFiles()


def _local(uri: str) -> Path:
    path = local_path(uri)
    assert path is not None, uri  # noqa: S101  only local URIs get here
    return path


def _walk(folder: Path, above: str, depth: int) -> Iterator[Entry]:
    try:
        with os.scandir(folder) as found:
            entries = list(found)
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        try:
            is_folder, time = entry.is_dir(), entry.stat().st_mtime
        except FileNotFoundError:
            continue  # a running job has just removed it
        yield Entry(above + entry.name, is_folder, time)
        if is_folder and depth > 1:
            yield from _walk(Path(entry.path), f"{above}{entry.name}/", depth - 1)
