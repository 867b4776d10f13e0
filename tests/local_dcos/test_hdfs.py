"""The package hdfs with a real name node and data node, and the store on it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from contextlib import closing

import httpx
import psutil
import pytest

from cli.store_logins import hdfs_file
from stores.base import Batch
from stores.errors import UnreachableError
from stores.hdfs import HdfsFiles, HdfsStore
from stores.webhdfs import WebHdfs, address_of
from tests import strangers
from tests.stores.batches import ALWAYS, FLOW, rows
from tests.strangers import listening

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


def check_one_user(store, address, header):
    """Every row once, for the user pipectl only."""
    for number in (1, 2, 2, *range(3, 13)):
        store.write(FLOW, Batch("w", number), rows(number))
    assert offsets(store) == list(range(10, 130))
    [stored] = store.describe()
    assert stored.files is not None and stored.files <= 8
    with closing(WebHdfs(address_of(f"{address}/user/pipectl/results"))) as client:
        check_as_the_stand_in(client)

    folder = f"http://{address}/webhdfs/v1/user/pipectl/results"
    query = {"op": "LISTSTATUS", "user.name": "other"}
    other = httpx.get(folder, params=query, headers={header: ""}, trust_env=False)
    assert other.status_code == 403 and "Permission denied: user=other" in other.text
    refused = pytest.raises(UnreachableError, match=r"refuses MKDIRS of /other/.*-chown pipectl /other")
    with closing(HdfsStore(address_of(f"{address}/other"))) as elsewhere, refused:
        elsewhere.write(FLOW, Batch("w", 1), rows(1))


def check_door(nodes, address, header):
    """Both nodes answer only who knows the header, at every path: no page of a web site does."""
    by_node = [{port for _, port in listening(node)} for node in nodes]
    # RPC answers HTTP too, with an explanation. The data node has a web server behind its port for HTTP.
    served = [strangers.serving_only_who_may(ports) for ports in by_node]
    assert sorted(map(len, served)) == [2, 3]
    query = {"op": "CREATE", "user.name": "pipectl", "overwrite": "true"}
    url = f"http://{address}/webhdfs/v1/user/pipectl/results/x"
    with httpx.Client(trust_env=False) as client:
        redirect = client.put(url, params=query, headers={header: ""})
        there = redirect.headers["location"]
        assert redirect.status_code == 307
        for wrong in ({}, {"X-XSRF-HEADER": ""}, {"User-Agent": ""}, {"Host": "evil.example"}):
            for method, asked in (
                ("GET", f"http://{address}/conf"),
                ("GET", f"http://{address}/imagetransfer?getimage=1&txid=latest"),
                ("GET", url + "?op=LISTSTATUS&user.name=hdfs"),
                ("DELETE", url + "?op=DELETE&user.name=hdfs"),
                ("PUT", there),
                ("GET", there.partition("/webhdfs")[0] + "/conf"),
            ):
                refused = client.request(method, asked, headers=wrong)
                assert refused.status_code == 400, (method, asked, wrong)
                assert header not in f"{refused.text} {refused.headers}".lower()
        assert client.put(there, headers={header: ""}).status_code == 201
        shown = client.get(f"http://{address}/jmx", headers={header: ""})
        assert shown.status_code == 200 and header not in shown.text


def check_secret(home, nodes, header):
    """Only files of this user hold the header's name."""
    assert re.fullmatch("[0-9a-f]{64}", header)
    assert not any(header in " ".join(node.cmdline()) for node in nodes)
    holding = [each for each in home.rglob("*") if each.is_file() and header.encode() in each.read_bytes()]
    assert {each.name for each in holding} == {"files-header", "hdfs-site.xml", "web.xml"}
    assert {each.stat().st_mode & 0o777 for each in holding} == {0o600}


def check_client(address, header, folder):
    """Hadoop's client on the jars of the nodes sees the same files, and fails as Hadoop's does."""
    command = [sys.executable, "-m", "local_dcos.hdfs.client"]
    files = ["dfs", "-conf", str(hdfs_file(folder, header)), "-fs", f"webhdfs://{address}"]
    environ = os.environ | {"HADOOP_USER_NAME": "pipectl"}

    def run(*arguments):
        argv = [*command, *arguments]
        return subprocess.run(argv, env=environ, capture_output=True, text=True, check=False)

    listed = run(*files, "-ls", "/user/pipectl")
    assert (listed.returncode, listed.stderr) == (0, "") and "/user/pipectl/results" in listed.stdout
    source = folder / "source"
    source.write_text("content")
    assert run(*files, "-put", str(source), "/user/pipectl/copy").stderr == ""
    assert run(*files, "-cat", "/user/pipectl/copy").stdout == "content"
    missing = run(*files, "-cat", "/user/pipectl/none")
    assert missing.returncode == 1
    assert missing.stderr.strip() == "cat: `/user/pipectl/none': No such file or directory"
    assert run("version").returncode == 2


def test_nodes_keep_every_row_for_one_user_and_start_again(own_cluster, tmp_path, monkeypatch):
    options = tmp_path / "options.json"
    options.write_text(json.dumps({"service": {"name": "files"}, "hdfs": {"name_node_http_port": 0}}))
    done = own_cluster.dcos("package", "install", "hdfs", f"--options={options}", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    own_cluster.wait_for(lambda: plan_status(own_cluster) == "COMPLETE", READY_SECONDS)
    found = own_cluster.dcos("hdfs", "--name=files", "endpoints", "webhdfs")
    [address] = json.loads(found.stdout)["address"]

    refused = pytest.raises(UnreachableError, match="HDFS_HEADER is not that name; put it there")
    with closing(WebHdfs(address_of(f"{address}/user"))) as stranger, refused:
        stranger.list("")
    header = (own_cluster.home / "secrets" / "files-header").read_text().strip()
    monkeypatch.setenv("HDFS_HEADER", header)
    with closing(HdfsStore(address_of(f"{address}/user/pipectl/results"))) as store:
        check_one_user(store, address, header)
        check_client(address, header, tmp_path)
        nodes = [each for each in map(psutil.Process, own_cluster.processes()) if each.name() == "java"]
        assert len(nodes) == 2
        assert {ip for node in nodes for ip, _ in listening(node)} == {"127.0.0.1"}
        check_door(nodes, address, header)
        check_secret(own_cluster.home, nodes, header)
        nodes[0].kill()
        own_cluster.wait_for(lambda: plan_status(own_cluster) is None, 30)
        own_cluster.wait_for(lambda: plan_status(own_cluster) == "COMPLETE", READY_SECONDS)
        assert offsets(store) == list(range(10, 130))
    assert own_cluster.dcos("package", "uninstall", "hdfs", "--yes").returncode == 0
    own_cluster.wait_for(lambda: own_cluster.processes() == [], 60)
