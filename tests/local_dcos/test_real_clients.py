"""Real clients against the cluster: PyPI's dcoscli 0.6.1 and marathon, each in an environment of its own.

The environments are built once per machine, in the user's cache folder.
"""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


class RealDcos:
    """PyPI dcoscli, attached to a cluster by a configuration folder of its own."""

    def __init__(self, cluster, folder: Path, program: Path) -> None:
        self._program = program
        self._env = {**os.environ, "DCOS_DIR": str(folder)}
        self._env.pop("DCOS_URL", None)
        # With TERM, `deployment watch` would clear the screen first.
        self._env.pop("TERM", None)
        cluster.attach(folder)

    def __call__(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [str(self._program), *arguments]
        return subprocess.run(
            command, input=stdin, env=self._env, capture_output=True, text=True, timeout=120
        )


@pytest.fixture
def real(own_cluster, tmp_path, dcoscli) -> RealDcos:
    return RealDcos(own_cluster, tmp_path / "dcos", dcoscli)


def both(cluster, real, *arguments: str, stdin: str = ""):
    """Runs a command that changes nothing with both clients. They must agree in every respect.

    Tasks may change between the two runs, so only a difference that stays is one.
    """
    for _ in range(3):
        theirs = real(*arguments, stdin=stdin)
        ours = cluster.dcos(*arguments, stdin=stdin)
        if ours.stdout == theirs.stdout:
            break
    assert (ours.stdout, ours.stderr, ours.returncode) == (theirs.stdout, theirs.stderr, theirs.returncode)
    return theirs


def masked(text: str) -> str:
    """Masks the ids and times that differ between two runs of the same change."""
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\dT[\d:.]+Z", "*", text)


def test_both_clients_carry_an_app_through_its_life(own_cluster, real):
    seen = {}
    for name, client in (("theirs", real), ("ours", own_cluster.dcos)):
        outputs = seen[name] = []

        def run(*arguments: str, stdin: str = "", client=client, outputs=outputs) -> None:
            done = client(*arguments, stdin=stdin)
            own_cluster.settle()
            outputs.append((arguments, done.returncode, masked(done.stdout), done.stderr))

        definition = json.dumps(own_cluster.web("/life", mem=32, cpus=0.1))
        run("marathon", "app", "add", stdin=definition)
        run("marathon", "app", "add", stdin=definition)
        run("marathon", "app", "update", "life", stdin='{"instances": 2, "mem": 48}')
        run("marathon", "app", "update", "life", stdin='{"instances": "many"}')
        run("marathon", "app", "update", "absent", stdin='{"instances": 2}')
        run("marathon", "app", "remove", "life")
        run("marathon", "app", "remove", "life")
    assert [run[1] for run in seen["theirs"]] == [0, 1, 0, 1, 1, 0, 1]
    assert seen["ours"] == seen["theirs"]


def test_what_only_the_real_client_can_do(own_cluster, real):
    def run(*arguments: str, code: int = 0) -> str:
        done = real("marathon", *arguments)
        own_cluster.settle()
        assert done.returncode == code, (arguments, done.stdout, done.stderr)
        return done.stdout

    app = own_cluster.run(own_cluster.web("/life", mem=32, cpus=0.1))
    task = app["tasks"][0]["id"]
    run("app", "update", "life", "cpus=0.2", "mem=48", "requirePorts=false", "constraints=[]")
    assert json.loads(run("app", "show", "--app-version=-1", "life"))["cpus"] == 0.1
    assert len(json.loads(run("app", "version", "list", "life"))) == 2
    assert "/life" in run("app", "list")
    run("app", "restart", "/life")
    run("app", "start", "life", code=1)
    run("task", "show", task, code=1)
    task = own_cluster.app("/life")["tasks"][0]["id"]
    assert task in run("task", "list")
    assert task in run("task", "kill", task)
    own_cluster.wait_for(lambda: own_cluster.app("/life")["tasksHealthy"] == 1)
    run("app", "kill", "--scale", "life")
    assert own_cluster.app("/life")["instances"] == 0
    run("app", "start", "life", "2")
    assert own_cluster.app("/life")["tasksHealthy"] == 2
    run("app", "stop", "life")
    run("app", "remove", "life")


def test_the_real_client_rolls_a_deployment_back(own_cluster, real):
    own_cluster.run({"id": "/back", "cmd": "exec sleep 1000"})
    stuck = own_cluster.marathon("PUT", "apps/back", own_cluster.web("/back", args=["sleep", "1000"]))
    assert stuck["deploymentId"] in real("marathon", "deployment", "list").stdout
    done = real("marathon", "deployment", "rollback", stuck["deploymentId"])
    assert done.returncode == 0, done.stderr
    own_cluster.settle()
    assert own_cluster.app("/back")["healthChecks"] == []
    assert real("marathon", "deployment", "stop", stuck["deploymentId"]).returncode == 1


def test_both_clients_read_the_same(own_cluster, real):
    own_cluster.run(own_cluster.web("/grp/web", instances=2, mem=32.5))
    own_cluster.run({"id": "/plain", "cmd": "seq 1 30; exec sleep 1000"})
    own_cluster.marathon("POST", "apps", own_cluster.web("/coming", args=["sleep", "1000"]))
    own_cluster.wait_for(lambda: own_cluster.app("/coming")["tasksRunning"] == 1)
    task = own_cluster.app("/plain")["tasks"][0]["id"]
    for command in (
        ["config", "show", "core.dcos_url"],
        ["config", "show", "core.dcos_acs_token"],
        ["config", "show", "core.nothing"],
        ["marathon", "about"],
        ["marathon", "app", "list", "--json"],
        ["marathon", "app", "show", "plain"],
        ["marathon", "app", "show", "absent"],
        ["marathon", "deployment", "list", "--json"],
        ["marathon", "debug", "list", "--json"],
        ["marathon", "debug", "summary", "/plain"],
        ["marathon", "task", "list", "--json", "plain"],
        ["task", "log", "plain"],
        ["task", "log", "--lines=2", task, "stdout"],
        ["task", "log", "plain", "stderr"],
        ["task", "log", "--all", "--lines=5", task, "stderr"],
        ["task", "log", "web"],
        ["task", "log", "absent"],
        ["node", "--json"],
        ["package", "list", "--json"],
        ["package", "describe", "kafka"],
        ["package", "describe", "kafka", "--package-versions"],
        ["package", "describe", "absent"],
        ["package", "uninstall", "kafka", "--yes"],
        ["package", "repo", "list", "--json"],
    ):
        both(own_cluster, real, *command)
    # The small client prints JSON where the real one has tables.
    for command in (["--version"], ["task"], ["cluster", "list"], ["package", "describe", "kafka", "--app"]):
        assert real(*command).returncode == 0, command
    refused = real("package", "install", "kafka", "--package-version=0", "--yes")
    assert (refused.returncode, refused.stderr) == (1, "Version [0] of package [kafka] not found\n")


def test_both_clients_say_why_an_app_waits(own_cluster, real, taken_port):
    definition = {
        "id": "/port",
        "cmd": "exec sleep 1000",
        "requirePorts": True,
        "portDefinitions": [{"port": taken_port}],
    }
    own_cluster.marathon("POST", "apps", definition)
    own_cluster.wait_for(lambda: own_cluster.marathon("GET", "queue")["queue"])
    moving = re.compile(r'"(processed|unused)OffersCount": \d+|\d{4}-\d\d-\d\dT\S+')
    for verb in (["list", "--json"], ["summary", "--json", "/port"], ["summary", "/absent"]):
        theirs, ours = real("marathon", "debug", *verb), own_cluster.dcos("marathon", "debug", *verb)
        assert moving.sub("*", ours.stdout) == moving.sub("*", theirs.stdout)
        assert (ours.stderr, ours.returncode) == (theirs.stderr, theirs.returncode)
    summary = real("marathon", "debug", "summary", "/port").stdout
    assert re.search(r"^PORTS .* 0 / 1 .*0\.00%", summary, re.MULTILINE), summary


def test_the_real_client_follows_a_log(own_cluster, real):
    app = own_cluster.run({"id": "/go", "cmd": "echo '{\"a\": 1}'; exec sleep 1000"})
    sandbox = own_cluster.home / "sandboxes" / app["tasks"][0]["id"]
    own_cluster.wait_for((sandbox / "stdout").read_text)
    command = [str(real._program), "task", "log", "--follow", "go"]
    with subprocess.Popen(command, env=real._env, stdout=subprocess.PIPE, text=True) as follower:
        assert follower.stdout.readline() == '{"a": 1}\n'
        with (sandbox / "stdout").open("a") as stdout:
            stdout.write("more\n")
        assert follower.stdout.readline() == "more\n"
        follower.kill()


def test_the_real_client_sets_a_cluster_up(own_cluster, tmp_path, dcoscli):
    env = {**os.environ, "DCOS_DIR": str(tmp_path / "fresh"), "PASSWORD": own_cluster.token}
    arguments = ["cluster", "setup", own_cluster.url, "--username=me", "--password-env=PASSWORD"]
    done = subprocess.run([str(dcoscli), *arguments], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    listed = subprocess.run(
        [str(dcoscli), "marathon", "app", "list"], env=env, capture_output=True, text=True
    )
    assert listed.returncode == 0, listed.stderr


def test_the_real_client_lists_links(own_cluster, real):
    link = {"id": "12345678-1234-4234-8234-123456789abc", "name": "other", "url": "http://127.0.0.1:1"}
    assert own_cluster.call("POST", "/cluster/v1/links", link)[0] == 200
    assert own_cluster.call("POST", "/cluster/v1/links", {**link, "url": ""})[0] == 400
    assert own_cluster.call("POST", "/cluster/v1/links", {**link, "id": own_cluster.document["id"]})[0] == 400
    theirs, ours = (
        json.loads(client("cluster", "list", "--linked", "--json").stdout)
        for client in (real, own_cluster.dcos)
    )
    assert [(one["name"], one["status"], one["url"]) for one in theirs] == [
        ("other", "UNCONFIGURED", "http://127.0.0.1:1")
    ]
    assert [one["cluster_id"] for one in ours] == [one["cluster_id"] for one in theirs]
    assert real("cluster", "unlink", "other").returncode == 0
    assert own_cluster.dcos("cluster", "unlink", "other").returncode == 1
    assert json.loads(real("cluster", "list", "--linked", "--json").stdout) == []


def test_both_clients_add_and_remove_groups_whose_apps_get_their_role(own_cluster, real):
    seen = []
    for client in (real, own_cluster.dcos):
        outputs = []
        for arguments, stdin in (
            (("add",), '{"id": "/dev", "enforceRole": true}'),
            (("add",), '{"id": "/a/b"}'),
            (("list", "--json"), ""),
            (("update", "/dev"), '{"enforceRole": false}'),
            (("update", "/dev"), '{"enforceRole": true}'),
        ):
            done = client("marathon", "group", *arguments, stdin=stdin)
            outputs.append((done.returncode, masked(done.stdout)))
        own_cluster.run({"id": "/dev/app", "cmd": "exec sleep 1000"})
        own_cluster.run({"id": "/plain", "cmd": "exec sleep 1000"})
        assert [own_cluster.app(name)["role"] for name in ("/dev/app", "/plain")] == ["dev", "*"]
        outputs.append((client("marathon", "group", "remove", "--force", "/dev").returncode, ""))
        own_cluster.clear()
        assert own_cluster.marathon("GET", "groups")["groups"] == []
        seen.append(outputs)
    assert [code for code, _ in seen[0]] == [0, 1, 0, 0, 0, 0]
    assert seen[0] == seen[1]


def test_groups_and_quotas_survive_the_agent(own_cluster):
    own_cluster.marathon("POST", "groups", {"id": "/dev", "enforceRole": True})
    quota = {"role": "dev", "guarantee": [{"name": "mem", "type": "SCALAR", "scalar": {"value": 64}}]}
    assert own_cluster.call("POST", "/mesos/quota", quota)[0] == 200
    assert own_cluster.call("POST", "/mesos/quota", quota)[0] == 400
    wrong = {**quota, "role": "x", "guarantee": [{"name": "mem", "scalar": {"value": "much"}}]}
    assert own_cluster.call("POST", "/mesos/quota", wrong)[0] == 400
    assert own_cluster.call("POST", "/mesos/api/v1", {"type": "GET_STATE"})[0] == 501
    own_cluster.kill_agent()
    own_cluster.start()
    (listed,) = json.loads(own_cluster.dcos("quota", "list").stdout)
    assert listed == {"role": "dev", "limit": {"mem": 64}, "guarantee": {"mem": 64}, "consumed": {}}
    assert own_cluster.marathon("GET", "groups/dev")["enforceRole"] is True


def test_the_real_client_installs_kafka_and_its_command(own_cluster, real, tmp_path):
    options = tmp_path / "options.json"
    options.write_text(json.dumps({"service": {"name": "events"}, "brokers": {"port": 0}}))
    done = real("package", "install", "kafka", f"--options={options}", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "New command available: dcos kafka" in done.stdout
    again = real("package", "install", "kafka", f"--options={options}", "--yes", "--app")
    assert (again.returncode, again.stderr) == (1, "Package is already installed\n")

    def is_complete() -> bool:
        shown = real("kafka", "--name=events", "plan", "show", "deploy", "--json")
        return shown.returncode == 0 and json.loads(shown.stdout)["status"] == "COMPLETE"

    own_cluster.wait_for(is_complete, 120)
    created = real("kafka", "--name=events", "topic", "create", "a.B", "--partitions=2", "--replication=1")
    assert created.returncode == 0, created.stdout
    for command in (
        ["topic", "list"],
        ["topic", "describe", "a.B"],
        ["topic", "create", "a.B", "--partitions=2", "--replication=1"],
        ["plan", "status", "deploy"],
        ["endpoints"],
        ["endpoints", "broker"],
        ["connection"],
    ):
        both(own_cluster, real, "kafka", "--name=events", *command)
    both(own_cluster, real, "kafka", "topic", "list")
    alone = real("package", "install", "kafka", "--cli", "--yes")
    assert (alone.returncode, alone.stderr) == (0, ""), alone.stdout
    removed = real("package", "uninstall", "kafka", "--yes")
    assert removed.returncode == 0, removed.stderr
    own_cluster.wait_for(lambda: own_cluster.app("/events") is None, 60)
    assert real("package", "list").returncode == 1
    assert "'kafka' is not a dcos command." in real("kafka", "topic", "list").stderr


def test_the_marathon_package_manages_an_app(own_cluster, marathon_package_python):
    script = """
import os, sys, time
from marathon import MarathonClient
from marathon.models import MarathonApp
client = MarathonClient(os.environ["DCOS_URL"] + "/service/marathon", auth_token=os.environ["DCOS_ACS_TOKEN"])
def settle():
    while client.list_deployments(): time.sleep(0.05)
created = client.create_app("pypi", MarathonApp(cmd="exec sleep 1000", mem=16, cpus=0.1))
assert created.id == "/pypi", created
settle()
assert [app.id for app in client.list_apps(embed_tasks=True)] == ["/pypi"]
client.scale_app("/pypi", instances=2)
settle()
app = client.get_app("pypi")
assert (app.instances, app.tasks_running, len(app.tasks)) == (2, 2, 2), app
assert len(client.list_tasks("/pypi")) == 2
assert client.list_groups() == [] and client.list_queue() == []
client.update_app("/pypi", MarathonApp(labels={"a": "b"}))
settle()
assert client.get_app("/pypi").labels == {"a": "b"}
assert client.ping().strip() in (b"pong", "pong") and client.get_info().name == "marathon"
client.delete_app("/pypi")
settle()
assert client.list_apps() == []
"""
    # Isolated (-I): PYTHONPATH would lead to the package `marathon` of this repository.
    command = [str(marathon_package_python), "-I", "-c", script]
    done = subprocess.run(
        command, env=own_cluster.environment(), capture_output=True, text=True, timeout=60, cwd="/"
    )
    assert done.returncode == 0, done.stderr
