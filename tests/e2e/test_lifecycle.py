"""Down and up again."""

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]


def test_destroy_then_deploy_goes_on_from_the_savepoint(pipectl, changeable_bundle):
    gone = pipectl.json("destroy", "--yes")
    apps = {"flink-jobmanager", "flink-taskmanager", "gatherer", "data-generator", "dashboard"}
    assert set(gone["removed"]) == apps
    status = pipectl.json("status", code=4)
    states = {component["name"]: component["state"] for component in status["components"]}
    assert states.pop("kafka") == states.pop("topics") == "healthy"
    assert set(states.values()) == {"absent"}
    (savepoint, *_) = sorted(
        (pipectl.home / "flink" / "savepoints").rglob("savepoint-*/_metadata"),
        key=lambda file: file.stat().st_mtime,
        reverse=True,
    )

    again = changeable_bundle.deployed()
    assert again["changes"]["kafka"] == again["changes"]["topics"] == "unchanged"
    assert again["changes"]["gatherer"] == "create"
    (job,) = pipectl.api("service/volatility-flink/jobs/overview")["jobs"]
    restored = pipectl.api(f"service/volatility-flink/jobs/{job['jid']}/checkpoints")["latest"]["restored"]
    assert restored["is_savepoint"]
    assert restored["external_path"].removeprefix("file:") == str(savepoint.parent)


def test_an_app_that_is_killed_comes_back(pipectl, changeable_bundle):
    def generators():
        return [p for p in pipectl.processes() if "data_generator" in " ".join(p.cmdline())]

    killed = generators()
    assert killed
    for process in killed:
        process.kill()
    changeable_bundle.deployed()  # waits until it is back and ticks flow
    assert pipectl.json("status")["healthy"]
    assert generators() and not {*generators()} & {*killed}
