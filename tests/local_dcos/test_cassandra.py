"""The package cassandra with a real node."""

import json

import psutil
import pytest
from cassandra import AuthenticationFailed
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable
from cassandra.policies import RoundRobinPolicy

from tests import memory

pytestmark = pytest.mark.slow


def plan_status(cluster):
    shown = cluster.dcos("cassandra", "--name=results", "plan", "status", "deploy", "--json")
    return json.loads(shown.stdout)["status"] if shown.returncode == 0 else None


def answer(address, password, *statements):
    """The rows of the last statement."""
    host, port = address.split(":")
    cluster = Cluster(
        [host],
        port=int(port),
        auth_provider=PlainTextAuthProvider("cassandra", password),
        execution_profiles={EXEC_PROFILE_DEFAULT: ExecutionProfile(load_balancing_policy=RoundRobinPolicy())},
        protocol_version=5,
    )
    try:
        session = cluster.connect()
        return [list(session.execute(statement)) for statement in statements][-1]
    finally:
        cluster.shutdown()


def test_a_node_asks_for_its_password_and_keeps_its_rows_when_killed(own_cluster, tmp_path):
    memory.need(memory.CASSANDRA_MB, "Cassandra")
    options = tmp_path / "options.json"
    wanted = {"service": {"name": "results"}, "cassandra": {"native_transport_port": 0}}
    options.write_text(json.dumps(wanted))
    done = own_cluster.dcos("package", "install", "cassandra", f"--options={options}", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    own_cluster.wait_for(lambda: plan_status(own_cluster) == "COMPLETE", 120)
    endpoints = own_cluster.dcos("cassandra", "--name=results", "endpoints")
    assert json.loads(endpoints.stdout) == ["native-client"]
    found = own_cluster.dcos("cassandra", "--name=results", "endpoints", "native-client")
    [address] = json.loads(found.stdout)["address"]

    with pytest.raises(NoHostAvailable) as refused:
        answer(address, "cassandra", "SELECT release_version FROM system.local")
    assert isinstance(next(iter(refused.value.errors.values())), AuthenticationFailed)
    secret = own_cluster.home / "secrets" / "results-password"
    assert secret.stat().st_mode & 0o077 == 0
    password = secret.read_text().strip()
    once = "WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}"
    written = (
        f"CREATE KEYSPACE kept {once}",
        "CREATE TABLE kept.rows (id int PRIMARY KEY)",
        "INSERT INTO kept.rows (id) VALUES (7)",
    )
    answer(address, password, *written)

    [java] = [pid for pid in own_cluster.processes() if "java" in psutil.Process(pid).name()]
    listening = {each.laddr.ip for each in psutil.Process(java).net_connections() if each.status == "LISTEN"}
    assert listening == {"127.0.0.1"}
    psutil.Process(java).kill()
    own_cluster.wait_for(lambda: plan_status(own_cluster) is None, 30)
    own_cluster.wait_for(lambda: plan_status(own_cluster) == "COMPLETE", 60)
    assert [row.id for row in answer(address, password, "SELECT id FROM kept.rows")] == [7]
    listed = json.loads(own_cluster.dcos("package", "list", "--json").stdout)
    assert [(each["name"], each["apps"]) for each in listed] == [("cassandra", ["/results"])]
    assert own_cluster.dcos("package", "uninstall", "cassandra", "--yes").returncode == 0
    own_cluster.wait_for(lambda: own_cluster.processes() == [], 30)
