"""The token, the files that an agent trusts, and the files that purge removes."""

import contextlib
import json
import os
import socket
import stat
import subprocess
import sys
import threading

import pytest

from local_dcos import daemon
from local_dcos.files import is_locked, locked
from local_dcos.home import Home
from tests.local_dcos.conftest import wait_for


class Stranger:
    """Another server on the port of an ended agent. It records what it receives."""

    def __init__(self, port):
        self.heard = b""
        # The threads of a killed process may hold its sockets a little longer than its first one lives.
        self._server = wait_for(lambda: _server_on(port))
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            with connection:
                self.heard += connection.recv(65536)

    def close(self):
        self._server.close()


def _server_on(port):
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError:
        return None


@pytest.fixture
def stranger(own_cluster):
    """Another server on the port of a killed agent, whose address is still in the folder."""
    own_cluster.kill_agent()
    one = Stranger(int(own_cluster.url.rpartition(":")[2]))
    yield one
    one.close()


def test_another_process_on_the_port_of_an_ended_agent_gets_no_token(own_cluster, stranger):
    assert json.loads((own_cluster.home / "cluster.json").read_text())["url"] == own_cluster.url
    assert own_cluster.local_dcos("status", check=False).returncode == 4
    assert own_cluster.local_dcos("link", "--service", "page", check=False).returncode == 1
    environment = {**os.environ, "PIPECTL_HOME": str(own_cluster.home.parent)}
    for verb in ("status", "plan", "watch", "open"):
        command = [sys.executable, "-m", "cli", verb]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode != 0
        assert "not running" in done.stderr, done.stderr
    assert stranger.heard == b""


def test_each_start_has_a_token_of_its_own(own_cluster):
    old = own_cluster.token
    own_cluster.kill_agent()
    own_cluster.start()
    assert own_cluster.token != old
    assert own_cluster.call("GET", "/service/marathon/v2/apps", Authorization=f"token={old}")[0] == 401
    assert own_cluster.call("GET", "/service/marathon/v2/apps")[0] == 200


def test_stop_removes_the_address(own_cluster):
    own_cluster.local_dcos("stop")
    kept = json.loads((own_cluster.home / "cluster.json").read_text())
    assert kept == {key: own_cluster.document[key] for key in ("id", "name", "port", "agents")}


@pytest.mark.parametrize("damaged", ["", "\n", "a" * 63, "g" * 64, "\udcff"])
def test_a_damaged_token_opens_nothing_and_is_replaced(own_cluster, damaged):
    own_cluster.local_dcos("stop")
    (own_cluster.home / "token").write_bytes(damaged.encode("utf-8", "surrogateescape"))
    own_cluster.start()
    for sent in ("", "token=", "token=\n", f"token={damaged.strip()}"):
        sent = sent.encode("utf-8", "surrogateescape").decode("latin-1").strip()
        assert own_cluster.call("GET", "/service/marathon/v2/apps", Authorization=sent)[0] == 401
    assert len(own_cluster.token) == 64


def test_a_running_cluster_names_and_repairs_a_damaged_token(own_cluster):
    token = own_cluster.home / "token"
    token.write_text(own_cluster.token[:20])
    said = own_cluster.local_dcos("status", check=False)
    assert (said.returncode, str(token) in said.stderr, "stop" in said.stderr) == (1, True, True)
    own_cluster.wait_for(lambda: token.read_text() == f"{own_cluster.token}\n")
    assert own_cluster.local_dcos("status").stdout.strip() == own_cluster.url


@pytest.mark.parametrize("names", [("letter",), ("cluster.json",), ("cluster.json", "letter")])
def test_purge_refuses_a_folder_without_a_cluster(tmp_path, names):
    for name in names:
        (tmp_path / name).write_text("{}")
    command = [sys.executable, "-m", "local_dcos", "purge", "--home", str(tmp_path)]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert f"{tmp_path} is not a cluster's folder" in refused.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


def test_purge_removes_only_files_of_the_cluster(own_cluster):
    letter = own_cluster.home / "letter"
    letter.write_text("dear")
    elsewhere = own_cluster.home.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "data").touch()
    (own_cluster.home / "kafka").symlink_to(elsewhere)
    done = own_cluster.local_dcos("purge")
    assert str(letter) in done.stderr
    assert list(own_cluster.home.iterdir()) == [letter]
    assert list(elsewhere.iterdir()) == [elsewhere / "data"]
    letter.unlink()
    own_cluster.home.rmdir()


def test_purge_holds_the_lock_until_all_is_removed(tmp_path, monkeypatch):
    home, seen = Home(tmp_path / "home"), []
    home.create()
    remove = Home.remove

    def look_and_remove(self):
        seen.append(is_locked(self.start_lock))
        return remove(self)

    monkeypatch.setattr(Home, "remove", look_and_remove)
    assert daemon.purge(home) == []
    assert (seen, home.path.exists()) == ([True], False)


def test_a_lock_on_a_removed_file_excludes_no_one(tmp_path):
    path, got = tmp_path / "lock", []

    def wait():
        with locked(path, 0.5) as one:
            got.append(one)

    with contextlib.ExitStack() as new:
        with locked(path, 0) as old:
            assert old
            waiting = threading.Thread(target=wait)
            waiting.start()
            path.unlink()
            assert new.enter_context(locked(path, 0))
        waiting.join(10)
    assert got == [False]


def test_start_refuses_a_folder_with_other_files(tmp_path):
    (tmp_path / "letter").touch()
    command = [sys.executable, "-m", "local_dcos", "start", "--home", str(tmp_path)]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "letter" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["letter"]


def test_an_existing_folder_is_closed_to_other_users(tmp_path):
    home = Home(tmp_path / "home")
    home.path.mkdir()
    home.path.chmod(0o755)
    home.create()
    assert stat.S_IMODE(home.path.stat().st_mode) == 0o700
