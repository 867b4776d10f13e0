"""Failures of apps: crashes, health checks, ports, definitions."""

import socket
import sys

import pytest


def test_a_failure_has_the_exit_status_and_the_last_line(cluster):
    cluster.marathon(
        "POST", "apps", {"id": "/crash", "cmd": "echo out of beans >&2; exit 3", "backoffSeconds": 60}
    )
    failure = cluster.wait_for(lambda: cluster.app("/crash").get("lastTaskFailure"))
    assert failure["message"] == "Command exited with status 3: out of beans"
    assert (failure["state"], failure["appId"]) == ("TASK_FAILED", "/crash")
    assert failure["version"] == cluster.app("/crash")["version"]


def test_restarts_back_off_and_the_queue_shows_it(cluster):
    definition = {"id": "/loop", "cmd": "exit 1", "backoffSeconds": 1, "backoffFactor": 100}
    cluster.marathon("POST", "apps", definition)
    item = cluster.wait_for(
        lambda: [
            one for one in cluster.marathon("GET", "queue")["queue"] if one["delay"]["timeLeftSeconds"] > 5
        ]
    )[0]
    assert item["app"]["id"] == "/loop"
    assert (item["count"], item["delay"]["overdue"]) == (1, False)
    tasks = cluster.call("GET", "/mesos/master/state.json")[1]["frameworks"][0]["completed_tasks"]
    assert sum("loop." in task["id"] for task in tasks) == 2
    # A new definition resets the back-off.
    cluster.marathon("PUT", "apps/loop?force=true", {"cmd": "exec sleep 1000"})
    cluster.settle()
    assert cluster.app("/loop")["tasksRunning"] == 1


def test_a_missing_program_is_named(cluster):
    cluster.marathon("POST", "apps", {"id": "/absent", "args": ["/no/such/program"], "backoffSeconds": 60})
    failure = cluster.wait_for(lambda: cluster.app("/absent").get("lastTaskFailure"))
    assert "/no/such/program" in failure["message"]


def test_an_unhealthy_task_is_replaced(cluster):
    app = cluster.run(cluster.web("/sick", labels={"DCOS_SERVICE_NAME": "sick"}))
    assert app["tasksHealthy"] == 1
    before = app["tasks"][0]["id"]
    assert cluster.call("GET", "/service/sick/break")[0] == 500
    failure = cluster.wait_for(lambda: cluster.app("/sick").get("lastTaskFailure"))
    assert failure["taskId"] == before
    assert "health check failed" in failure["message"]
    cluster.wait_for(lambda: cluster.app("/sick")["tasksHealthy"] == 1)


@pytest.mark.parametrize(
    ("check", "healthy"),
    [
        ({"protocol": "TCP", "portIndex": 0}, 1),
        ({"protocol": "MESOS_HTTP", "path": "/x", "portIndex": 0}, 1),
        ({"protocol": "COMMAND", "command": {"value": 'test -n "$PORT0"'}}, 1),
    ],
)
def test_every_kind_of_health_check(cluster, check, healthy):
    checks = [{"gracePeriodSeconds": 20, "intervalSeconds": 1, "timeoutSeconds": 3, **check}]
    app = cluster.run(cluster.web("/checked", healthChecks=checks))
    assert app["tasksHealthy"] == healthy


def test_zero_allowed_failures_never_kill_in_marathon_and_kill_at_once_in_mesos(cluster):
    check = {"gracePeriodSeconds": 0, "intervalSeconds": 1, "maxConsecutiveFailures": 0, "portIndex": 0}
    for name, protocol in (("/never", "TCP"), ("/once", "MESOS_TCP")):
        checks = [{**check, "protocol": protocol}]
        cluster.marathon("POST", "apps", {"id": name, "cmd": "exec sleep 1000", "healthChecks": checks})
    cluster.wait_for(lambda: cluster.app("/once").get("lastTaskFailure"))
    cluster.wait_for(lambda: cluster.app("/never")["tasksUnhealthy"] == 1)
    assert "lastTaskFailure" not in cluster.app("/never")


def test_an_app_waits_for_a_port_in_use(cluster, taken_port):
    definition = {
        "id": "/port",
        "cmd": "exec sleep 1000",
        "requirePorts": True,
        "portDefinitions": [{"port": taken_port, "name": "a"}],
    }
    cluster.marathon("POST", "apps", definition)
    item = cluster.wait_for(
        lambda: [
            q
            for q in cluster.marathon("GET", "queue")["queue"]
            if q["processedOffersSummary"]["unusedOffersCount"]
        ]
    )[0]
    reasons = {
        one["reason"]: one["declined"] for one in item["processedOffersSummary"]["rejectSummaryLastOffers"]
    }
    assert (reasons["InsufficientPorts"], reasons["InsufficientCpus"]) == (1, 0)
    assert cluster.app("/port")["tasksRunning"] == 0
    offers = cluster.marathon("GET", "queue?embed=lastUnusedOffers")["queue"][0]["lastUnusedOffers"]
    assert offers[0]["reason"] == ["InsufficientPorts"]


