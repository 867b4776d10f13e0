"""Packages: what a user is told to run next names the package that it is about."""

import json
import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from cli.engine.dcos.faults import fault
from cli.engine.dcos.packages import DcosPackages
from cli.engine.memory import MemoryEngine
from cli.errors import NotFound, PipectlError, WaitTimeout
from cli.steps.package import PackageStep


class Answers:
    """A `dcos` of a cluster that has Cassandra, whose node starts, and that offers nothing else."""

    def json(self, args: Sequence[str], **_: object) -> Any:
        match args[:2]:
            case ["package", "list"]:
                return [{"name": "cassandra", "version": "1", "apps": ["/rows"]}]
            case ["package", "repo"]:
                return {"repositories": [{"name": "Universe"}]}
        raise fault(NotFound, ["dcos", *args], 1, "", "Package [hdfs] not found")

    def run(self, args: Sequence[str], **_: object) -> str:
        assert args == ["cassandra", "--name=rows", "plan", "status", "deploy", "--json"]
        return json.dumps({"status": "IN_PROGRESS", "phases": []})


def _step(name: str, service: str) -> PackageStep:
    dcos: Any = Answers()
    engine: Any = MemoryEngine()
    engine.packages = DcosPackages(dcos, engine.apps, lambda: None)
    return PackageStep(name, name, None, service, {}, engine, timeout=timedelta(0))


def test_a_service_that_is_not_ready_in_time_is_inspected_by_its_own_command() -> None:
    with pytest.raises(WaitTimeout) as late:
        _step("cassandra", "rows").wait(lambda detail: None, threading.Event())
    assert "`dcos cassandra --name=rows plan status deploy --json`" in str(late.value.hint)


def test_a_package_that_is_not_offered_names_the_setting_of_its_own_version() -> None:
    with pytest.raises(PipectlError) as missing:
        _step("hdfs", "files").plan()
    assert "`--set hdfs.version=…`" in str(missing.value.hint)
