"""The small client: what it prints, where, and how it ends."""

import json
import subprocess
import sys

import pytest

SLEEP = {"id": "/small", "cmd": "exec sleep 1000", "mem": 32, "cpus": 0.1}


def test_an_apps_life(cluster, tmp_path):
    path = tmp_path / "app.json"
    path.write_text(json.dumps(SLEEP))
    added = cluster.dcos("marathon", "app", "add", str(path))
    assert added.returncode == 0
    assert added.stdout.startswith("Created deployment ")
    cluster.settle()
    again = cluster.dcos("marathon", "app", "add", stdin=json.dumps(SLEEP))
    assert (again.returncode, again.stdout, again.stderr) == (1, "", "Application '/small' already exists\n")
    assert json.loads(cluster.dcos("marathon", "app", "show", "small").stdout)["tasksRunning"] == 1
    updated = cluster.dcos("marathon", "app", "update", "small", "instances=2", "cpus=0.2")
    assert updated.returncode == 0
    cluster.settle()
    assert (cluster.app("/small")["instances"], cluster.app("/small")["cpus"]) == (2, 0.2)
    cluster.dcos("marathon", "app", "update", "small", stdin='{"labels": {"x": "y"}}')
    cluster.settle()
    assert cluster.app("/small")["labels"] == {"x": "y"}
    older = json.loads(cluster.dcos("marathon", "app", "show", "--app-version=-1", "small").stdout)
    assert older["labels"] == {}
    assert cluster.dcos("marathon", "app", "start", "small").stdout == (
        "Application 'small' already started: 2 instances.\n"
    )
    assert cluster.dcos("marathon", "app", "restart", "small").returncode == 0
    cluster.settle()
    assert cluster.dcos("marathon", "app", "stop", "small").returncode == 0
    cluster.settle()
    assert cluster.dcos("marathon", "app", "stop", "small").returncode == 1
    removed = cluster.dcos("marathon", "app", "remove", "small")
    assert (removed.returncode, removed.stdout, removed.stderr) == (0, "", "")


def test_no_deployments_is_an_error_but_not_as_json(cluster):
    none = cluster.dcos("marathon", "deployment", "list")
    assert (none.returncode, none.stdout, none.stderr) == (1, "", "There are no deployments\n")
    as_json = cluster.dcos("marathon", "deployment", "list", "--json")
    assert (as_json.returncode, as_json.stdout) == (0, "[]\n")
    assert cluster.dcos("marathon", "deployment", "watch", "unknown").returncode == 0


def test_refusals_as_the_real_client_says_them(cluster):
    cluster.marathon("POST", "apps", cluster.web("/locked", args=["sleep", "1000"]))
    locked = cluster.dcos("marathon", "app", "update", "locked", "instances=2")
    assert (locked.returncode, locked.stderr) == (
        1,
        "Changes blocked: deployment already in progress for app.\n",
    )
    assert cluster.dcos("marathon", "app", "update", "--force", "locked", "instances=2").returncode == 0
    wrong = cluster.dcos("marathon", "app", "add", stdin='{"id": "/x", "cmd": "true", "portz": 1}')
    assert wrong.returncode == 1
    assert 'HTTP 422: "{"message": "Object is not valid"' in wrong.stderr
    missing = cluster.dcos("marathon", "app", "show", "nothing")
    assert (missing.returncode, missing.stderr) == (1, "Error: App '/nothing' does not exist\n")
    unknown = cluster.dcos("security", "org")
    assert (unknown.returncode, unknown.stderr) == (1, "'security' is not a dcos command.\n")
    usage = cluster.dcos("marathon", "app", "list", "--bogus")
    assert usage.returncode == 1
    assert usage.stdout.startswith("Invalid subcommand usage\n")


def test_kafka_says_its_errors_on_stdout(cluster):
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


def test_configuration_and_versions(cluster):
    assert cluster.dcos("config", "show", "core.dcos_url").stdout == cluster.url + "\n"
    assert cluster.token not in cluster.dcos("config", "show").stdout
    listed = json.loads(cluster.dcos("cluster", "list", "--attached", "--json").stdout)
    assert [(one["name"], one["url"], one["attached"]) for one in listed] == [("local", cluster.url, True)]
    assert "dcoscli.version=0.6.1\ndcos.version=" in cluster.dcos("--version").stdout
    assert cluster.dcos("marathon", "ping").stdout == "Marathon ping response[1x]: pong\n"


def test_packages_before_any_is_installed(cluster):
    none = cluster.dcos("package", "list")
    assert (none.returncode, none.stdout) == (1, "")
    assert none.stderr.startswith("There are currently no installed packages.")
    assert json.loads(cluster.dcos("package", "list", "--json").stdout) == []
    assert (
        cluster.dcos("package", "uninstall", "kafka", "--yes").stderr == "Package [kafka] is not installed\n"
    )
    version = cluster.dcos("package", "install", "kafka", "--package-version=0.0", "--yes")
    assert (version.returncode, version.stderr) == (1, "Version [0.0] of package [kafka] not found\n")
    assert cluster.dcos("package", "install", "nothing", "--yes").stderr == "Package [nothing] not found\n"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"brokerz": {}}, "Unexpected properties: ['brokerz']"),
        ({"brokers": {"port": "x"}}, "Path: brokers.port"),
        ({"brokers": {"count": 3}}, "Path: brokers.count"),
    ],
)
def test_wrong_options_name_their_place(cluster, tmp_path, options, said):
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
