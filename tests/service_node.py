"""The real node of a package for tests: its scheduler in a process group of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import pytest

START_SECONDS = 240.0
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class ServiceNode:
    """The node of the package `package` on loopback, as the service `test`. It runs while the block does.

    folder: of its data. api: the port of the scheduler. environ: what the package's app sets.
    """

    def __init__(self, package: str, folder: Path, api: int, environ: Mapping[str, str]) -> None:
        self.folder = folder
        self._package = package
        self._api = api
        self._environ = environ
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def password(self) -> str:
        """The password of the package's login."""
        return (self.folder / "secrets" / "test-password").read_text().strip()

    @property
    def ca(self) -> str:
        """The certificate by which clients recognize it, as PEM."""
        return (self.folder / "secrets" / "test-ca").read_text()

    def start(self, *, wait: bool = True) -> None:
        """Start the node."""
        environ = {
            **os.environ,
            "LOCAL_DCOS_HOME": str(self.folder),
            f"{self._package.upper()}_SERVICE_NAME": "test",
            "PORT_API": str(self._api),
            **self._environ,
        }
        # A session of Spark in this process says so who reads HDFS. The nodes run as whom they run.
        environ.pop("HADOOP_USER_NAME", None)
        with (self.folder / "output").open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", f"local_dcos.{self._package}"],
                env=environ,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if wait:
            self.wait()

    def wait(self) -> None:
        """Wait until the node serves."""
        deadline = time.monotonic() + START_SECONDS
        while not self._serves():
            assert self._process is not None
            if self._process.poll() is not None or time.monotonic() > deadline:
                output = (self.folder / "output").read_text(errors="replace")
                pytest.fail(f"{self._package} did not start; its output ends:\n{output[-3000:]}")
            time.sleep(0.1)

    def kill(self) -> None:
        """End the node as a crash would; the data stay."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End the node."""
        self._end(signal.SIGTERM)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The node stands still, so it accepts connections and does not answer."""
        assert self._process is not None
        group = self._process.pid
        os.killpg(group, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(group, signal.SIGCONT)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        group = process.pid
        if number == signal.SIGTERM:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(30)
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
        process.wait()

    def _serves(self) -> bool:
        try:
            with _OPENER.open(f"http://127.0.0.1:{self._api}/v1/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False
