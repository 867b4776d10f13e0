"""Which cluster a command means."""

import pytest

from cli.home import last_cluster, remember_cluster
from cli.session import session


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("PIPECTL_HOME", str(tmp_path))
    return tmp_path


def name(cluster=None, *, reads_only):
    return session(cluster, (), (), False, reads_only=reads_only).cluster_name


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
