"""`pipectl tunnel` and `pipectl client` on a cluster of this machine, with a small TCP server as service."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from cli.engine.memory import MemoryEngine
from cli.tunnel.opening import _interrupted_by_signals
from tests.cli.invoking import invoke

SECONDS = 60
SECRET = 'a"pass\\word'
CLIENT = """\
#!{python}
import json, os, pathlib, signal, socket, sys
signal.signal(signal.SIGINT, lambda *_: sys.exit(9))
arguments = dict(word[2:].split("=", 1) for word in sys.argv[1:] if "=" in word)
with socket.create_connection((arguments["host"], int(arguments["port"]))) as service:
    service.sendall(b"hello\\n")
    answer = service.recv(100).decode()
file = pathlib.Path(arguments["defaults-file"])
print(json.dumps({{"answer": answer, "arguments": sys.argv[1:],
                  "file": file.read_text(), "mode": file.stat().st_mode & 0o777,
                  "folder": file.parent.stat().st_mode & 0o777}}), flush=True)
if "--wait" in sys.argv:
    signal.pause()
sys.exit(7)
"""


class User:
    """Runs `pipectl` on the cluster, with `service` as its MySQL."""

    def __init__(self, home: Path, programs: Path, temporary: Path, port: int) -> None:
        self.programs, self.temporary = programs, temporary
        self.environ = {
            **{name: value for name, value in os.environ.items() if name != "MYSQL_PASSWORD"},
            "PIPECTL_HOME": str(home),
            "TMPDIR": str(temporary),
            "PATH": f"{programs}:{os.environ['PATH']}",
        }
        self.options = ("--set", "parts=[mysql]", "--set", f"mysql.port={port}")

    @contextmanager
    def running(self, *command, options=None, **how):
        """A command in the background."""
        given = self.options if options is None else options
        verb, rest = list(command[:2]), list(command[2:])
        argv = [sys.executable, "-m", "cli", *verb, *given, *rest]
        with subprocess.Popen(
            argv, env=self.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **how
        ) as process:
            try:
                yield process
            finally:
                process.kill()


@pytest.fixture
def user(cluster, local_home, tmp_path, echo):
    folder = local_home / "cluster" / "secrets"
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / "mysql-password").write_text(SECRET + "\n")
    (folder / "mysql-ca").write_text("certificates\n")
    programs, temporary = tmp_path / "bin", tmp_path / "tmp"
    programs.mkdir()
    temporary.mkdir()
    program = programs / "mysql"
    program.write_text(CLIENT.format(python=sys.executable))
    program.chmod(0o755)
    return User(local_home, programs, temporary, echo.port)


def is_open(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until_gone(processes):
    _, alive = psutil.wait_procs(processes, timeout=SECONDS)
    assert alive == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_tunnel_ends_with_its_command_and_leaves_nothing(user, echo, number):
    with user.running("tunnel", "mysql", "-o", "json") as process:
        said = read_json(process)
        assert (said["service"], said["host"]) == ("mysql", "127.0.0.1")
        children = psutil.Process(process.pid).children(recursive=True)
        lines = [" ".join(each.cmdline()) for each in children]
        assert len(children) == 2 and not any("pass" in line and "word" in line for line in lines)
        with socket.create_connection(("127.0.0.1", said["port"]), SECONDS) as connection:
            connection.sendall(b"one\n")
            assert connection.recv(100) == b"one\n"
        process.send_signal(number)
        assert process.wait(SECONDS) == 130
        assert process.stderr.read().strip() == "interrupted"
    until_gone(children)
    assert not is_open(said["port"]) and list(user.temporary.iterdir()) == []


def test_a_signal_that_is_ignored_stays_so():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as `nohup` does
    try:
        with _interrupted_by_signals():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) not in (signal.SIG_IGN, signal.SIG_DFL)
    finally:
        signal.signal(signal.SIGHUP, before)


def read_json(process):
    """The document that a running command prints."""
    lines = []
    while not lines or lines[-1] != "}\n":
        line = process.stdout.readline()
        assert line, process.stderr.read()
        lines.append(line)
    return json.loads("".join(lines))


def test_even_a_killed_command_leaves_no_process(user):
    with user.running("tunnel", "mysql", "-o", "json") as process:
        said = read_json(process)
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.wait(SECONDS)
        until_gone(children)
    assert not is_open(said["port"])


def test_a_tunnel_prints_the_command_of_the_client(user):
    with user.running("tunnel", "mysql") as process:
        head = process.stdout.readline()
        process.stdout.readline()
        command = process.stdout.readline().split()
        assert head.startswith("mysql is on 127.0.0.1:") and head.endswith(
            "until you press Ctrl-C. Its client:\n"
        )
        done = subprocess.run(command, env=user.environ, capture_output=True, text=True, timeout=SECONDS)
        assert json.loads(done.stdout)["answer"] == "hello\n"


def test_a_client_runs_through_the_tunnel_with_its_login_in_a_private_file(user, echo):
    with user.running("client", "mysql", "--", "-e", "SELECT 1") as process:
        out, err = process.communicate(timeout=SECONDS)
    assert (process.returncode, err) == (7, "")
    told = json.loads(out)
    assert told["answer"] == "hello\n" and told["arguments"][-2:] == ["-e", "SELECT 1"]
    login, ca = told["file"].split("ssl-ca=")
    assert login == '[client]\nuser=pipectl\npassword="a\\"pass\\\\word"\n'
    ca, *more = ca.splitlines()
    assert Path(ca).name == "mysql-ca.pem"
    # Otherwise, MariaDB's client would also talk to a server without TLS.
    assert more == ["[client-mariadb]", "ssl-verify-server-cert"]
    assert (told["mode"], told["folder"]) == (0o600, 0o700)
    assert SECRET not in " ".join(told["arguments"])
    assert list(user.temporary.iterdir()) == []


def test_ctrl_c_is_for_the_client_and_sigterm_ends_both(user):
    with user.running("client", "mysql", "--", "--wait", start_new_session=True) as process:
        assert json.loads(process.stdout.readline())["answer"] == "hello\n"
        children = psutil.Process(process.pid).children(recursive=True)
        [client] = [each for each in children if "--wait" in each.cmdline()]
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        assert process.wait(SECONDS) == 9
        until_gone(children)
    assert not client.is_running()
    with user.running("client", "mysql", "--", "--wait") as process:
        process.stdout.readline()
        children = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        assert process.wait(SECONDS) == 130
        until_gone(children)
    assert list(user.temporary.iterdir()) == []


def test_a_client_that_is_missing_is_named_with_the_next_step(user):
    (user.programs / "mysql").unlink()
    user.environ["PATH"] = str(user.programs)
    with user.running("client", "mysql") as process:
        _, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert err.startswith("error: the client of mysql, `mysql`, is not installed on this machine\n")
    assert "`pipectl tunnel mysql`" in err and "apt-get install" in err


def test_the_end_of_the_connection_ends_the_command(user):
    with user.running("tunnel", "mysql", "-o", "json") as process:
        read_json(process)
        [server] = [
            each
            for each in psutil.Process(process.pid).children()
            if "local_dcos.ssh.server" in each.cmdline()
        ]
        server.kill()
        assert process.wait(SECONDS) == 1
        assert "error: the tunnel to 127.0.0.1" in process.stderr.read()


def elsewhere(monkeypatch, *more):
    """A cluster that is not on this machine."""
    engine = MemoryEngine()
    monkeypatch.setattr("cli.session.connect", lambda *_, **__: engine)
    return ("--cluster", "prod", "--set", "ssh.host=127.0.0.1", *more)


@pytest.mark.parametrize(
    ("settings", "message", "hint"),
    [
        ((), "the part mysql is disabled", "pipectl deploy --with mysql --cluster prod"),
        (
            ("--set", "parts=[mysql]", "--set", "ssh.port=1"),
            "no tunnel to volatility-mysql.marathon.l4lb.thisdcos.directory:3306: `ssh` ended with exit "
            "code 255: ssh: connect to host 127.0.0.1 port 1: Connection refused",
            "run `ssh -p 1 core@127.0.0.1` once",
        ),
    ],
)
def test_errors_name_the_next_step(monkeypatch, tmp_path, settings, message, hint):
    if shutil.which("ssh") is None:
        pytest.skip("needs the command ssh")
    error = invoke(
        tmp_path, "tunnel", "mysql", *elsewhere(monkeypatch, *settings), code=2 if not settings else 1
    ).exception
    assert message in error.message and hint in error.hint


def test_the_brokers_of_a_kafka_of_your_own_are_those_of_the_settings(monkeypatch, tmp_path):
    own = ("--set", "kafka.bootstrap_servers='a.example:9093,b.example:9093'")
    shown = json.loads(
        invoke(tmp_path, "tunnel", "kafka", "--show", "-o", "json", *elsewhere(monkeypatch, *own)).stdout
    )
    assert [each[-2] for each in shown["commands"]] == [
        "127.0.0.1:9093:a.example:9093",
        "127.0.0.1:9093:b.example:9093",
    ]


def test_show_prints_what_ssh_does_and_what_its_key_needs(monkeypatch, tmp_path):
    settings = elsewhere(monkeypatch, "--set", "parts=[hdfs]", "--set", "ssh.key=~/key")
    shown = json.loads(invoke(tmp_path, "tunnel", "hdfs", "--show", "-o", "json", *settings).stdout)
    first, second = shown["commands"]
    domain = "hdfs.autoip.dcos.thisdcos.directory"
    assert first[-2:] == [f"127.0.0.1:9002:name-0-node.{domain}:9002", "core@127.0.0.1"]
    assert second[-2] == f"127.0.0.1:9002:name-1-node.{domain}:9002"
    assert first[first.index("-i") + 1] == str(Path("~/key").expanduser())
    assert 'permitopen="data-2-node.hdfs.memory.invalid:9004" ssh-ed25519' in shown["authorized_keys"]
    text = invoke(tmp_path, "tunnel", "hdfs", "--show", *settings).stdout
    assert shown["authorized_keys"] in text and "~core/.ssh/authorized_keys" in text
