"""Standard output and error as usual tools treat them: closed, cut off, or on a terminal without colours."""

from __future__ import annotations

import io
import os
import select
import signal
import sys
from typing import Any, NoReturn, TextIO


class ReaderGone(BaseException):
    """Whoever read our output has what they wanted.

    No OSError: a broken connection to a cluster is one too, and click and rich end with exit code 1 on it.
    """


class _Descriptor(io.FileIO):
    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            raise ReaderGone from None


def prepare() -> None:
    """Make standard streams that are there, and that raise ReaderGone when nobody reads them any more.

    One that is closed (`>&-`) is as /dev/null. Otherwise the next file that is opened would get its number,
    and the output.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
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
    """False if the user (https://no-color.org) or the terminal wants none; None where the stream decides."""
    return False if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" else None


def check_reader() -> None:
    """Raise ReaderGone if nobody reads standard output any more: a command that writes to it has ended so."""
    poll = select.poll()
    poll.register(1, 0)
    if any(event & select.POLLERR for _, event in poll.poll(0)):
        raise ReaderGone


def end_as_if_piped() -> NoReturn:
    """End by SIGPIPE, as every tool in a pipeline that was cut off."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGPIPE)
    raise AssertionError("SIGPIPE ends the process")


def discard() -> None:
    """Let go of output that can't be written: it would fail again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
