"""The small client: what it prints, on which stream, and its exit codes."""

import json
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from local_dcos.client.rest import ClientError, follow, request

SLEEP = {"id": "/small", "cmd": "exec sleep 1000", "mem": 32, "cpus": 0.1}


def test_the_life_of_an_app(cluster, tmp_path):
    path = tmp_path / "app.json"
    path.write_text(json.dumps(SLEEP))
    added = cluster.dcos("marathon", "app", "add", str(path))
    assert added.returncode == 0
    assert added.stdout.startswith("Created deployment ")
    cluster.settle()
    again = cluster.dcos("marathon", "app", "add", stdin=json.dumps(SLEEP))
    assert (again.returncode, again.stdout, again.stderr) == (1, "", "Application '/small' already exists\n")
    assert json.loads(cluster.dcos("marathon", "app", "show", "small").stdout)["tasksRunning"] == 1
    cluster.dcos("marathon", "app", "update", "small", stdin='{"labels": {"x": "y"}}')
    cluster.settle()
    assert cluster.app("/small")["labels"] == {"x": "y"}
    (task,) = json.loads(cluster.dcos("marathon", "task", "list", "small").stdout)
    assert task["id"] == cluster.app("/small")["tasks"][0]["id"]
    assert json.loads(cluster.dcos("marathon", "task", "list", "--json", "/other").stdout) == []
    removed = cluster.dcos("marathon", "app", "remove", "small")
    assert (removed.returncode, removed.stdout, removed.stderr) == (0, "", "")


def test_what_an_app_waits_for(cluster, taken_port):
    ports = {"requirePorts": True, "portDefinitions": [{"port": taken_port}]}
    cluster.marathon("POST", "apps", {**SLEEP, **ports})
    (item,) = cluster.wait_for(lambda: json.loads(cluster.dcos("marathon", "debug", "list").stdout))
    summary = cluster.dcos("marathon", "debug", "summary", "small")
    assert json.loads(summary.stdout)["app"] == item["app"]
    (deployment,) = json.loads(cluster.dcos("marathon", "deployment", "list").stdout)
    assert deployment["affectedApps"] == ["/small"]
    absent = cluster.dcos("marathon", "debug", "summary", "absent")
    assert (absent.returncode, absent.stderr) == (1, "No apps found in Marathon queue\n")


def test_errors_read_as_those_of_the_real_client(cluster):
    cluster.marathon("POST", "apps", cluster.web("/locked", args=["sleep", "1000"]))
    locked = cluster.dcos("marathon", "app", "update", "locked", stdin='{"instances": 2}')
    assert (locked.returncode, locked.stderr) == (
        1,
        "Changes blocked: deployment already in progress for app.\n",
    )
    forced = cluster.dcos("marathon", "app", "update", "--force", "locked", stdin='{"instances": 2}')
    assert forced.returncode == 0
    wrong = cluster.dcos("marathon", "app", "add", stdin='{"id": "/x", "cmd": "true", "portz": 1}')
    assert wrong.returncode == 1
    assert 'HTTP 422: "{"message": "Object is not valid"' in wrong.stderr
    missing = cluster.dcos("marathon", "app", "show", "nothing")
    assert (missing.returncode, missing.stderr) == (1, "Error: App '/nothing' does not exist\n")
    for absent in ("nothing", "no thing", "no/thing", "no?thing"):
        job = cluster.dcos("job", "run", absent)
        assert (job.returncode, job.stderr) == (1, "Error: Job not found\n")
    usage = cluster.dcos("marathon", "app", "list", "--bogus")
    assert usage.returncode == 1
    assert usage.stdout.startswith("Invalid subcommand usage\n")


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["security", "org"], "security org"),
        (["marathon", "plugin", "list", "--json"], "marathon plugin list"),
        (["marathon"], "marathon"),
        (["task"], "task"),
    ],
)
def test_a_command_that_only_the_real_client_has(cluster, command, name):
    unknown = cluster.dcos(*command)
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert unknown.stderr.startswith(f"'{name}' is not a dcos command of this small client")
    assert "pip install dcoscli" in unknown.stderr


def test_kafka_prints_its_errors_on_stdout(cluster):
    refused = cluster.dcos("kafka", "--name=absent", "topic", "list")
    assert (refused.returncode, refused.stderr) == (1, "")
    assert refused.stdout.startswith("Could not reach the service scheduler with name 'absent'.\n")


def test_without_a_cluster(cluster, monkeypatch):
    env = {"DCOS_URL": "http://127.0.0.1:1", "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-m", "local_dcos.client", "marathon", "app", "list"]
    gone = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert (gone.returncode, gone.stdout) == (1, "")
    assert gone.stderr == "URL [http://127.0.0.1:1/service/marathon/v2/apps] is unreachable.\n"
    env = {"DCOS_URL": cluster.url, "DCOS_ACS_TOKEN": "wrong", "PATH": "/usr/bin:/bin"}
    refused = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert refused.stderr == "Your core.dcos_acs_token is invalid. Please run: `dcos auth login`\n"


