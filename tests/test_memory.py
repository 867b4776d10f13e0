"""Tests of heavy parts are skipped where memory is short, and say so."""

from __future__ import annotations

import psutil
import pytest

from tests import memory


@pytest.mark.parametrize(("needed", "skips"), [(1, False), (2**40, True)])
def test_what_does_not_fit_is_skipped_and_says_why(needed: int, skips: bool) -> None:
    said = None
    try:
        memory.need(needed, "Spark")
    except pytest.skip.Exception as skipped:
        said = str(skipped)
    assert (said is not None) == skips
    if said is not None:
        assert said.startswith(f"Spark needs {needed} MiB of memory, and ")
        there = int(said.split()[-4])
        assert abs(there - psutil.virtual_memory().available / 2**20) < 4096
