"""Forwards through a real SSH server, by the real `ssh` and by the small client."""

from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psutil
import pytest

from cli.errors import PipectlError
from cli.tunnel.forwards import Forwards
from cli.tunnel.gateway import Gateway, authorized, cluster_gateway, local_gateway
from cli.tunnel.relay import Relay
from cli.tunnel.ssh_keys import make_key
from marathon.ssh import Ssh
from tests.ports import free_ports

SECONDS = 60


def ask(forwards, target, line):
    with forwards.connect(target) as connection:
        connection.settimeout(SECONDS)
        try:
            connection.sendall(line)
            return connection.recv(100)
        except (ConnectionResetError, BrokenPipeError):
            return b""


def descendants():
    return psutil.Process().children(recursive=True)


def test_bytes_go_both_ways_and_nothing_is_left(forwarding, echo, tmp_path):
    before = descendants()
    with forwarding(tmp_path, [echo.target]) as (_, forwards):
        assert ask(forwards, echo.target, b"one\n") == b"one\n"
        assert ask(forwards, echo.target, b"two\n") == b"two\n"
        assert len(descendants()) > len(before)
        assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert echo.lines == [b"one\n", b"two\n"]
    assert descendants() == before


def test_a_key_reaches_only_what_it_is_made_for(forwarding, echo, tmp_path):
    (elsewhere,) = free_ports(1)
    with forwarding(tmp_path, [("127.0.0.1", elsewhere)]) as (_, forwards):
        assert ask(forwards, echo.target, b"one\n") == b""
    assert echo.lines == []


def test_a_key_opens_no_shell_and_no_password_does(forwarding, echo, tmp_path):
    ssh = shutil.which("ssh")
    if ssh is None:
        pytest.skip("needs the command ssh")
    with forwarding(tmp_path, [echo.target]) as (gateway, _):
        options = [*gateway.options, gateway.destination]
        shell = subprocess.run([ssh, *options, "id"], capture_output=True, text=True, timeout=SECONDS)
        assert shell.returncode != 0 and shell.stdout == ""
        back = ["-N", "-o", "ExitOnForwardFailure=yes", "-R", f"0:127.0.0.1:{echo.port}"]
        remote = subprocess.run([ssh, *back, *options], capture_output=True, text=True, timeout=SECONDS)
        assert "remote port forwarding failed" in remote.stderr
        password = ["-v", "-o", "PubkeyAuthentication=no"]
        refused = subprocess.run(
            [ssh, *password, *options, "id"], capture_output=True, text=True, timeout=SECONDS
        )
        assert "Permission denied (publickey)" in refused.stderr


@pytest.mark.parametrize("wrong", ["key", "known_hosts"])
def test_a_stranger_is_refused_on_either_side(forwarding, echo, tmp_path, wrong):
    with forwarding(tmp_path, [echo.target]) as (gateway, forwards):
        other = tmp_path / "other"
        public = make_key(other)
        if wrong == "key":
            other.replace(tmp_path / "key")
        else:
            file = tmp_path / "known_hosts"
            file.write_text(f"{file.read_text().split()[0]} {' '.join(public.split()[:2])}\n")
        with pytest.raises(PipectlError, match=r"no tunnel to .*(denied|verif|not trusted)") as caught:
            forwards.connect(echo.target)
        assert caught.value.hint == gateway.advice


def test_the_end_of_the_server_is_noticed(forwarding, echo, tmp_path):
    with forwarding(tmp_path, [echo.target]) as (_, forwards):
        ask(forwards, echo.target, b"one\n")
        assert forwards.lost(0) is None
        [server] = [each for each in descendants() if "local_dcos.ssh.server" in each.cmdline()]
        server.kill()
        failure = forwards.lost(SECONDS)
        assert failure is not None and f"127.0.0.1:{echo.port} has ended" in failure.message


def test_a_listener_is_on_loopback_only_and_ends(forwarding, echo, tmp_path):
    with forwarding(tmp_path, [echo.target]) as (_, forwards):
        relay = Relay(forwards, lambda line: None)
        port = relay.port_for(echo.target)
        assert relay.port_for(echo.target) == port
        assert {each.laddr.ip for each in listeners(port)} == {"127.0.0.1"}
        with pytest.raises(PipectlError, match=f"cannot listen on 127.0.0.1:{port}: Address already in use"):
            relay.port_for(("127.0.0.1", 1), port)
        relay.close()
        assert listeners(port) == []


def test_the_connections_that_an_ssh_shares_are_left_alone(echo, tmp_path):
    if shutil.which("ssh") is None:
        pytest.skip("needs the command ssh")
    config = tmp_path / "config"
    config.write_text(f"ControlMaster auto\nControlPath {tmp_path}/shared\nControlPersist 1\n")
    with local_gateway(tmp_path, [echo.target]) as gateway:
        ssh = Ssh(host="127.0.0.1", port=int(gateway.options[-1]), user="tunnel", key=str(tmp_path / "key"))
        own = cluster_gateway(ssh, "").options
        options = ("-F", str(config), *own, *gateway.options[2:])
        forwards = Forwards(replace(gateway, options=options), tmp_path, SECONDS)
        try:
            assert ask(forwards, echo.target, b"one\n") == b"one\n"
            assert not (tmp_path / "shared").exists()
        finally:
            forwards.close()


def test_the_end_does_not_wait_for_a_login(tmp_path):
    silent = Gateway((sys.executable, "-c", "import time; time.sleep(600)"), (), "nobody", "")
    forwards = Forwards(silent, tmp_path, 600)
    with ThreadPoolExecutor(1) as pool:
        opening = pool.submit(forwards.open, ("127.0.0.1", 1))
        while not forwards._processes:
            assert not opening.done()
        forwards.close()
        with pytest.raises(PipectlError, match=r"the tunnel to 127.0.0.1:1 is closed"):
            opening.result(SECONDS)


def listeners(port):
    every = psutil.Process().net_connections(kind="tcp")
    return [each for each in every if each.status == "LISTEN" and each.laddr.port == port]


def test_the_line_of_a_key_names_each_target():
    line = authorized("ssh-ed25519 AAAA me\n", [("broker.kafka", 9092), ("10.0.0.1", 9093)])
    permits = 'permitopen="broker.kafka:9092",permitopen="10.0.0.1:9093"'
    assert line == f"restrict,port-forwarding,{permits} ssh-ed25519 AAAA me"


def test_a_key_without_permits_reaches_nothing(forwarding, echo, tmp_path):
    with forwarding(tmp_path, []) as (_, forwards):
        assert ask(forwards, echo.target, b"one\n") == b""
    assert echo.lines == []