def test_configuration(cluster):
    assert cluster.dcos("config", "show", "core.dcos_url").stdout == cluster.url + "\n"
    absent = cluster.dcos("config", "show", "core.ssl_verify")
    assert (absent.returncode, absent.stderr) == (1, "Property 'core.ssl_verify' doesn't exist\n")
    assert "dcos marathon app add" in cluster.dcos().stdout


def test_options_that_cannot_be_read_are_an_error_with_the_name_of_the_file(cluster, tmp_path):
    binary = tmp_path / "options.json"
    binary.write_bytes(b"\xff\xfe{}")
    for file, said in (
        (binary, "Error loading JSON: 'utf-8' codec can't decode"),
        # A file that even root can't read from its start.
        ("/proc/self/mem", "Can't read from resource: /proc/self/mem: "),
    ):
        done = cluster.dcos("package", "install", "kafka", f"--options={file}", "--yes")
        assert done.returncode == 1
        assert done.stderr.startswith(said), done.stderr
    assert cluster.app("/kafka") is None


def test_packages_before_any_is_installed(cluster):
    assert json.loads(cluster.dcos("package", "list", "--json").stdout) == []
    assert (
        cluster.dcos("package", "uninstall", "kafka", "--yes").stderr == "Package [kafka] is not installed\n"
    )
    version = cluster.dcos("package", "install", "kafka", "--package-version=0.0", "--yes")
    assert (version.returncode, version.stderr) == (1, "Version [0.0] of package [kafka] not found\n")
    assert cluster.dcos("package", "install", "nothing", "--yes").stderr == "Package [nothing] not found\n"
    (newest,) = json.loads(cluster.dcos("package", "describe", "kafka", "--package-versions").stdout)
    described = json.loads(cluster.dcos("package", "describe", "kafka").stdout)
    assert described["package"]["version"] == newest
    unasked = cluster.dcos("package", "install", "kafka")
    assert (unasked.returncode, "--yes" in unasked.stderr) == (1, True)
    assert cluster.dcos("package", "install", "kafka", "--cli", "--yes").returncode == 0
    assert cluster.app("/kafka") is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"brokerz": {}}, "'brokerz' was unexpected"),
        ({"brokers": {"port": "x"}}, "Path: /brokers/port: 'x' is not of type 'integer'"),
        ({"brokers": {"count": 3}}, "Path: /brokers/count: 3 is greater than the maximum of 1"),
    ],
)
def test_wrong_options_are_refused_with_their_path(cluster, tmp_path, options, said):
    path = tmp_path / "options.json"
    path.write_text(json.dumps(options))
    refused = cluster.dcos("package", "install", "kafka", f"--options={path}", "--yes")
    assert refused.returncode == 1
    assert said in refused.stderr
    assert cluster.app("/kafka") is None


def test_logs_of_running_and_ended_tasks(cluster):
    cluster.run({"id": "/words", "cmd": "seq 1 50; exec sleep 1000"})
    cluster.wait_for(lambda: cluster.dcos("task", "log", "--lines=2", "words").stdout == "49\n50\n")
    assert cluster.dcos("task", "log", "words", "stderr").stderr == "No logs found\n"
    assert cluster.dcos("task", "log", "nothing").stderr == "No matching tasks. Exiting.\n"
    cluster.marathon("DELETE", "apps/words")
    cluster.settle()
    ended = cluster.dcos("task", "log", "words")
    assert "Run with --completed to see these logs." in ended.stderr
    assert cluster.dcos("task", "log", "--completed", "--lines", "1", "words").stdout == "50\n"


_PLAIN, _CHUNKED = b"Content-Length: 9", b"Transfer-Encoding: chunked"


@pytest.mark.parametrize(
    ("ask", "headers", "body"),
    [
        (request, _PLAIN, b"{}"),
        (request, _PLAIN, b""),
        (lambda _, path: list(follow(path)), _CHUNKED, b"9\r\ndata: a\n\n\r\n"),
    ],
)
def test_a_cluster_that_goes_away_in_its_answer_is_unreachable(monkeypatch, ask, headers, body):
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("DCOS_URL", f"http://127.0.0.1:{server.getsockname()[1]}")

        def answer():
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200\r\n" + headers + b"\r\nConnection: close\r\n\r\n" + body)

        with ThreadPoolExecutor(1) as thread:
            served = thread.submit(answer)
            with pytest.raises(ClientError, match="is unreachable"):
                ask("GET", "/dcos-metadata/dcos-version.json")
            served.result()