def test_an_app_gets_its_required_port_when_it_is_free(cluster):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        app = {
            "id": "/fixed",
            "cmd": "exec sleep 1000",
            "requirePorts": True,
            "portDefinitions": [{"port": port}],
        }
        cluster.marathon("POST", "apps", app)
        cluster.wait_for(lambda: cluster.marathon("GET", "queue")["queue"])
    cluster.settle()
    assert cluster.app("/fixed")["tasks"][0]["ports"] == [port]
    assert cluster.marathon("GET", "queue")["queue"] == []


def test_what_was_missing_is_no_reason_once_the_launch_itself_fails(cluster):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = {"port": server.getsockname()[1]}
        app = {"id": "/none", "args": ["/no/such/program"], "requirePorts": True, "portDefinitions": [port]}
        cluster.marathon("POST", "apps", {**app, "backoffSeconds": 60})

        def waiting():
            return cluster.marathon("GET", "queue?embed=lastUnusedOffers")["queue"][0]

        cluster.wait_for(lambda: waiting()["lastUnusedOffers"])
    failure = cluster.wait_for(lambda: cluster.app("/none").get("lastTaskFailure"))
    assert "/no/such/program" in failure["message"]
    item = waiting()
    assert item["lastUnusedOffers"] == []
    summary = item["processedOffersSummary"]
    assert not any(each["declined"] for each in summary["rejectSummaryLastOffers"])
    assert summary["unusedOffersCount"] == 0 and summary["lastUsedOfferAt"]
    assert item["delay"]["timeLeftSeconds"] > 0


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"instancez": 1}, "/instancez"),
        ({"instances": "1"}, "/instances"),
        ({"instances": -1}, "/instances"),
        ({"cpus": True}, "/cpus"),
        ({"id": "/Upper"}, "/id"),
        ({"args": ["a"]}, "/"),
        ({"cmd": None}, "/"),
        ({"env": {"A": 1}}, "/env/A"),
        ({"env": {"A": {"secret": "s"}}}, "/env/A"),
        ({"healthChecks": [{"portIndex": 1}]}, "/healthChecks(0)/portIndex"),
        ({"healthChecks": [{"portt": 1}]}, "/healthChecks(0)/portt"),
        ({"healthChecks": [{"protocol": "MESOS_TCP"}] * 2}, "/healthChecks"),
        ({"healthChecks": [{"protocol": "COMMAND"}]}, "/healthChecks(0)/command"),
        ({"readinessChecks": [{"portNam": "default"}]}, "/readinessChecks(0)/portNam"),
        ({"container": {"portMappings": [{}]}, "networks": [{"mode": "host"}]}, "/container/portMappings"),
        ({"portDefinitions": [{}], "networks": [{"mode": "container/bridge"}]}, "/portDefinitions"),
        ({"labels": {"MARATHON_SINGLE_INSTANCE_APP": "true"}, "instances": 2}, "/instances"),
        ({"upgradeStrategy": {"minimumHealthCapacity": 2}}, "/upgradeStrategy/minimumHealthCapacity"),
        (
            {"unreachableStrategy": {"inactiveAfterSeconds": 2, "expungeAfterSeconds": 1}},
            "/unreachableStrategy/inactiveAfterSeconds",
        ),
        ({"backoffFactor": 0.5}, "/backoffFactor"),
    ],
)
def test_a_wrong_definition_is_refused_with_its_path(cluster, change, path):
    status, answer = cluster.call(
        "POST", "/service/marathon/v2/apps", {"id": "/bad", "cmd": "true", **change}
    )
    assert status == 422
    assert path in [detail["path"] for detail in answer["details"]], answer
    assert cluster.marathon("GET", "apps")["apps"] == []


def test_other_errors(cluster):
    cluster.run({"id": "/there", "cmd": "exec sleep 1000"})
    assert cluster.call("POST", "/service/marathon/v2/apps", "{no json")[0] == 400
    assert cluster.call("POST", "/service/marathon/v2/apps", {"id": "/there", "cmd": "x"})[0] == 409
    status, answer = cluster.call("GET", "/service/marathon/v2/apps/absent")
    assert (status, answer["message"]) == (404, "App '/absent' does not exist")
    assert cluster.call("GET", "/service/marathon/v2/nothing")[0] == 404
    for token in ("", "token=wrong", f"Bearer {cluster.token[:-1]}"):
        assert cluster.call("GET", "/service/marathon/v2/apps", Authorization=token)[0] == 401


def test_an_app_with_an_image_runs_its_command(cluster):
    definition = {
        "id": "/image",
        "args": [sys.executable, "-c", "import time; time.sleep(1000)"],
        "container": {
            "type": "MESOS",
            "docker": {"image": "org/image:1"},
            "portMappings": [{"containerPort": 80}],
        },
        "networks": [{"mode": "container/bridge"}],
    }
    app = cluster.run(definition)
    assert app["tasksRunning"] == 1
    assert len(app["tasks"][0]["ports"]) == 1
