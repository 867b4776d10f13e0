"""Following the output of a task ends with the task, with each client."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from cli.engine.dcos.engine import DcosEngine
from cli.engine.protocol import Manifest, newest_task

APP = "/follow/app"
TALK = """
import pathlib, sys, time
print("one", flush=True)
while not pathlib.Path("go").exists(): time.sleep(0.01)
print("two", flush=True)
time.sleep(1000)
"""


def started(engine: DcosEngine) -> str:
    """The id of the task of an app that prints its second line when its sandbox has a file `go`."""
    definition = {
        "id": APP,
        "args": [sys.executable, "-c", TALK],
        "cpus": 0.01,
        "mem": 16,
        "instances": 1,
        "networks": [{"mode": "host"}],
        "portDefinitions": [],
        "taskKillGracePeriodSeconds": 1,
    }
    engine.create(Manifest(APP, {}, 1, {}, definition))
    deadline = time.monotonic() + 60
    while (task := newest_task(engine, APP)) is None or "one" not in engine.logs(task.id, "stdout", 5):
        assert time.monotonic() < deadline, "the app has printed nothing for 60 s"
        time.sleep(0.1)
    return task.id


def followed(engine: DcosEngine, argv: Sequence[str], home: Path, capfd: pytest.CaptureFixture[str]) -> str:
    """What a client prints of a task that is removed while it is followed."""
    task = started(engine)
    environ = {**engine.dcos.environ, "DCOS_DIR": str(home / "dcos")}
    client = DcosEngine(replace(engine.dcos, argv=tuple(argv), environ=environ))
    printed = ""
    thread = threading.Thread(target=client.follow, args=(task, "stdout", 10))
    capfd.readouterr()
    thread.start()
    try:
        for line in ("one", "two"):
            deadline = time.monotonic() + 60
            while line not in printed:
                assert time.monotonic() < deadline, f"{line!r} was not printed within 60 s: {printed!r}"
                time.sleep(0.05)
                printed += capfd.readouterr().out
            (home / "cluster" / "sandboxes" / task / "go").touch()
    finally:
        engine.delete(APP)
        thread.join(60)
    assert not thread.is_alive(), "it goes on 60 s after the task has ended"
    return printed + capfd.readouterr().out


def test_the_built_in_client_ends_with_the_task(
    cluster: DcosEngine, local_home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert followed(cluster, cluster.dcos.argv, local_home, capfd).split() == ["one", "two"]


@pytest.mark.slow
def test_the_real_client_ends_with_the_task_and_repeats_nothing(
    cluster: DcosEngine, local_home: Path, dcoscli: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert followed(cluster, (str(dcoscli),), local_home, capfd).split() == ["one", "two"]
