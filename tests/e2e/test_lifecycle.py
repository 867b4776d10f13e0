"""Down and up again. The files of this folder run in order: this one ends what those before it use."""

import socket

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]


def listening(address: str) -> bool:
    host, port = address.removeprefix("http://").split("/")[0].rsplit(":", 1)
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex((host, int(port))) == 0


def test_destroy_then_deploy_goes_on_from_the_savepoint(pipectl, bundle):
    gone = pipectl.json("destroy", "--yes")
    apps = {"flink-jobmanager", "flink-taskmanager", "gatherer", "data-generator", "dashboard"}
    assert set(gone["removed"]) == apps
    status = pipectl.json("status", code=4)
    states = {component["name"]: component["state"] for component in status["components"]}
    assert states.pop("kafka") == states.pop("topics") == "healthy"
    assert set(states.values()) == {"absent"}

    again = pipectl.json("deploy")
    assert again["changes"]["kafka"] == again["changes"]["topics"] == "unchanged"
    assert again["changes"]["gatherer"] == "create"
    log = pipectl.run("logs", "gatherer", "--lines", "1000").stdout
    log += pipectl.run("logs", "gatherer", "--lines", "1000", "--stderr").stdout
    assert "savepoint" in log


def test_an_app_that_is_killed_comes_back(pipectl, bundle):
    generator = [p for p in pipectl.processes() if "data_generator" in " ".join(p.cmdline())]
    assert generator
    for process in generator:
        process.kill()
    pipectl.run("deploy")  # waits until it is back and ticks flow
    assert pipectl.json("status")["healthy"]


def test_purge_leaves_no_process_no_port_and_no_file(pipectl, bundle):
    addresses = pipectl.json("endpoints").values()
    assert all(listening(address) for address in addresses)
    pipectl.run("destroy", "--yes", "--purge")
    assert pipectl.processes() == []
    assert not any(listening(address) for address in addresses)
    left = [file for file in pipectl.home.rglob("*") if file.is_file()] if pipectl.home.exists() else []
    assert left == []
