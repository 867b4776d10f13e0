"""Areas: bundles side by side on one cluster, each with a quota."""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli import local
from cli.engine.dcos.areas import DcosAreas
from cli.engine.dcos.client import LOCAL_CLIENT, local_environ
from cli.engine.dcos.engine import DcosEngine
from cli.engine.dcos.front_door import FrontDoor
from cli.engine.dcos.mesos import Mesos
from cli.engine.dcos.runner import Dcos
from cli.engine.protocol import Credentials, Manifest
from cli.engine.surroundings import AreaStatus, Quota
from cli.steps.app import AppStep
from cli.steps.base import wait_until
from marathon.durations import parse_duration
from tests.cli.invoking import invoke


def app(area: str, name: str, *, mem: int = 32, cpus: float = 0.1) -> Manifest:
    document: dict[str, Any] = {
        "id": f"/{area}/{name}",
        "labels": {"pipectl.bundle": f"/{area}"},
        "cmd": "exec sleep 1000",
        "instances": 1,
        "cpus": cpus,
        "mem": mem,
        "env": {},
        "backoffSeconds": 0,
        "taskKillGracePeriodSeconds": 1,
    }
    return Manifest(document["id"], document["labels"], 1, {}, document)


@pytest.fixture
def engine(cluster: DcosEngine) -> Iterator[DcosEngine]:
    """The embedded cluster without areas before and after."""
    yield cluster
    for name in cluster.areas.all():
        cluster.areas.delete(name)
    wait_until(
        lambda: not cluster.apps(fresh=True),
        what="all apps to be gone",
        timeout=parse_duration("60s"),
        stop=threading.Event(),
    )


def until(engine: DcosEngine, manifest: Manifest, state: str) -> str:
    """Wait until an app has this state; returns its detail."""
    step = AppStep("x", manifest, engine, depends_on=frozenset())
    seen: list[str] = []

    def reached() -> bool:
        found = step.state()
        seen.append(found.detail)
        return found.state == state and (state == "healthy" or "," in found.detail)

    wait_until(
        reached,
        what=f"{manifest.id} to be {state}",
        timeout=parse_duration("60s"),
        stop=engine.stop,
        last_seen=lambda: seen[-1],
    )
    return seen[-1]


def test_two_areas_side_by_side_and_an_app_over_quota_waits_with_the_reason(engine: DcosEngine) -> None:
    engine.areas.put("dev", Quota(cpus=1.0, mem=64.0))
    engine.areas.put("prod", Quota(mem=128.0, promised=True))
    engine.areas.put("dev", Quota(cpus=1.0, mem=64.0))
    fits, over, other = app("dev", "fits", mem=48), app("dev", "over", mem=48), app("prod", "a", mem=100)
    for manifest in (fits, other):
        engine.create(manifest)
    for manifest in (fits, other):
        until(engine, manifest, "healthy")
    engine.create(over)
    assert until(engine, over, "deploying") == (
        "0/1 healthy, the quota of area dev is used up: 48 MiB of memory more than the 48 in use are over 64"
    )
    found = engine.areas.all()
    assert found["dev"] == AreaStatus("dev", Quota(1.0, 64.0), 0.1, 48.0)
    assert found["prod"] == AreaStatus("prod", Quota(None, 128.0, promised=True), 0.1, 100.0)

    # With a greater quota it starts by itself.
    engine.areas.put("dev", Quota(cpus=1.0, mem=96.0))
    until(engine, over, "healthy")
    engine.areas.put("dev", Quota())
    engine.areas.put("prod", Quota(cpus=2.0))
    assert engine.areas.all()["dev"].quota == Quota()
    assert engine.areas.all()["prod"].quota == Quota(cpus=2.0)
    engine.areas.delete("dev")
    assert "dev" not in engine.areas.all()


def test_what_is_promised_to_one_area_is_kept_from_the_others(engine: DcosEngine) -> None:
    import psutil

    total = psutil.virtual_memory().total // 1024**2
    engine.areas.put("prod", Quota(mem=float(total - 64), promised=True))
    engine.areas.put("dev", Quota())
    waits, runs = app("dev", "waits", mem=100), app("prod", "runs", mem=100)
    engine.create(waits)
    assert "no agent offers resources to its role" in until(engine, waits, "deploying")
    engine.create(runs)
    until(engine, runs, "healthy")
    engine.areas.put("prod", Quota(mem=100.0, promised=True))
    until(engine, waits, "healthy")


