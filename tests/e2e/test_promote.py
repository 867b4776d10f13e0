"""A bundle is promoted from one real cluster to another: its image, and what it computes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from local_dcos.home import Home
from tests import memory
from tests.e2e.cluster import Cluster
from tests.e2e.conftest import Pipectl

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1800)]
IMAGE = "registry.example.com/volatility:7"
OTHER = ("--cluster", "local-b")


def test_image_and_settings_reach_the_other_cluster(pipectl_elsewhere: Pipectl, tmp_path: Path) -> None:
    memory.need(2 * memory.BUNDLE_MB, "two bundles")
    user = pipectl_elsewhere
    # A local cluster has no Docker: it runs the commands of the image with its own Python.
    computed = ("positions=[AAPL]", "generator.rate=5", "gatherer.windows.30s=5s")
    settings = [f"--set={each}" for each in (f"image={IMAGE}", "parts=[]", "timeouts.app=10m", *computed)]
    user.run("deploy", "--yes", *settings, timeout=900)
    saved = tmp_path / "promoted.yaml"
    try:
        to = ("--from", "local", "--to", "local-b", "--save", str(saved))
        user.run("promote", *to, "--yes", *settings, timeout=900)
        source, target = (
            Cluster(Home(folder / "cluster")) for folder in (user.home, user.home / "clusters" / "local-b")
        )
        assert target.names() == source.names()
        for name in set(target.names()) - {"kafka"}:
            assert target.app(name)["definition"]["container"]["docker"]["image"] == IMAGE, name
        assert target.positions == {"AAPL"}
        assert target.environ("data-generator")["GENERATOR_RATE"] == "5"
        assert (
            target.environ("gatherer")["GATHERER_WINDOWS"] == source.environ("gatherer")["GATHERER_WINDOWS"]
        )
        assert target.bootstrap_servers != source.bootstrap_servers
        assert json.loads(saved.read_text())["image"] == IMAGE
        plan = user.json("plan", *OTHER, "-f", str(saved))
        assert plan["changed"] is False, plan
        for cluster in ((), OTHER):
            assert user.json("status", *cluster)["healthy"]
    finally:
        user.run("destroy", "--yes", "--purge", *OTHER)
