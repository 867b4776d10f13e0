"""Which client of a service is used."""

from __future__ import annotations

import sys
from importlib.util import find_spec

import pytest

from cli.tunnel.services import Client

OURS = "local_dcos.hdfs.client"
CLIENT = Client(("hdfs",), "how", ("dfs",), substitute=OURS)


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """The only folder on the PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_the_client_on_the_path_comes_first(programs):
    program = programs / "hdfs"
    program.touch(0o755)
    assert CLIENT.installed() == ("hdfs",)


def test_the_substitute_is_a_module_that_is_there(programs):
    assert CLIENT.installed() == (sys.executable, "-m", OURS)
    assert find_spec(OURS) is not None


def test_without_java_or_a_substitute_there_is_no_client(programs, monkeypatch):
    assert Client(("kcat",), "how", ()).installed() is None
    monkeypatch.setattr("cli.tunnel.services.find_spec", lambda name: None)
    assert CLIENT.installed() is None
