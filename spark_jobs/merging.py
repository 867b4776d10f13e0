"""Reading the files of a store while something writes to it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeVar

Files = TypeVar("Files", bound=Collection[object])
T = TypeVar("T")
_ATTEMPTS = 10


def read_while_merging(list_files: Callable[[], Files], read: Callable[[Files], T]) -> T:
    """What `read` finds in the files. If some are gone when it fails, it reads those that are there then.

    A sink that writes to the store merges files and removes them. Their rows are in other files then.
    """
    for _ in range(_ATTEMPTS - 1):
        files = list_files()
        try:
            return read(files)
        except Exception:  # Spark's errors have no class in common
            if set(files) <= set(list_files()):
                raise
    return read(list_files())
