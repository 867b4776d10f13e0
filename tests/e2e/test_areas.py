"""Two areas of one cluster, each with a bundle: what happens in one does not reach the other."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient

from local_dcos.home import Home
from tests import memory
from tests.e2e.cluster import Cluster
from tests.e2e.conftest import Pipectl
from tests.e2e.freshness import Reader
from tests.e2e.recount import recount
from tests.gatherer.flink import wait_until
from tests.group_offsets import committed

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1800)]

PATIENCE = 240.0
# Slower than on an idle machine.
FRESH_SECONDS = 15.0
NEEDED = 12_000
"""MiB: what both bundles and Kafka request. They use less, but what prod is promised is kept free."""
POSITIONS = {"dev": "AAPL,MSFT", "prod": "AAPL,GOOG"}
# A bundle requests 4864 MiB, of which 2048 are a TaskManager's.
QUOTAS = {"dev": "{cpus: 4, mem: 5200}", "prod": "{cpus: 4, mem: 5400, promised: true}"}
_USED_UP = "the quota of area dev is used up: 2048 MiB of memory more than the 4864 in use are over 5200"


def test_what_happens_in_dev_does_not_reach_prod(pipectl_elsewhere: Pipectl) -> None:
    memory.need(NEEDED, "a bundle in each of two areas")
    user = pipectl_elsewhere
    for area, quota in QUOTAS.items():
        user.run("area", "create", area, "--set", f"areas.{area}={quota}")
    # At once, as two people may: both find no Kafka.
    with ThreadPoolExecutor() as pool:
        list(pool.map(partial(_deploy, user), POSITIONS))
    home = Home(user.home / "cluster")
    dev, prod = Cluster(home, "dev"), Cluster(home, "prod")
    _share_only_kafka(dev, prod)
    with ExitStack() as stack:
        flows = [stack.enter_context(Reader(each)) for each in (dev, prod)]
        before, before_of_dev = _life_of(prod), _life_of(dev)
        _let_a_task_wait_for_the_quota(user)
        _until_fresh(flows[1])
        assert user.json("status", "--area", "prod")["healthy"]
        user.run("scale", "taskmanager=1", "--area", "dev")
        _until_fresh(*flows)
        assert dev.kill("taskmanager") == ["taskmanager"]
        _until_fresh(*flows)
        after = _life_of(dev)
        assert after["jobs"] == before_of_dev["jobs"]
        assert len(after["failures"]) > len(before_of_dev["failures"])  # the kill has hit the job
        assert user.json("status", "--area", "dev")["healthy"]
        removed = user.json("destroy", "--yes", "--area", "dev")["removed"]
        assert {"flink-jobmanager", "gatherer", "data-generator"} <= {*removed}
        _until_fresh(flows[1])
    assert _life_of(prod) == before
    assert user.json("status", "--area", "prod")["healthy"]
    for each in (dev, prod):
        _check_windows(each)

    user.run("area", "delete", "dev", "--yes")
    user.run("destroy", "--yes", "--area", "prod", "--delete-topics")
    user.run("area", "delete", "prod", "--yes")
    assert not any(area["created"] for area in user.json("area", "list")["areas"])
    assert dev.names() == prod.names() == ["kafka"]
    # The topics of dev stay: nobody has asked to delete them.
    assert {name.partition(".")[0] for name in _topics(dev)} == {"dev"}


def _deploy(user: Pipectl, area: str) -> None:
    settings = (f"positions=[{POSITIONS[area]}]", "generator.rate=5", "timeouts.app=10m")
    user.run("deploy", "--yes", "--area", area, *(f"--set={each}" for each in settings), timeout=900)


def _share_only_kafka(dev: Cluster, prod: Cluster) -> None:
    """The bundles have the same apps, and share no port, topic or consumer group."""
    assert dev.names() == prod.names()
    ports: set[int] = set()
    topics = _topics(dev)
    for each in (dev, prod):
        own = {port for task in _tasks(each) for port in task["ports"]}
        assert own and not own & ports
        ports |= own
        positions = {f"{each.prefix}position.{symbol}" for symbol in each.positions}
        of_area = {topic for topic in topics if topic.startswith(each.prefix)}
        assert of_area >= {*positions, each.topic}
        topics -= of_area
        read = wait_until(partial(_read_by_group, each, positions), f"offsets of {positions}", PATIENCE)
        assert read <= of_area
    assert not topics


def _read_by_group(cluster: Cluster, positions: set[str]) -> set[str]:
    """The topics with an offset of the gatherer's group, once it has one of each position."""
    read = {
        topic for topic, _ in committed(cluster.bootstrap_servers, f"{cluster.prefix}volatility.gatherer")
    }
    return read if read >= positions else set()


def _let_a_task_wait_for_the_quota(user: Pipectl) -> None:
    scaled = user.run("scale", "taskmanager=2", "--area", "dev", "--set", "timeouts.app=10s", code=3)
    assert "app /dev/volatility/flink-taskmanager to be healthy" in scaled.stderr

    def said() -> str:
        components = user.json("status", "--area", "dev", code=4)["components"]
        return str(next(each["detail"] for each in components if each["name"] == "flink-taskmanager"))

    wait_until(lambda: said() == f"1/2 healthy, {_USED_UP}", f"the status to say: {_USED_UP}", PATIENCE)


def _until_fresh(*readers: Reader) -> None:
    """Wait until all positions have a window that ends after now."""
    now = time.time()
    for reader in readers:
        wait_until(lambda reader=reader: reader.all_fresh(now, FRESH_SECONDS), "fresh positions", PATIENCE)


def _life_of(cluster: Cluster) -> dict[str, Any]:
    """What a bundle that nothing reaches keeps: its tasks, its jobs and their failures."""
    jobs = [job["jid"] for job in _answer(cluster, "/jobs/overview")["jobs"]]
    histories = [_answer(cluster, f"/jobs/{job}/exceptions")["exceptionHistory"]["entries"] for job in jobs]
    return {
        "tasks": sorted(task["id"] for task in _tasks(cluster)),
        "jobs": jobs,
        "failures": [entry["exceptionName"] for history in histories for entry in history],
    }


def _answer(cluster: Cluster, path: str) -> Any:
    return wait_until(lambda: cluster.ask(path), f"an answer to {path}", PATIENCE)


def _check_windows(cluster: Cluster) -> None:
    symbols = tuple(sorted(cluster.positions))
    found = recount(cluster.bootstrap_servers, symbols, cluster.rules, prefix=cluster.prefix)
    assert not found.faults and not found.letters, (cluster.prefix, str(found.faults), found.letters)
    assert len(found.due) > 50, cluster.prefix


def _tasks(cluster: Cluster) -> Sequence[dict[str, Any]]:
    """Those of the apps of the bundle, without Kafka's."""
    found = (cluster.task(name) for name in cluster.names() if name != "kafka")
    return [task for task in found if task is not None]


def _topics(cluster: Cluster) -> set[str]:
    """All topics but those of Kafka itself."""
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap_servers})
    return {name for name in admin.list_topics(timeout=30).topics if not name.startswith("__")}
