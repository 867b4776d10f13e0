"""What a store of files asks of a file system: the folder of an agent, or HDFS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pyarrow.fs import FileSystem as ArrowFileSystem

LEFT_OVER = ".unfinished-"
"""The prefix of a file's name until it is complete."""
LOCK = ".merging"
"""The name, or how it begins, of the file by which one process at a time merges a folder."""


@dataclass(frozen=True)
class Entry:
    """A file or folder in a folder. size: in bytes. modified: seconds since 1970."""

    name: str
    size: int
    modified: float


class FileSystem(Protocol):
    """Files below the root of a store. Paths are relative to it, such as "flow=prices/day=2026-11-22".

    arrow: reads the files, by the same paths. Methods raise FileNotFoundError for a file that is not there,
    and StoreError.
    """

    arrow: ArrowFileSystem

    def where(self, path: str) -> str:
        """The path as errors call it."""

    def locations(self, paths: Sequence[str]) -> Sequence[str]:
        """The paths as Hadoop's programs name them."""

    def list(self, folder: str) -> list[Entry]:
        """What is in a folder, by name; nothing if there is no such folder."""

    def make(self, folder: str) -> None:
        """Make a folder and those above it, unless they are there. They are durable when this returns."""

    def replacing(self, path: str) -> AbstractContextManager[Path]:
        """A local path to write to, which is the file at `path` at the end of the block if no error occurred.

        Readers see all of the file or nothing, and it is durable then.
        """

    def remove(self, path: str) -> None:
        """Remove a file, unless that has happened."""

    def merging(self, folder: str) -> AbstractContextManager[Callable[[], bool]]:
        """Claim the folder for this process until the block ends.

        What is returned says whether this process alone may merge its files, at that moment.
        """
