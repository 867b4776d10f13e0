"""A terminal: a shell that runs commands one after the other, as someone types them."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

_END = "-- the command has ended:"


class Terminal:
    """A bash: variables and jobs in the background stay until it ends.

    errors: the file for what commands print on stderr. seconds: the most that a command may take.
    """

    def __init__(self, environ: Mapping[str, str], errors: Path, seconds: float) -> None:
        self._errors, self._seconds = errors, seconds
        with errors.open("w") as log:
            self._shell = subprocess.Popen(
                ["/bin/bash"],
                env=environ,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        assert self._shell.stdin is not None and self._shell.stdout is not None
        self._keys, self._screen = self._shell.stdin, self._shell.stdout
        self._lines = queue.SimpleQueue[str]()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._shell.pid, signal.SIGTERM)  # also what runs in the background
        self._keys.close()
        # The output ends with the last of them.
        self._reader.join(self._seconds)
        self._screen.close()
        self._shell.wait(self._seconds)

    def _read(self) -> None:
        for line in self._screen:
            self._lines.put(line)

    def run(self, command: str, lines: int = 0) -> str:
        """What a command prints. One that ends with `&` runs on: what it prints in its first `lines`.

        Raises AssertionError if it fails or takes too long.
        """
        before = self._errors.stat().st_size
        # A group, since nothing but the shell itself may read what is typed next.
        self._keys.write(f"{{ {command}\n}} < /dev/null; printf '\\n%s %s\\n' '{_END}' $?\n")
        self._keys.flush()
        deadline, printed, code = time.monotonic() + self._seconds, "", None
        while code is None or (command.endswith("&") and len(printed.split("\n")) <= lines):
            try:
                line = self._lines.get(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(
                    f"{command}: more than {self._seconds} s\n{printed}\n{self._said(before)}"
                ) from None
            if line.startswith(_END):
                code = line.removeprefix(_END).strip()
            elif line.strip():
                printed += line
        assert code == "0", f"{command}: {code}\n{printed}\n{self._said(before)}"
        return printed

    def _said(self, before: int) -> str:
        return self._errors.read_bytes()[before:].decode()