def test_the_commands(engine: DcosEngine, local_home: Path) -> None:
    small = "areas.dev={cpus: 1, mem: 64}"
    done = invoke(local_home, "area", "create", "dev", "--set", small, "-o", "json")
    assert json.loads(done.output)["result"] == "created"
    again = invoke(local_home, "area", "create", "dev", "--set", small, "-o", "json")
    assert json.loads(again.output)["result"] == "unchanged"
    changed = invoke(local_home, "area", "create", "dev", "--set", "areas.dev={mem: 64}", "-o", "json")
    assert json.loads(changed.output)["result"] == "changed"
    engine.create(app("dev", "a"))
    listed = json.loads(invoke(local_home, "area", "list", "-o", "json").output)["areas"]
    assert [(one["area"], one["created"], one["apps"], one["mem"]) for one in listed] == [
        ("dev", True, 1, 64),
        ("test", False, 0, None),
        ("prod", False, 0, None),
    ]
    assert "32 of 64" in invoke(local_home, "area", "list").output
    refused = invoke(local_home, "area", "delete", "dev", "--yes", code=1).exception
    assert str(refused) == "area dev has 1 apps: /dev/a"
    assert "pipectl destroy --area dev" in getattr(refused, "hint", "")
    assert "no terminal" in str(invoke(local_home, "area", "delete", "dev", "--with-apps", code=2).exception)
    invoke(local_home, "area", "delete", "dev", "--with-apps", "--yes")
    assert "has no area dev" in str(invoke(local_home, "area", "delete", "dev", "--yes", code=1).exception)


def test_unknown_areas_are_named_with_the_known_ones(tmp_path: Path) -> None:
    for command in (["render"], ["status"], ["plan"], ["logs", "gatherer"]):
        refused = invoke(tmp_path, *command, "--area", "prd", code=2).exception
        assert "--area prd: unknown area; did you mean" in str(refused)
    refused = invoke(tmp_path, "area", "create", "qa", code=2).exception
    assert "the areas are dev, test, prod" in getattr(refused, "hint", "")
    purged = invoke(tmp_path, "destroy", "--area", "dev", "--purge", "--yes", code=2).exception
    assert "deletes the whole cluster" in str(purged)
    assert "is promised nothing" in str(
        invoke(tmp_path, "area", "create", "prod", "--set", "areas.prod.promised=true", code=2).exception
    )


def test_a_bundle_in_an_area_shares_nothing_with_another_but_kafka(tmp_path: Path) -> None:
    def rendered(*options: str) -> dict[str, Any]:
        out = tmp_path / "-".join(["out", *options])
        invoke(tmp_path, "render", "--cluster", "local", "--out", str(out), *options)
        return {file.stem: json.loads(file.read_text()) for file in out.glob("*.json")}

    plain, dev = rendered(), rendered("--area", "dev")
    assert {one["id"] for one in dev.values()} == {f"/dev{one['id']}" for one in plain.values()}
    env = {name: one["env"] for name, one in dev.items()}
    assert env["gatherer"]["TOPIC_PREFIX"] == "dev."
    assert env["gatherer"]["JOB_NAME"] == "dev.volatility.gatherer"
    assert env["gatherer"]["KAFKA_BOOTSTRAP_SERVERS"] == plain["gatherer"]["env"]["KAFKA_BOOTSTRAP_SERVERS"]


def test_the_ports_of_an_area_are_chosen_once_and_are_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIPECTL_HOME", str(tmp_path))
    monkeypatch.setattr(local, "running", lambda: True)
    local.start("dev")
    local.start("test")
    files = [*local.settings_files("dev"), local.settings_files("test")[1]]
    settings = [json.loads(re.sub("(?m)^#.*$", "", file.read_text())) for file in files]
    ports = [each["flink"]["jobmanager"] for each in settings]
    assert len({port for each in ports for port in each.values()}) == 6
    before = [file.read_text() for file in files]
    local.start("dev")
    assert [file.read_text() for file in files] == before


# A cluster before DC/OS 2.0: its `dcos` has no `quota`, and its Marathon enforces no roles.
OLD = """\
import json, sys
argv = sys.argv[1:]
if argv[0] == "quota":
    sys.exit("'quota' is not a dcos command.")
if argv == ["marathon", "group", "list", "--json"]:
    print(json.dumps([{"id": "/dev"}, {"id": "/other"}]))
elif argv[:3] != ["marathon", "group", "update"]:
    sys.exit(f"unexpected: {argv}")
"""


def test_older_clusters_get_their_quota_by_mesos_api(engine: DcosEngine, tmp_path: Path) -> None:
    script = tmp_path / "dcos"
    script.write_text(f"#!{sys.executable} -SE\n{OLD}")
    script.chmod(0o755)
    url, token = local.address()
    mesos = Mesos(FrontDoor(url, Credentials(f"token={token}", how_to_log_in="", how_to_show_ca="")))
    areas = DcosAreas(Dcos((str(script),), dict(os.environ), attempts=1), lambda: mesos)
    areas.put("dev", Quota(cpus=2.0))
    assert mesos.promises() == {"dev": {"guarantee": {"cpus": 2.0}}}
    assert areas.all() == {"dev": AreaStatus("dev", Quota(cpus=2.0, promised=True), None, None)}
    mesos.remove("dev")
    # What the small client says of the same quota.
    mesos.promise("dev", {"mem": 64.0})
    small = Dcos(LOCAL_CLIENT, {**os.environ, **local_environ(url, token)})
    (listed,) = small.json(["quota", "list", "--json"])
    assert (listed["role"], listed["limit"], listed["guarantee"]) == ("dev", {"mem": 64.0}, {"mem": 64.0})
    mesos.remove("dev")
