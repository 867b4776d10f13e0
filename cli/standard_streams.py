"""Handles standard streams that are closed or cut off, and terminals without colours."""

from __future__ import annotations

import io
import os
import select
import signal
import sys
from typing import Any, NoReturn, TextIO


class ReaderGone(BaseException):
    """The reader of our output has closed the pipe.

    It is not an OSError: click and rich exit with code 1 on one, and a broken connection to a cluster is one.
    """


class _Descriptor(io.FileIO):
    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            raise ReaderGone from None


def prepare() -> None:
    """Open standard streams that raise ReaderGone when their reader has gone.

    A closed stream (`>&-`) becomes /dev/null. Otherwise the next opened file would get its number and the
    output.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout, sys.stderr = _made(1, sys.stdout), _made(2, sys.stderr)


def _made(number: int, before: object) -> TextIO:
    return io.TextIOWrapper(
        io.BufferedWriter(_Descriptor(number, "w", closefd=False)),
        encoding=getattr(before, "encoding", None),
        errors=getattr(before, "errors", None) or "backslashreplace",
        line_buffering=number == 2 or os.isatty(number),
    )


def colour() -> bool | None:
    """False if the user (https://no-color.org) or the terminal wants no colours; else None."""
    return False if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" else None


def check_reader() -> None:
    """Raise ReaderGone if the reader of standard output has gone. It ends a writing child too."""
    poll = select.poll()
    poll.register(1, 0)
    if any(event & select.POLLERR for _, event in poll.poll(0)):
        raise ReaderGone


def end_as_if_piped() -> NoReturn:
    """End with SIGPIPE, as usual for a tool whose pipe was closed."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGPIPE)
    raise AssertionError("SIGPIPE ends the process")


def discard() -> None:
    """Discard output that cannot be written. It would fail again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
