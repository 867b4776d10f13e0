"""The Go client, dcos 1.2.0, and `dcos kafka` as its plugin.

Its core plugin (marathon, package, task) is not available as a Go module.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

from cli.engine.dcos.clusters import DcosClusters
from cli.engine.dcos.faults import CommandMissing, NoCluster
from cli.engine.dcos.runner import Dcos
from cli.errors import NotLoggedIn

# Building the client takes a minute or two, once per machine.
pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(600)]


class GoDcos:
    """dcos 1.2.0, attached to a cluster by a configuration folder of its own."""

    def __init__(self, cluster, folder: Path, program: Path) -> None:
        self.environ = {**os.environ, "DCOS_DIR": str(folder / "dcos")}
        self.environ.pop("DCOS_URL", None)
        self.program = str(program)
        cluster.attach(folder / "dcos")

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [self.program, *arguments]
        return subprocess.run(command, env=self.environ, capture_output=True, text=True, timeout=60)

    @property
    def runner(self) -> Dcos:
        """As pipectl runs it."""
        return Dcos((self.program,), self.environ, attempts=1)


@pytest.fixture
def go(cluster, tmp_path, go_dcos) -> GoDcos:
    return GoDcos(cluster, tmp_path, go_dcos)


def command_url(cluster) -> str:
    """The address of the program behind `dcos kafka`."""
    package = json.loads(cluster.dcos("package", "describe", "kafka").stdout)["package"]
    return package["resource"]["cli"]["binaries"]["linux"]["x86-64"]["url"]


def test_it_reads_the_attached_cluster(cluster, go):
    shown = go("config", "show", "core.dcos_url")
    assert (shown.returncode, shown.stdout) == (0, f"{cluster.url}\n")
    (listed,) = json.loads(go("cluster", "list", "--json").stdout)
    assert (listed["name"], listed["url"], listed["attached"]) == ("local", cluster.url, True)
    assert (listed["cluster_id"], listed["status"]) == (cluster.document["id"], "AVAILABLE")
    go.environ["DCOS_CLUSTER"] = "local"
    assert go("config", "show", "core.dcos_url").stdout == f"{cluster.url}\n"


def test_it_logs_in_and_out(cluster, go, tmp_path):
    password = tmp_path / "password"
    password.touch(mode=0o600)
    password.write_text(cluster.token)
    assert go("auth", "logout").returncode == 0
    assert go("config", "show", "core.dcos_acs_token").returncode == 1
    assert "dcos-users" in go("auth", "list-providers").stdout
    done = go("auth", "login", "--username=me", f"--password-file={password}")
    assert done.returncode == 0, done.stderr
    assert go("config", "show", "core.dcos_acs_token").stdout == f"{cluster.token}\n"


def test_a_command_without_a_plugin_is_missing(go):
    assert go("marathon", "app", "list").returncode == 0, "or the usage is no longer taken for success"
    for command in (
        ["marathon", "app", "list", "--json"],
        ["kafka", "--name=kafka", "topic", "list"],
        ["kafka", "topic", "list"],
        ["security", "org", "service-accounts", "show", "x"],
    ):
        with pytest.raises(CommandMissing):
            go.runner.run(command)


def test_the_command_of_a_package_is_its_plugin(cluster, go):
    added = go("plugin", "add", command_url(cluster))
    assert added.returncode == 0 and "New commands available: kafka" in added.stderr, added.stderr
    for command in (["topic", "list"], ["plan", "status", "deploy"], ["endpoints", "broker"]):
        theirs = go("kafka", "--name=absent", *command)
        ours = cluster.dcos("kafka", "--name=absent", *command)
        assert (theirs.returncode, theirs.stdout, theirs.stderr) == (
            ours.returncode,
            ours.stdout,
            ours.stderr,
        )
        assert "Could not reach the service scheduler" in theirs.stdout
    go("auth", "logout")
    with pytest.raises(NotLoggedIn):
        go.runner.run(["kafka", "--name=absent", "topic", "list"])


def test_kafka_by_the_plugin(own_cluster, go_dcos, tmp_path):
    client = GoDcos(own_cluster, tmp_path / "go", go_dcos)
    options = tmp_path / "options.json"
    options.write_text(json.dumps({"service": {"name": "events"}, "brokers": {"port": 0}}))
    installed = own_cluster.dcos("package", "install", "kafka", f"--options={options}", "--yes")
    assert installed.returncode == 0, installed.stdout + installed.stderr
    client("plugin", "add", command_url(own_cluster))

    def is_complete() -> bool:
        shown = client("kafka", "--name=events", "plan", "show", "deploy", "--json")
        return shown.returncode == 0 and json.loads(shown.stdout)["status"] == "COMPLETE"

    own_cluster.wait_for(is_complete, 120)
    created = client("kafka", "--name=events", "topic", "create", "a.B", "--partitions=2", "--replication=1")
    assert created.returncode == 0, created.stdout
    for command in (
        ["topic", "list"],
        ["topic", "describe", "a.B"],
        ["endpoints", "broker"],
    ):
        theirs = client("kafka", "--name=events", *command)
        ours = own_cluster.dcos("kafka", "--name=events", *command)
        assert (theirs.returncode, theirs.stdout, theirs.stderr) == (0, ours.stdout, ours.stderr)


def test_it_links_two_clusters(cluster, own_cluster, go):
    folder = Path(go.environ["DCOS_DIR"])
    own_cluster.attach(folder)
    other = own_cluster.document["id"]
    (folder / "clusters" / other / "attached").unlink()
    clusters = DcosClusters(go.runner)
    assert clusters.linked() == []
    clusters.link(other)
    (linked,) = clusters.linked()
    assert (linked.id, linked.url, linked.current) == (other, own_cluster.url, False)
    assert {one.id: one.current for one in clusters.known()} == {cluster.document["id"]: True, other: False}
    assert all(one.version == "2.0.0" for one in clusters.known())
    status, answer = cluster.call("GET", "/cluster/v1/links")
    assert status == 200
    assert answer["links"][0]["login_provider"] == {"id": "dcos-users", "type": "dcos-uid-password"}
    clusters.unlink(other)
    assert clusters.linked() == []
    with pytest.raises(NoCluster):
        clusters.link("another")
