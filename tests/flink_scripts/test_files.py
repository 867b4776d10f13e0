"""State is found and removed alike, read by us or by Flink's own file systems."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flink_scripts.errors import StateError
from flink_scripts.files import FlinkFiles, LocalFiles, files_of
from flink_scripts.settings import Environment
from flink_scripts.submit import state_environ
from tests.disks import full, may_mount, read_only, small_disk


@pytest.mark.slow
def test_flink_sees_what_we_see(tmp_path: Path) -> None:
    root, work = tmp_path / "state", tmp_path / "work"
    for place, time in (("shape/a/chk-1", 100), ("shape/b/chk-2", 200)):
        metadata = root / place / "_metadata"
        metadata.parent.mkdir(parents=True)
        metadata.write_bytes(b"x")
        os.utime(metadata, (time, time))
    ours, folders = LocalFiles(), [root.as_uri(), (tmp_path / "absent").as_uri()]
    theirs = FlinkFiles(lambda: state_environ(Environment(), work))
    seen, found = ours.trees(folders, 4), theirs.trees(folders, 4)
    assert [sorted((e.path, e.is_folder) for e in tree) for tree in found] == [
        sorted((e.path, e.is_folder) for e in tree) for tree in seen
    ]
    times = {entry.path: entry.time for entry in found[0]}
    assert times["shape/a/chk-1/_metadata"] == 100 and times["shape/b/chk-2/_metadata"] == 200
    assert {entry.path for entry in theirs.trees(folders, 2)[0]} == {"shape", "shape/a", "shape/b"}

    theirs.delete([(root / "shape" / "a").as_uri()])
    assert [path.name for path in (root / "shape").iterdir()] == ["b"]
    with pytest.raises(StateError, match=r"nosuch"):
        theirs.trees(["nosuch://a/b"], 1)


def test_a_jvm_starts_only_for_file_systems_that_are_not_local() -> None:
    assert isinstance(files_of("file:///a", dict), LocalFiles)
    assert isinstance(files_of("/a", dict), LocalFiles)
    assert isinstance(files_of("hdfs://hdfs/a", dict), FlinkFiles)


@may_mount
def test_a_place_that_takes_nothing_says_why(tmp_path: Path) -> None:
    files, place = LocalFiles(), tmp_path / "state"
    problem = f"cannot write to {place}: "
    assert files.problem(place.as_uri()) == f"{problem}No such file or directory"
    with small_disk(place, 1):
        assert files.problem(place.as_uri()) is None
        with full(place):
            assert files.problem(place.as_uri()) == f"{problem}No space left on device"
        with read_only(place):
            assert files.problem(place.as_uri()) == f"{problem}Read-only file system"
        assert [*place.iterdir()] == []
