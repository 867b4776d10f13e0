"""Sandboxes: a folder per task with its stdout and stderr, kept small."""

import contextlib
import os
import shutil
from pathlib import Path

MAX_BYTES = 8 * 1024 * 1024
KEPT_PER_APP = 10
LOG_FILES = ("stdout", "stderr")


def rotate(sandbox: Path, limit: int = MAX_BYTES) -> None:
    """Keeps each log below about two times `limit`.

    The task holds the file open for appending, so the file is copied to "<name>.1" and emptied in place.
    """
    for name in LOG_FILES:
        path = sandbox / name
        with contextlib.suppress(OSError):
            if path.stat().st_size > limit:
                shutil.copyfile(path, path.with_name(f"{name}.1"))
                os.truncate(path, 0)


def last_line(path: Path) -> str:
    """Returns the last line of a log that isn't empty, "" when there is none."""
    try:
        lines = tail(path, 20)
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def tail(path: Path, lines: int) -> list[str]:
    """Returns the last `lines` lines of a file, reading backwards from its end."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        data = b""
        while end > 0 and data.count(b"\n") <= lines:
            step = min(65536, end)
            end -= step
            file.seek(end)
            data = file.read(step) + data
    return data.decode("utf-8", "replace").splitlines()[-lines:] if lines else []


def file_in(sandbox: Path, name: str) -> Path | None:
    """Returns the file `name` of a sandbox; None when there is none, or the name leads out of the sandbox."""
    path = (sandbox / name).resolve()
    inside = path.is_relative_to(sandbox.resolve())
    return path if inside and path.is_file() else None
