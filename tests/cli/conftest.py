import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli import local
from cli.cluster import Cluster
from cli.dcos import Dcos


@pytest.fixture(scope="session")
def local_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A PIPECTL_HOME whose cluster runs: the embedded DC/OS itself, without any app."""
    home = tmp_path_factory.mktemp("pipectl")
    agent = [sys.executable, "-m", "local_dcos"]
    subprocess.run([*agent, "start", "--home", str(home / "cluster")], check=True, capture_output=True)
    try:
        yield home
    finally:
        subprocess.run([*agent, "purge", "--home", str(home / "cluster")], check=True, capture_output=True)


@pytest.fixture
def cluster(local_home: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A way to that cluster, as `pipectl` makes it."""
    monkeypatch.setenv("PIPECTL_HOME", str(local_home))
    return Cluster(Dcos(local.CLIENT, {**os.environ, **local.client_environ()}, timeout=20))
