"""State on a real HDFS and on an S3 server: found by Flink's own file systems, resumed from, and pruned."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from flink_scripts.errors import StateError
from flink_scripts.files import Files, FlinkFiles
from flink_scripts.settings import Environment
from flink_scripts.state import StateFolder
from flink_scripts.submit import state_environ
from tests.hdfs import Hdfs
from tests.ports import free_ports
from tests.s3 import S3

pytestmark = pytest.mark.slow


@dataclass
class Store:
    """A place for state: its URI, how it is read, and how files get there, by their paths below it."""

    uri: str
    files: Files
    put: Callable[..., None]


def files_with(work: Path, **environ: str) -> FlinkFiles:
    env = Environment({**os.environ, **environ})
    return FlinkFiles(lambda: state_environ(env, work))


@pytest.fixture
def s3(s3_server: S3, tmp_path: Path) -> Store:
    def put(*paths: str) -> None:
        for path in paths:
            s3_server.ask("PUT", f"bucket/state/{path}", b"x")

    return Store(f"{s3_server.uri}/state", files_with(tmp_path / "work", **s3_server.environ), put)


@pytest.fixture
def hdfs(hdfs_server: Hdfs, tmp_path: Path) -> Store:
    batches = count()

    def put(*paths: str) -> None:
        batch = next(batches)
        source = tmp_path / f"put{batch}"
        for path in paths:
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            (source / path).write_text("x")
        if batch == 0:
            hdfs_server.shell("-mkdir", "-p", "/state")
        hdfs_server.shell("-put", "-f", *map(str, source.iterdir()), "/state")

    return Store(f"{hdfs_server.uri}/state", files_with(tmp_path / "work", **hdfs_server.environ), put)


def until_the_next_second() -> None:
    now = int(time.time())
    while int(time.time()) == now:
        time.sleep(0.02)


@pytest.mark.parametrize("name", ["s3", pytest.param("hdfs", marks=pytest.mark.long)])
def test_state_is_found_resumed_from_and_pruned(name: str, request: pytest.FixtureRequest) -> None:
    store: Store = request.getfixturevalue(name)
    folder = StateFolder(store.uri, "job", "shape", store.files)
    assert folder.newest() is None, "a place where nothing was written yet"

    # Old, though the last by name: an object store tells no time of a folder.
    store.put("savepoints/job/shape/savepoint-z/_metadata", "checkpoints/job/shape/old/chk-7/_metadata")
    until_the_next_second()  # S3 counts in seconds
    savepoints = (f"savepoints/job/shape/savepoint-{letter}/_metadata" for letter in "abc")
    store.put(*savepoints, "checkpoints/job/shape/new/shared/part")
    until_the_next_second()
    store.put("checkpoints/job/shape/new/chk-3/_metadata", "checkpoints/job/shape/new/chk-4/part")

    newest = folder.newest()
    assert newest is not None
    assert newest.uri == f"{store.uri}/checkpoints/job/shape/new/chk-3", "chk-4 is not complete"
    assert abs(newest.time - time.time()) < 60

    assert sorted(folder.prune("new")) == [
        f"{store.uri}/checkpoints/job/shape/old",
        f"{store.uri}/savepoints/job/shape/savepoint-z",
    ]
    checkpoints, left = store.files.trees([folder.checkpoints, folder.savepoints], 3)
    assert {entry.path for entry in checkpoints if not entry.is_folder} == {
        "new/chk-3/_metadata",
        "new/chk-4/part",
        "new/shared/part",
    }
    assert {entry.path for entry in left if entry.is_folder} == {f"savepoint-{n}" for n in "abc"}


def test_a_name_node_that_is_not_there_is_an_error_that_names_it(image_jars: Path, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    files = files_with(tmp_path, HADOOP_CLASSPATH=f"{image_jars / 'hadoop'}/*")
    with pytest.raises(StateError, match=str(port)):
        files.trees([f"hdfs://127.0.0.1:{port}/state"], 1)
