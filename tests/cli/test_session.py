"""The cluster of a command."""

import fcntl
import os

import pytest
from click.testing import CliRunner

from cli.__main__ import pipectl
from cli.engine.dcos.engine import DcosEngine
from cli.errors import ClientMissing
from cli.home import last_cluster, remember_cluster
from cli.session import session


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("PIPECTL_HOME", str(tmp_path))
    return tmp_path


def name(cluster=None, *, reads_only):
    return session(cluster, (), (), False, reads_only=reads_only).cluster_name


def dcos_of(run):
    assert isinstance(run.engine, DcosEngine)
    return run.engine.dcos


def test_without_a_name_it_is_local():
    assert name(reads_only=True) == name(reads_only=False) == "local"


def test_only_reading_follows_the_last_deploy_and_says_so(capsys):
    remember_cluster("prod")
    assert name(reads_only=False) == "local"
    assert capsys.readouterr().err == ""
    assert name(reads_only=True) == "prod"
    assert "cluster prod" in capsys.readouterr().err


def test_a_name_wins():
    remember_cluster("prod")
    assert name("dev", reads_only=True) == name("dev", reads_only=False) == "dev"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cluster": 7}', "null"])
def test_a_broken_memory_is_no_memory(home, text):
    (home / "last.json").write_text(text)
    assert last_cluster() is None


def test_the_users_own_dcos_is_left_alone(home, monkeypatch):
    monkeypatch.delenv("DCOS_CLUSTER", raising=False)
    prod = dcos_of(session("prod", (), (), False, reads_only=True))
    assert prod.argv == ("dcos",)
    assert prod.environ["DCOS_CLUSTER"] == "prod"  # for that one process
    assert "DCOS_CLUSTER" not in os.environ
    (home / "cluster").mkdir()
    (home / "cluster" / "cluster.json").write_text('{"url": "http://127.0.0.1:1"}')
    (home / "cluster" / "token").write_text("a" * 64)
    with (home / "cluster" / "agent.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        real = dcos_of(session("local", (), ("dcos.executable=dcos",), False, reads_only=True))
    assert real.environ["DCOS_DIR"] == str(home / "dcos")


@pytest.mark.parametrize("path", ["/no such/dcos", "./dcos: it", "/a#b"])
def test_another_dcos_is_chosen_by_its_path(path):
    refused = CliRunner().invoke(
        pipectl, ["plan", "--cluster", "prod", "--dcos", path], standalone_mode=False
    )
    assert isinstance(refused.exception, ClientMissing)
    assert f"cannot run `{path}`" in refused.exception.message
