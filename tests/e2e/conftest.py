"""The bundle, deployed once for all tests of this folder, in a folder of its own and on ports of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest


@dataclass
class Pipectl:
    """Runs `pipectl` as a user would, with a PIPECTL_HOME of its own."""

    home: Path
    more: dict[str, str] = field(default_factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        # Whatever cluster the developer works with must not be what the tests deploy to.
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("PIPECTL_", "DCOS_"))}
        return {**clean, "PIPECTL_HOME": str(self.home), **self.more}

    def start(self, *args: str, **kwargs: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "cli", *args]
        return subprocess.Popen(
            command, env=self.environ, stdin=subprocess.DEVNULL, stdout=-1, stderr=-1, text=True, **kwargs
        )

    def run(self, *args: str, code: int = 0, timeout: float = 240) -> subprocess.CompletedProcess[str]:
        process = self.start(*args)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"pipectl {' '.join(args)} took over {timeout} s\n{out}\n{err}") from None
        assert process.returncode == code, f"pipectl {' '.join(args)}: {process.returncode}\n{out}\n{err}"
        return subprocess.CompletedProcess(args, process.returncode, out, err)

    def json(self, *args: str, **kwargs: Any) -> Any:
        return json.loads(self.run(*args, "-o", "json", **kwargs).stdout)

    def processes(self) -> list[psutil.Process]:
        """Every process that works for this home, by the marks that it leaves."""
        mark = str(self.home)
        found = []
        for process in psutil.process_iter():
            try:
                if mark in " ".join(process.cmdline()) or mark in " ".join(process.environ().values()):
                    found.append(process)
            except psutil.Error:
                continue  # it ended while we looked, or it is not ours
        return [p for p in found if p.pid != os.getpid()]


@pytest.fixture(scope="session")
def pipectl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipectl]:
    user = Pipectl(tmp_path_factory.mktemp("e2e") / "a home")
    try:
        yield user
    finally:
        user.run("destroy", "--yes", "--purge")


@pytest.fixture(scope="session")
def bundle(pipectl: Pipectl) -> dict[str, Any]:
    """The first deploy; its JSON result."""
    document: dict[str, Any] = pipectl.json("deploy")
    return document


@pytest.fixture
def pipectl_elsewhere(tmp_path: Path) -> Iterator[Pipectl]:
    """A user with a folder where nothing was deployed; whatever the test deploys is gone after it."""
    home = tmp_path / "home"
    user = Pipectl(home)
    try:
        yield user
    finally:
        user.home = home
        user.run("destroy", "--yes", "--purge")
        assert user.processes() == []
