"""Apps over the Marathon API, on real processes."""

import os
import signal

import psutil
import pytest

SLEEP = "exec sleep 1000"


def test_an_app_runs_with_marathons_environment(cluster):
    app = cluster.run(
        {
            "id": "/env/show",
            "cmd": "env; echo done; exec sleep 1000",
            "env": {"GREETING": "hello"},
            "portDefinitions": [{"name": "http"}, {"name": "rpc-in"}],
        }
    )
    task = app["tasks"][0]
    stdout = cluster.home / "sandboxes" / task["id"] / "stdout"
    cluster.wait_for(lambda: stdout.read_text().endswith("done\n"))
    env = dict(line.split("=", 1) for line in stdout.read_text().splitlines() if "=" in line)
    first, second = task["ports"]
    assert env["GREETING"] == "hello"
    assert env["HOST"] == "127.0.0.1"
    assert env["PORT"] == env["PORT0"] == env["PORT_HTTP"] == str(first)
    assert env["PORT1"] == env["PORT_RPC_IN"] == str(second)
    assert env["PORTS"] == f"{first},{second}"
    assert env["MESOS_TASK_ID"] == task["id"]
    assert env["MARATHON_APP_ID"] == "/env/show"
    assert env["MARATHON_APP_VERSION"] == app["version"]
    assert env["MESOS_SANDBOX"] == str(stdout.parent)
    assert cluster.token not in stdout.read_text()


def test_the_view_has_the_servers_defaults_and_counts(cluster):
    app = cluster.run({"id": "defaults", "cmd": SLEEP})
    assert app["id"] == "/defaults"
    assert app["networks"] == [{"mode": "host"}]
    assert app["upgradeStrategy"] == {"minimumHealthCapacity": 1, "maximumOverCapacity": 1}
    assert app["backoffFactor"] == 1.15
    assert 10000 <= app["portDefinitions"][0]["port"] <= 20000
    assert (app["tasksRunning"], app["tasksStaged"], app["tasksHealthy"]) == (1, 0, 0)
    assert app["versionInfo"]["lastConfigChangeAt"] == app["version"]
    again = cluster.marathon("PUT", "apps/defaults", {"portDefinitions": [{"port": 0, "name": "default"}]})
    cluster.settle()
    assert again["deploymentId"]
    assert cluster.app("/defaults")["version"] == app["version"], "sending port 0 again is no change"


def test_args_are_an_argv_and_cmd_goes_through_the_shell(cluster):
    cluster.run(
        {"id": "/argv", "args": ["sh", "-c", 'printf "%s|" "$@"; exec sleep 1000', "x", "a b", "$HOME"]}
    )
    task = cluster.app("/argv")["tasks"][0]
    stdout = cluster.home / "sandboxes" / task["id"] / "stdout"
    cluster.wait_for(stdout.read_text)
    assert stdout.read_text() == "a b|$HOME|"


def test_scaling_keeps_the_running_tasks(cluster):
    before = cluster.run({"id": "/scale", "cmd": SLEEP})
    cluster.marathon("PUT", "apps/scale", {"instances": 3})
    cluster.settle()
    after = cluster.app("/scale")
    assert after["tasksRunning"] == 3
    assert before["tasks"][0]["id"] in [task["id"] for task in after["tasks"]]
    assert after["versionInfo"]["lastConfigChangeAt"] == before["version"] != after["version"]
    cluster.marathon("PUT", "apps/scale", {"instances": 1})
    cluster.settle()
    assert [task["id"] for task in cluster.app("/scale")["tasks"]] == [before["tasks"][0]["id"]]


def test_an_update_merges_only_the_given_keys_and_replaces_the_tasks(cluster):
    before = cluster.run({"id": "/update", "cmd": SLEEP, "env": {"A": "1"}, "labels": {"l": "m"}})
    answer = cluster.marathon("PUT", "apps/update", {"env": {"B": "2"}})
    assert set(answer) == {"version", "deploymentId"}
    cluster.settle()
    after = cluster.app("/update")
    assert (after["env"], after["labels"], after["cmd"]) == ({"B": "2"}, {"l": "m"}, SLEEP)
    assert after["tasks"][0]["id"] != before["tasks"][0]["id"]
    assert after["tasks"][0]["version"] == after["version"] == answer["version"]


@pytest.mark.parametrize(("low", "over", "least", "most"), [(1, 1, 2, 4), (0, 0, 0, 2), (0.5, 0, 1, 2)])
def test_an_upgrade_follows_its_strategy(cluster, low, over, least, most):
    strategy = {"minimumHealthCapacity": low, "maximumOverCapacity": over}
    cluster.run(cluster.web("/upgrade", instances=2, upgradeStrategy=strategy))
    answer = cluster.marathon("PUT", "apps/upgrade", {"env": {"GREETING": "new"}})
    healthy, total = [], []

    def is_done():
        app = cluster.app("/upgrade")
        healthy.append(app["tasksHealthy"])
        total.append(len(app["tasks"]))
        return cluster.marathon("GET", "deployments") == []

    cluster.wait_for(is_done)
    assert min(healthy) >= least
    assert max(total) <= most
    assert {task["version"] for task in cluster.app("/upgrade")["tasks"]} == {answer["version"]}


