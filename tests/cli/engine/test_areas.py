"""Quotas of areas, with stand-ins for `dcos` and Mesos."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import pytest

from cli.engine.dcos.areas import DcosAreas
from cli.engine.surroundings import Quota
from cli.errors import PipectlError


class Cluster:
    """One area, dev, on a cluster with 100 MiB. It is `dcos` and Mesos at once."""

    def __init__(self) -> None:
        self.quotas: dict[str, dict[str, Any]] = {}

    def json(self, args: list[str]) -> list[dict[str, Any]]:
        if args[0] == "quota":
            return [{"role": role, **quota} for role, quota in self.quotas.items()]
        return [{"id": "/dev", "enforceRole": True}]

    def change(self, args: list[str], *, verify_applied: Callable[[], bool]) -> None:
        _, verb, role, *options = args
        self.quotas.pop(role, None)
        if verb != "delete":
            limit = {"--cpu": "cpus", "--mem": "mem"}
            pairs = (option.split("=") for option in options)
            self.quotas[role] = {"limit": {limit[name]: float(value) for name, value in pairs}}
        assert verify_applied()

    def promise(self, role: str, resources: Mapping[str, float]) -> None:
        if resources.get("mem", 0.0) > 100:
            raise PipectlError("not enough capacity")
        self.quotas[role] = {"limit": dict(resources), "guarantee": dict(resources)}


@pytest.mark.parametrize("before", [Quota(), Quota(mem=50.0), Quota(cpus=1.0, mem=50.0, promised=True)])
def test_an_area_keeps_its_quota_if_another_is_refused(before: Quota) -> None:
    cluster = cast(Any, Cluster())
    areas = DcosAreas(cluster, lambda: cluster)
    areas.put("dev", before)
    with pytest.raises(PipectlError, match="not enough capacity"):
        areas.put("dev", Quota(mem=200.0, promised=True))
    assert areas.all()["dev"].quota == before
