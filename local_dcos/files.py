"""Writing files durably, and locks between processes."""

import contextlib
import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

POLL_SECONDS = 0.02


def write_durably(path: Path, text: str, mode: int = 0o600, previous: Path | None = None) -> None:
    """Replaces a file as a whole: no reader, crash or power cut ever sees half of it.

    Args:
        path: The file. It stays as it was if it can't be written.
        text: The new content.
        mode: The permissions.
        previous: A second file that gets the old content.

    Raises:
        OSError: The disk is full, or the folder is missing or not writable.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(descriptor, mode)
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        if previous is not None and path.exists():
            _keep(path, previous)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _keep(path: Path, previous: Path) -> None:
    """Links the file to a second name. The first name never disappears."""
    spare = path.with_name(f".{path.name}.kept")
    try:
        spare.unlink(missing_ok=True)
        spare.hardlink_to(path)
        spare.replace(previous)
    except OSError:
        # This file system has no hard links.
        path.replace(previous)


@contextlib.contextmanager
def locked(path: Path, seconds: float) -> Iterator[bool]:
    """Holds an exclusive lock on a file. Yields whether it was acquired within `seconds`.

    Raises:
        FileNotFoundError: The folder does not exist.
    """
    deadline = time.monotonic() + seconds
    while True:
        # Closing the file releases the lock.
        with path.open("a") as file:
            if _acquire(file, path):
                yield True
                return
        if time.monotonic() >= deadline:
            yield False
            return
        time.sleep(POLL_SECONDS)


def _acquire(file: IO[str], path: Path) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # The holder before may have removed the file. A lock on a removed file protects nothing.
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except (BlockingIOError, FileNotFoundError):
        return False


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock on a file. The lock ends with its process, even by kill -9."""
    try:
        file = path.open()
    except FileNotFoundError:
        return False
    with file:
        try:
            # A shared lock: two processes that ask at the same time must not see each other as the holder.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
