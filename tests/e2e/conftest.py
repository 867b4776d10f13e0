"""The bundle that the tests of this folder share, in a folder of its own and on ports of its own.

A test that only looks asks for `bundle`. One that changes or ends something asks for `changeable_bundle`: the
next test that needs a bundle deploys again. So the tests may run in any order.
"""

import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.folders import shared_in

# While a bundle is up, it takes CPU from all other tests: two thirds as much at this rate. Kafka looks for
# old records every second, not every five minutes.
LIGHT = ("generator.rate=10", "kafka.options={kafka: {log_retention_check_interval_ms: 1000}}")


@dataclass
class Pipectl:
    """Runs `pipectl` as a user would, with a PIPECTL_HOME of its own."""

    home: Path
    more: dict[str, str] = field(default_factory=dict)
    settings: tuple[str, ...] = ()
    """What every deploy and plan of this user sets."""

    @property
    def environ(self) -> dict[str, str]:
        # Whatever cluster the developer works with must not be what the tests deploy to.
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("PIPECTL_", "DCOS_"))}
        return {**clean, "PIPECTL_HOME": str(self.home), **self.more}

    def start(self, *args: str, **kwargs: Any) -> subprocess.Popen[str]:
        settings = self.settings if args[0] in ("deploy", "plan") else ()
        command = [sys.executable, "-m", "cli", *args, *(f"--set={each}" for each in settings)]
        return subprocess.Popen(
            command, env=self.environ, stdin=subprocess.DEVNULL, stdout=-1, stderr=-1, text=True, **kwargs
        )

    def run(self, *args: str, code: int | None = 0, timeout: float = 600) -> subprocess.CompletedProcess[str]:
        process = self.start(*args)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"pipectl {' '.join(args)} took over {timeout} s\n{out}\n{err}") from None
        assert code in (None, process.returncode), (
            f"pipectl {' '.join(args)}: {process.returncode}\n{out}\n{err}"
        )
        return subprocess.CompletedProcess(args, process.returncode, out, err)

    def json(self, *args: str, **kwargs: Any) -> Any:
        return json.loads(self.run(*args, "-o", "json", **kwargs).stdout)

    def api(self, path: str) -> Any:
        """What the cluster answers at a path, in JSON."""
        env = self.json("cluster", "env")
        headers = {"Authorization": f"token={env['DCOS_ACS_TOKEN']}"}
        request = urllib.request.Request(f"{env['DCOS_URL']}/{path}", headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

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

    def purge(self) -> None:
        """End everything that was deployed; no process, no open port and no file of it may be left."""
        ports = {
            connection.laddr.port
            for process in self.processes()
            for connection in _connections(process)
            if connection.status == psutil.CONN_LISTEN
        }
        self.run("destroy", "--yes", "--purge")
        assert self.processes() == []
        assert {port for port in ports if _is_open(port)} == set()
        left = [file for file in self.home.rglob("*") if file.is_file()] if self.home.is_dir() else []
        assert left == []
        assert not (self.home / "cluster").exists()


def _connections(process: psutil.Process) -> list[Any]:
    try:
        return process.net_connections("tcp")
    except psutil.Error:
        return []  # it has ended


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class SharedBundle:
    """The bundle in a home: deployed when it is asked for and not known to be as `pipectl deploy` makes it.

    pipectl: the user whose it is. first: the result of the deploy that found nothing, and when it ended.
    """

    def __init__(self, pipectl: Pipectl) -> None:
        self.pipectl = pipectl
        self._deployed: dict[str, Any] | None = None
        self.first: tuple[dict[str, Any], datetime] | None = None

    def deployed(self) -> dict[str, Any]:
        """The JSON result of the newest deploy."""
        if self._deployed is None:
            self._deployed = self.pipectl.json("deploy", "--yes")
            if self.first is None:
                self.first = self._deployed, datetime.now(UTC)
        return self._deployed

    def changed(self) -> None:
        """It may soon be otherwise than it was deployed."""
        self._deployed = None


BUNDLE = pytest.StashKey[SharedBundle]()


@pytest.fixture
def shared_bundle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SharedBundle:
    @contextmanager
    def ended_with_the_folder() -> Iterator[SharedBundle]:
        user = Pipectl(tmp_path_factory.mktemp("e2e") / "a home", settings=LIGHT)
        try:
            yield SharedBundle(user)
        finally:
            user.purge()

    return shared_in(Path(__file__).parent, request, BUNDLE, ended_with_the_folder)


@pytest.fixture
def pipectl(shared_bundle: SharedBundle) -> Pipectl:
    """The user whose bundle is shared."""
    return shared_bundle.pipectl


@pytest.fixture
def bundle(shared_bundle: SharedBundle) -> dict[str, Any]:
    """The JSON result of the deploy of a bundle that runs, for tests that leave it as it is."""
    return shared_bundle.deployed()


@pytest.fixture
def changeable_bundle(shared_bundle: SharedBundle) -> SharedBundle:
    """A bundle that runs, for a test that changes it. The test may ask it to be deployed again."""
    shared_bundle.deployed()
    shared_bundle.changed()
    return shared_bundle


@pytest.fixture
def first_deploy(shared_bundle: SharedBundle) -> tuple[dict[str, Any], datetime]:
    """The JSON result of the deploy that found nothing, and when it ended."""
    shared_bundle.deployed()
    assert shared_bundle.first is not None
    return shared_bundle.first


@pytest.fixture
def pipectl_elsewhere(tmp_path: Path) -> Iterator[Pipectl]:
    """A user with a folder where nothing was deployed; whatever the test deploys is gone after it."""
    home = tmp_path / "home"
    user = Pipectl(home)
    try:
        yield user
    finally:
        user.home = home
        user.purge()
