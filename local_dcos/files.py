"""Files as this room writes them: whole, on the disk, for their owner only; and locks between processes."""

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
    """Replaces `path` by `text`; neither a reader, a crash nor a power cut meets half a file.

    Args:
        path: The file. When it can't be written, what was there stays.
        text: What it holds from now on.
        mode: Its permissions.
        previous: Where what was there goes, if it is to be kept.

    Raises:
        OSError: The disk is full, or the folder is not there or not ours.
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
    """Gives what is there a second name, so that no reader finds nothing under the first."""
    spare = path.with_name(f".{path.name}.kept")
    try:
        spare.unlink(missing_ok=True)
        spare.hardlink_to(path)
        spare.replace(previous)
    except OSError:
        # A disk that knows no second names.
        path.replace(previous)


@contextlib.contextmanager
def locked(path: Path, seconds: float) -> Iterator[bool]:
    """Holds an exclusive lock on `path`; yields whether it was got within `seconds`.

    Raises:
        FileNotFoundError: The folder is gone.
    """
    deadline = time.monotonic() + seconds
    while True:
        # The lock ends with the file; closing it is enough.
        with path.open("a") as file:
            if _takes(file, path):
                yield True
                return
        if time.monotonic() >= deadline:
            yield False
            return
        time.sleep(POLL_SECONDS)


def _takes(file: IO[str], path: Path) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever held it may have removed the file: then it keeps nobody out.
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except (BlockingIOError, FileNotFoundError):
        return False


def is_locked(path: Path) -> bool:
    """Tells whether a process holds the lock on `path`. It dies with its process, even by kill -9."""
    try:
        file = path.open()
    except FileNotFoundError:
        return False
    with file:
        try:
            # Shared: two that look at the same time don't take each other for the holder.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
