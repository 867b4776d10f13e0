"""Finding and pruning checkpoints and savepoints."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flink_scripts.description import Description
from flink_scripts.files import LocalFiles
from flink_scripts.settings import local_path
from flink_scripts.state import StateFolder


def _snapshot(folder: Path, time: float, complete: bool = True) -> Path:
    folder.mkdir(parents=True)
    if complete:
        (folder / "_metadata").write_bytes(b"")
        os.utime(folder / "_metadata", (time, time))
    os.utime(folder, (time, time))
    os.utime(folder.parent, (time, time))
    return folder


def _path(uri: str) -> Path:
    path = local_path(uri)
    assert path is not None
    return path


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    return StateFolder(f"file://{tmp_path}/with a space, 100% #1", "job", "shape", LocalFiles())


def test_nothing_yet(state: StateFolder) -> None:
    assert state.newest() is None
    assert state.prune("a") == []


def test_newest_complete_snapshot_wins(state: StateFolder) -> None:
    _snapshot(_path(state.savepoints) / "savepoint-1", 100)
    _snapshot(_path(state.checkpoints) / "a" / "chk-7", 200)
    newest = _snapshot(_path(state.checkpoints) / "b" / "chk-2", 300)
    _snapshot(_path(state.checkpoints) / "b" / "chk-3", 400, complete=False)
    found = state.newest()
    assert found is not None and _path(found.uri) == newest
    savepoint = _snapshot(_path(state.savepoints) / "savepoint-2", 500)
    found = state.newest()
    assert found is not None and _path(found.uri) == savepoint


def test_numbers_order_checkpoints_of_one_job_whatever_their_times(state: StateFolder) -> None:
    """An object store has a resolution of a second, and clocks are set back."""
    job = _path(state.checkpoints) / "a"
    for name, time in (("chk-8", 200), ("chk-9", 200), ("chk-10", 200)):
        newest = _snapshot(job / name, time)
    found = state.newest()
    assert found is not None and _path(found.uri) == newest
    newest = _snapshot(job / "chk-11", 150)
    found = state.newest()
    assert found is not None and _path(found.uri) == newest


def test_a_savepoint_is_newer_than_a_checkpoint_of_its_second(state: StateFolder) -> None:
    _snapshot(_path(state.checkpoints) / "a" / "chk-8", 200)
    savepoint = _snapshot(_path(state.savepoints) / "savepoint-1", 200)
    found = state.newest()
    assert found is not None and _path(found.uri) == savepoint


def test_other_jobs_and_shapes_are_not_ours(state: StateFolder, tmp_path: Path) -> None:
    _snapshot(tmp_path / "checkpoints" / "job" / "other" / "a" / "chk-1", 100)
    _snapshot(tmp_path / "checkpoints" / "another" / "shape" / "a" / "chk-1", 100)
    assert state.newest() is None


def test_prune_keeps_what_is_needed(state: StateFolder) -> None:
    running = _snapshot(_path(state.checkpoints) / "running" / "chk-9", 100)
    old = _snapshot(_path(state.checkpoints) / "old" / "chk-5", 90)
    savepoints = [_snapshot(_path(state.savepoints) / f"savepoint-{n}", n) for n in range(5)]
    shapes = [_snapshot(_path(state.checkpoints).parent / f"s{n}" / "a" / "chk-1", n) for n in range(4)]
    for number, shape in enumerate(shapes):
        os.utime(shape.parent.parent, (number, number))
    state.prune("running")
    assert running.exists() and not old.parent.exists()
    assert [path.exists() for path in savepoints] == [False, False, True, True, True]
    assert [path.exists() for path in shapes] == [False, False, True, True]


def test_shape_follows_state_and_topics() -> None:
    description = Description({"window_ms": 10_000}, {"sql": "a"}, ("movingaverage",))
    shape = description.shape({"movingaverage": "id1"})
    assert shape == Description({"window_ms": 10_000}, {"sql": "b"}, ()).shape({"movingaverage": "id1"})
    assert shape != Description({"window_ms": 20_000}, {"sql": "a"}, ()).shape({"movingaverage": "id1"})
    assert shape != description.shape({"movingaverage": "id2"})
    identity = description.identity(shape, {"parallelism.default": "1"})
    assert identity != description.identity(shape, {"parallelism.default": "2"})
    assert identity != Description({"window_ms": 10_000}, {"sql": "b"}, ()).identity(
        shape, {"parallelism.default": "1"}
    )
