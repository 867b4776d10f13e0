"""Reading while a sink merges files, without Spark."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from spark_jobs.merging import read_while_merging


def test_files_that_a_merge_removed_are_looked_for_again() -> None:
    there = {"a", "b"}
    lists = iter([["a", "old"], ["a", "b"], ["a", "b"]])

    def read(files: Sequence[str]) -> list[str]:
        if not there.issuperset(files):
            raise OSError("no such file")
        return sorted(files)

    assert read_while_merging(lambda: next(lists), read) == ["a", "b"]


def test_another_error_is_not_repeated() -> None:
    lists = iter([["a"], ["a", "new"]])

    def read(files: Sequence[str]) -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        read_while_merging(lambda: next(lists), read)
    assert next(lists, None) is None
