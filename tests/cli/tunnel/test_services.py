"""Which client of a service is used, and how it is started."""

from __future__ import annotations

import sys
from importlib.util import find_spec

import pytest

from cli.errors import UsageProblem
from cli.session import Session
from cli.store_logins import login_of
from cli.tunnel.services import Client, client_of

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


def test_the_header_of_hdfs_is_in_a_file_of_the_user_only(tmp_path, monkeypatch):
    monkeypatch.delenv("HDFS_HEADER", raising=False)
    assert login_of(Session("prod", (), ("parts=[hdfs]",), False), "hdfs") is None
    run = Session("prod", (), ("parts=[hdfs]", "hdfs.header=a/header"), False)
    with pytest.raises(UsageProblem, match="hdfs refuses requests without a header") as refused:
        login_of(run, "hdfs")
    assert "what the secret a/header holds into the environment variable HDFS_HEADER" in refused.value.hint
    monkeypatch.setenv("HDFS_HEADER", "secret-name")
    login = login_of(run, "hdfs")
    assert login.environ("hdfs") == {"HDFS_HEADER": "secret-name"} and "secret-name" not in repr(login)
    file = tmp_path / "hdfs-client.xml"
    started = client_of(run, "hdfs", 1, login, tmp_path)
    assert started.arguments == ("dfs", "-conf", str(file), "-fs", "webhdfs://127.0.0.1:1")
    assert "secret-name" not in str(started) and file.stat().st_mode & 0o777 == 0o600
    assert "<name>dfs.webhdfs.rest-csrf.custom-header</name><value>secret-name</value>" in file.read_text()
    assert client_of(run, "hdfs", 1, None, tmp_path).arguments[:2] == ("dfs", "-D")
