"""Packages: what a user is told to run next names the package that it is about."""

import json
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from cli.engine.dcos.engine import DcosEngine
from cli.engine.dcos.faults import CommandMissing, fault
from cli.engine.dcos.packages import DcosPackages
from cli.engine.dcos.runner import Dcos
from cli.engine.dcos.service_command import ServiceCommands
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
    engine.packages = DcosPackages(dcos, ServiceCommands(dcos), engine.apps, lambda: None)
    return PackageStep(name, name, None, service, {}, engine, timeout=timedelta(0))


def test_a_service_that_is_not_ready_in_time_is_inspected_by_its_own_command() -> None:
    with pytest.raises(WaitTimeout) as late:
        _step("cassandra", "rows").wait(lambda detail: None, threading.Event())
    assert "`dcos cassandra --name=rows plan status deploy --json`" in str(late.value.hint)


def test_a_package_that_is_not_offered_names_the_setting_of_its_own_version() -> None:
    with pytest.raises(PipectlError) as missing:
        _step("hdfs", "files").plan()
    assert "`--set hdfs.version=…`" in str(missing.value.hint)


def test_threads_that_lack_the_command_of_a_package_install_it_once() -> None:
    together, asked = threading.Barrier(2, timeout=30), count()
    installed: list[Sequence[str]] = []

    class Lacking:
        def run(self, args: Sequence[str], **_: object) -> str:
            if installed:
                return "[]"
            if next(asked) < 2:
                together.wait()
            raise fault(CommandMissing, ["dcos", *args], 1, "", "'kafka' is not a dcos command.")

        def change(self, args: Sequence[str], **_: object) -> None:
            installed.append(args)

    dcos: Any = Lacking()
    commands = ServiceCommands(dcos)
    with ThreadPoolExecutor(2) as pool:
        ran = [pool.submit(lambda: commands.of("kafka").run(["kafka", "topic", "list"])) for _ in range(2)]
        assert [each.result(30) for each in ran] == ["[]", "[]"]
    assert installed == [["package", "install", "kafka", "--cli", "--yes"]]


def test_the_network_of_the_cluster_has_names_for_tasks():
    engine = DcosEngine(Dcos(("dcos",), {}))
    assert engine.packages.host_of("data/hdfs", "data-2-node") == (
        "data-2-node.datahdfs.autoip.dcos.thisdcos.directory"
    )
