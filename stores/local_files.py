"""Files in a folder of this machine, or of a share that is mounted on it."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from pyarrow.fs import LocalFileSystem, SubTreeFileSystem

from stores.file_system import LEFT_OVER, LOCK, Entry


class LocalFiles:
    """See FileSystem."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.arrow = SubTreeFileSystem(str(root.absolute()), LocalFileSystem())

    def where(self, path: str) -> str:
        """See FileSystem.where."""
        return str(self.root / path)

    def locations(self, paths: Sequence[str]) -> Sequence[str]:
        """See FileSystem.locations."""
        return [self.where(path) for path in paths]

    def list(self, folder: str) -> list[Entry]:
        """See FileSystem.list."""
        found = []
        with suppress(FileNotFoundError), os.scandir(self.root / folder) as entries:
            for entry in entries:
                # One that was removed meanwhile is not there.
                with suppress(FileNotFoundError):
                    status = entry.stat()
                    found.append(Entry(entry.name, status.st_size, status.st_mtime))
        return sorted(found, key=lambda entry: entry.name)

    def make(self, folder: str) -> None:
        """See FileSystem.make."""
        _make(self.root / folder)

    @contextmanager
    def replacing(self, path: str) -> Iterator[Path]:
        """See FileSystem.replacing."""
        target = self.root / path
        descriptor, name = tempfile.mkstemp(prefix=LEFT_OVER, dir=target.parent)
        os.close(descriptor)
        unfinished = Path(name)
        try:
            yield unfinished
            unfinished.chmod(0o640)
            _sync(unfinished)
            unfinished.replace(target)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        _sync(target.parent)

    def remove(self, path: str) -> None:
        """See FileSystem.remove."""
        (self.root / path).unlink(missing_ok=True)

    @contextmanager
    def merging(self, folder: str) -> Iterator[Callable[[], bool]]:
        """See FileSystem.merging."""
        with (self.root / folder / LOCK).open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield lambda: False
            else:
                yield lambda: True


def _make(folder: Path) -> None:
    if folder.is_dir():
        return
    _make(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync(folder.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