def test_a_deployment_waits_for_health_and_locks_its_app(cluster):
    definition = cluster.web("/slow", args=["sleep", "1000"])
    cluster.marathon("POST", "apps", definition)
    deployment = cluster.wait_for(lambda: cluster.marathon("GET", "deployments"))[0]
    assert deployment["affectedApps"] == ["/slow"]
    assert deployment["currentActions"][0]["action"] == "StartApplication"
    status, answer = cluster.call("PUT", "/service/marathon/v2/apps/slow", {"instances": 2})
    assert status == 409
    assert answer["deployments"] == [{"id": deployment["id"]}]
    forced = cluster.marathon("PUT", "apps/slow?force=true", {"args": ["sleep", "1000"], "healthChecks": []})
    cluster.settle()
    assert forced["deploymentId"] != deployment["id"]
    assert cluster.app("/slow")["healthChecks"] == []


def test_a_rollback_restores_what_was_before(cluster):
    before = cluster.run({"id": "/back", "cmd": SLEEP})
    answer = cluster.marathon("PUT", "apps/back", cluster.web("/back", args=["sleep", "1000"]))
    cluster.marathon("DELETE", f"deployments/{answer['deploymentId']}")
    cluster.settle()
    after = cluster.app("/back")
    assert (after["cmd"], after["healthChecks"]) == (SLEEP, [])
    assert "args" not in after
    assert before["tasksRunning"] == after["tasksRunning"] == 1
    created = cluster.marathon("POST", "apps", cluster.web("/new", args=["sleep", "1000"]))
    cluster.marathon("DELETE", f"deployments/{created['deployments'][0]['id']}")
    cluster.wait_for(lambda: cluster.app("/new") is None)


def test_restart_and_earlier_versions(cluster):
    first = cluster.run({"id": "/history", "cmd": SLEEP, "env": {"N": "1"}})
    cluster.marathon("PUT", "apps/history", {"env": {"N": "2"}})
    cluster.settle()
    restarted = cluster.marathon("POST", "apps/history/restart")
    cluster.settle()
    versions = cluster.marathon("GET", "apps/history/versions")["versions"]
    assert versions[0] == restarted["version"]
    assert versions[-1] == first["version"]
    assert cluster.marathon("GET", f"apps/history/versions/{first['version']}")["env"] == {"N": "1"}
    cluster.marathon("PUT", "apps/history", {"version": first["version"]})
    cluster.settle()
    assert cluster.app("/history")["env"] == {"N": "1"}


def test_removing_an_app_ends_its_whole_process_group(cluster):
    app = cluster.run({"id": "/family", "cmd": "sleep 1000 & setsid sleep 1000 & wait"})
    task_id = app["tasks"][0]["id"]
    family = cluster.wait_for(lambda: len(cluster.processes()) >= 3 and cluster.processes())
    cluster.marathon("DELETE", "apps/family")
    cluster.wait_for(lambda: cluster.app("/family") is None)
    assert not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in family), (
        task_id
    )


def test_the_process_group_ends_with_the_main_process(cluster):
    app = cluster.run({"id": "/orphans", "cmd": "sleep 1000 & echo $$ >pids; echo $! >>pids; wait"})
    pids = cluster.home / "sandboxes" / app["tasks"][0]["id"] / "pids"
    main, child = cluster.wait_for(
        lambda: pids.exists() and len(pids.read_text().split()) == 2 and pids.read_text().split()
    )
    os.kill(int(main), signal.SIGKILL)
    cluster.wait_for(lambda: not psutil.pid_exists(int(child)))
    failure = cluster.wait_for(lambda: cluster.app("/orphans").get("lastTaskFailure"))
    assert "SIGKILL" in failure["message"]
    cluster.wait_for(lambda: cluster.app("/orphans")["tasksRunning"] == 1)


def test_sigterm_comes_first_and_sigkill_after_the_grace(cluster):
    cmd = "trap 'echo term >got' TERM; while true; do sleep 0.1; done"
    app = cluster.run({"id": "/stubborn", "cmd": cmd, "taskKillGracePeriodSeconds": 1})
    sandbox = cluster.home / "sandboxes" / app["tasks"][0]["id"]
    cluster.marathon("DELETE", "apps/stubborn")
    cluster.wait_for((sandbox / "got").exists)
    assert cluster.app("/stubborn") is not None
    cluster.wait_for(lambda: cluster.app("/stubborn") is None)


def test_killing_tasks_and_scaling_down(cluster):
    app = cluster.run({"id": "/kill", "cmd": SLEEP, "instances": 2})
    name = app["tasks"][0]["id"]
    assert cluster.marathon("DELETE", f"apps/kill/tasks/{name}")["task"][0]["id"] == name
    cluster.wait_for(lambda: cluster.app("/kill")["tasksRunning"] == 2)
    survivor = cluster.app("/kill")["tasks"][0]["id"]
    cluster.marathon("POST", "tasks/delete?scale=true", {"ids": [survivor]})
    cluster.settle()
    after = cluster.app("/kill")
    assert (after["instances"], after["tasksRunning"]) == (1, 1)
    assert after["tasks"][0]["id"] != survivor


def test_groups_are_the_folders_of_the_ids(cluster):
    for name in ("/shop/front", "/shop/deep/back", "/alone"):
        cluster.marathon("POST", "apps", {"id": name, "cmd": SLEEP, "instances": 0})
    root = cluster.marathon("GET", "groups")
    assert ([app["id"] for app in root["apps"]], [group["id"] for group in root["groups"]]) == (
        ["/alone"],
        ["/shop"],
    )
    (deep,) = root["groups"][0]["groups"]
    assert (deep["id"], [app["id"] for app in deep["apps"]]) == ("/shop/deep", ["/shop/deep/back"])
