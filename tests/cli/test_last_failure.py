"""`status` shows the last failure of the job, from the log of an app on the embedded cluster."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from cli.engine.dcos.apps import manifest_of
from cli.engine.dcos.engine import DcosEngine
from cli.last_failure import LastFailure, last_failure
from cli.steps.app import AppStep
from cli.steps.base import wait_until
from flink_scripts.clock import Clock
from flink_scripts.health import Health
from flink_scripts.reporter import Reporter
from flink_scripts.rest import Failure

pytestmark = pytest.mark.slow

OLD = Failure(1_000, "", "", "a.B: older\n\tat x")
NEW = Failure(2_000, "Source (1/2)", "host:1", "c.D: top\n\tat x\nCaused by: e.F: \x1b[31mroot\n\tat y")


def lines_of(*failures: Failure) -> list[str]:
    """The gatherer's log lines about failures."""
    lines = ["resuming from file:/state"]
    reporter = Reporter(1, lambda: None, Health(""), Clock(), lines.append)
    for failure in failures:
        reporter.failed(failure)
    return [*lines, "the job was restarted and runs again, from checkpoint 7"]


class Printing:
    """An app that prints lines and then ends, or runs while its file `stay` exists."""

    def __init__(self, cluster: DcosEngine, folder: Path, name: str) -> None:
        self.app_id, self.cluster, self.folder = f"/{name}", cluster, folder
        program = (
            "import pathlib, sys, time\n"
            "folder = pathlib.Path(sys.argv[1])\n"
            "print((folder / 'lines').read_text(), flush=True)\n"
            "while (folder / 'stay').exists(): time.sleep(0.05)\n"
            "(folder / 'lines').write_text('a new life')\n"
            "(folder / 'stay').touch()\n"
            "sys.exit(1)"
        )
        definition = {
            "id": self.app_id,
            "args": [sys.executable, "-c", program, str(folder)],
            "instances": 1,
            "cpus": 0.01,
            "mem": 16,
            "backoffSeconds": 0,
        }
        self.step = AppStep(
            name,
            manifest_of(definition),
            cluster,
            depends_on=frozenset(),
            timeout=timedelta(seconds=60),
            adopt=True,
        )

    def start(self, lines: list[str], *, stays: bool) -> None:
        (self.folder / "lines").write_text("\n".join(lines))
        if stays:
            (self.folder / "stay").touch()
        self.step.apply(self.step.plan())

    def until(self, condition: Any, what: str) -> None:
        wait_until(condition, what=what, timeout=timedelta(seconds=60), stop=Event(), hint="")


@pytest.fixture
def app(cluster: DcosEngine, tmp_path: Path) -> Iterator[Printing]:
    app = Printing(cluster, tmp_path, f"printing-{tmp_path.name.replace('_', '-')[-20:].lower()}")
    yield app
    app.step.remove(lambda line: None, Event())


def test_the_newest_failure_in_the_log_is_the_last(app: Printing) -> None:
    app.start(lines_of(OLD, NEW), stays=True)
    app.until(lambda: last_failure(app.cluster, app.app_id), "the failure is found")
    found = last_failure(app.cluster, app.app_id)
    assert found == LastFailure(
        "1970-01-01 00:00:02.000", "e.F: \x1b[31mroot, seen as c.D: top (in Source (1/2) on host:1)"
    )


def test_a_task_that_says_nothing_leaves_it_to_the_one_before(app: Printing) -> None:
    app.start(lines_of(OLD), stays=False)
    app.until(lambda: (app.folder / "lines").read_text() == "a new life", "the first task has ended")
    app.until(lambda: app.cluster.tasks(app.app_id), "the second one is there")
    app.until(lambda: last_failure(app.cluster, app.app_id), "the failure is found")
    found = last_failure(app.cluster, app.app_id)
    assert found == LastFailure("1970-01-01 00:00:01.000", "a.B: older")


def test_without_an_app_or_a_failure_there_is_none(app: Printing) -> None:
    assert last_failure(app.cluster, app.app_id) is None
    app.start(["nothing happened"], stays=True)
    app.until(lambda: app.cluster.tasks(app.app_id), "the task is there")
    assert last_failure(app.cluster, app.app_id) is None
