"""The package hdfs with a real name node and data node, and the store on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing

import httpx
import psutil
import pytest

from stores.base import Batch
from stores.errors import UnreachableError
from stores.hdfs import HdfsFiles, HdfsStore
from stores.webhdfs import WebHdfs, address_of
from tests.stores.batches import ALWAYS, FLOW, rows

pytestmark = pytest.mark.slow
# Both nodes take 10 s of CPU, on a machine that may have other things to do.
READY_SECONDS = 180


def plan_status(cluster):
    shown = cluster.dcos("hdfs", "--name=files", "plan", "status", "deploy", "--json")
    return json.loads(shown.stdout)["status"] if shown.returncode == 0 else None


def offsets(store):
    return [row["offset"] for row in store.read(FLOW, *ALWAYS)]


def check_as_the_stand_in(client):
    """What the quick tests take for granted."""
    client.create("a")
    client.create("a")
    assert client.rename("a", "b") and not client.rename("a", "b")
    assert not client.rename("none", "c") and HdfsFiles(client).list("none") == []
    client.create("c")
    assert not client.rename("c", "b")
    client.remove("none")


def check_one_user(store, address):
    """Every row once, for the user pipectl only, and not for a page in a browser."""
    for number in (1, 2, 2, *range(3, 13)):
        store.write(FLOW, Batch("w", number), rows(number))
    assert offsets(store) == list(range(10, 130))
    [stored] = store.describe()
    assert stored.files is not None and stored.files <= 8
    with closing(WebHdfs(address_of(f"{address}/user/pipectl/results"))) as client:
        check_as_the_stand_in(client)

    folder = f"http://{address}/webhdfs/v1/user/pipectl/results"
    other = httpx.get(folder, params={"op": "LISTSTATUS", "user.name": "other"}, trust_env=False)
    assert other.status_code == 403 and "Permission denied: user=other" in other.text
    query, page = {"op": "MKDIRS", "user.name": "pipectl"}, {"user-agent": "Mozilla/5.0"}
    assert httpx.put(f"{folder}/x", params=query, headers=page, trust_env=False).status_code == 400
    refused = pytest.raises(UnreachableError, match=r"refuses MKDIRS of /other/.*-chown pipectl /other")
    with closing(HdfsStore(address_of(f"{address}/other"))) as elsewhere, refused:
        elsewhere.write(FLOW, Batch("w", 1), rows(1))


def check_client(address):
    """Hadoop's client on the jars of the nodes sees the same files, and fails as Hadoop's does."""
    command = [sys.executable, "-m", "local_dcos.hdfs.client"]
    files = ["dfs", "-D", "dfs.webhdfs.rest-csrf.enabled=true", "-fs", f"webhdfs://{address}"]
    environ = os.environ | {"HADOOP_USER_NAME": "pipectl"}

    def run(*arguments):
        argv = [*command, *arguments]
        return subprocess.run(argv, env=environ, capture_output=True, text=True, check=False)

    listed = run(*files, "-ls", "/user/pipectl")
    assert (listed.returncode, listed.stderr) == (0, "") and "/user/pipectl/results" in listed.stdout
    missing = run(*files, "-cat", "/user/pipectl/none")
    assert missing.returncode == 1
    assert missing.stderr.strip() == "cat: `/user/pipectl/none': No such file or directory"
    assert run("version").returncode == 2


def test_nodes_keep_every_row_for_one_user_and_start_again(own_cluster, tmp_path):
    options = tmp_path / "options.json"
    options.write_text(json.dumps({"service": {"name": "files"}, "hdfs": {"name_node_http_port": 0}}))
    done = own_cluster.dcos("package", "install", "hdfs", f"--options={options}", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    own_cluster.wait_for(lambda: plan_status(own_cluster) == "COMPLETE", READY_SECONDS)
    found = own_cluster.dcos("hdfs", "--name=files", "endpoints", "webhdfs")
    [address] = json.loads(found.stdout)["address"]

    with closing(HdfsStore(address_of(f"{address}/user/pipectl/results"))) as store:
        check_one_user(store, address)
        check_client(address)
        nodes = [each for each in map(psutil.Process, own_cluster.processes()) if each.name() == "java"]
        assert len(nodes) == 2
        sockets = [each for node in nodes for each in node.net_connections() if each.status == "LISTEN"]
        assert {each.laddr.ip for each in sockets} == {"127.0.0.1"}
        nodes[0].kill()
        own_cluster.wait_for(lambda: plan_status(own_cluster) is None, 30)
        own_cluster.wait_for(lambda: plan_status(own_cluster) == "COMPLETE", READY_SECONDS)
        assert offsets(store) == list(range(10, 130))
    assert own_cluster.dcos("package", "uninstall", "hdfs", "--yes").returncode == 0
    own_cluster.wait_for(lambda: own_cluster.processes() == [], 60)
