"""Sandboxes: each task has a folder with its stdout and stderr. Logs are rotated to keep them small."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

MAX_BYTES = 8 * 1024 * 1024
KEPT_PER_APP = 10
LOG_FILES = ("stdout", "stderr")


def run_in(
    sandbox: Path, argv: Sequence[str], env: Mapping[str, str], before: Callable[[], None] | None = None
) -> "subprocess.Popen[bytes]":
    """Makes a sandbox and starts a process in it, in a session of its own.

    before: runs in the new process before the command.

    Raises:
        OSError, ValueError: It can't be started.
    """
    sandbox.mkdir(mode=0o700)
    out, err = ((sandbox / name).open("ab") for name in LOG_FILES)
    with out, err:
        return subprocess.Popen(
            argv,
            cwd=sandbox,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
            preexec_fn=before,
        )


def rotate(log: Path, limit: int = MAX_BYTES) -> None:
    """Moves a log of more than `limit` bytes to "<name>.1"; of more than twice that, only the end.

    The writer keeps the file open, so the content is copied and the file truncated. What is written in
    between is lost.
    """
    with contextlib.suppress(OSError):
        size = log.stat().st_size
        if size <= limit:
            return
        with log.open("rb") as source, older(log).open("wb") as target:
            source.seek(0 if size <= 2 * limit else size - limit)
            shutil.copyfileobj(source, target)
            os.truncate(log, 0)


def older(log: Path) -> Path:
    """Returns the file that holds the log from before its last rotation."""
    return log.with_name(f"{log.name}.1")


def read_on(log: Path, position: int) -> tuple[bytes, int]:
    """Returns what was written after `position`, and the new position. A rotation loses nothing."""
    rest = b""
    with log.open("rb") as file:
        if position > file.seek(0, os.SEEK_END):
            # The file is shorter than before, so it was rotated. The rest of the older part comes first.
            with contextlib.suppress(OSError), older(log).open("rb") as before:
                before.seek(position)
                rest = before.read()
            position = 0
        file.seek(position)
        data = file.read(1 << 20)
        return rest + data, file.tell()


def last_line(path: Path) -> str:
    """Returns the last line of a log that is not blank, or ""."""
    try:
        lines = tail(path, 20)
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def end_of_lines(path: Path) -> int:
    """Returns the position after the last line that is complete."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        while end > 0:
            step = min(65536, end)
            file.seek(end - step)
            found = file.read(step).rfind(b"\n")
            if found >= 0:
                return end - step + found + 1
            end -= step
    return 0


def head(path: Path, end: int) -> list[str]:
    """Returns the lines of a file up to the position `end`."""
    with path.open("rb") as file:
        return file.read(end).decode("utf-8", "replace").splitlines()


def tail(path: Path, lines: int, end: int | None = None) -> list[str]:
    """Returns the last `lines` lines of a file, or of its part up to `end`. It reads backwards."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END) if end is None else end
        data = b""
        while end > 0 and data.count(b"\n") <= lines:
            step = min(65536, end)
            end -= step
            file.seek(end)
            data = file.read(step) + data
    return data.decode("utf-8", "replace").splitlines()[-lines:] if lines else []


def file_in(folders: Iterable[Path], task: str, name: str) -> Path | None:
    """Returns a file in a task's sandbox; None if it does not exist or is outside of the sandbox.

    folders: those of all agents' sandboxes.
    """
    for sandboxes in folders:
        # The name may be impossible, such as one of a thousand characters.
        with contextlib.suppress(OSError, ValueError):
            sandbox = (sandboxes / task).resolve()
            path = (sandbox / name).resolve()
            if sandbox.parent == sandboxes.resolve() and path.is_relative_to(sandbox) and path.is_file():
                return path
    return None
