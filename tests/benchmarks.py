"""Runs a benchmark in the test's process, on what the test lends it."""

from __future__ import annotations

import importlib
import runpy
import sys
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).parents[1] / "bench"
Run = Callable[..., str]


def cases(commands: Iterable[str], long: Collection[str]) -> list[Any]:
    """The commands as parameters of a test. long: the programs that only `make test-long` runs."""
    return [
        pytest.param(each, marks=[pytest.mark.long] if each.split()[0] in long else []) for each in commands
    ]


@pytest.fixture
def run_benchmark(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Calls a benchmark with a command line, which must find everything as it should be; returns its output.

    Further arguments: what is lent, as bench/lent.py names it.
    """

    def run(command: str, **lent: Any) -> str:
        script, *arguments = command.split()
        monkeypatch.syspath_prepend(str(BENCH))
        monkeypatch.setattr(sys, "argv", [str(BENCH / script), *arguments])
        monkeypatch.chdir(tmp_path)
        for name, value in lent.items():
            monkeypatch.setattr(importlib.import_module("lent"), name, value)
        code: Any = 0
        try:
            runpy.run_path(str(BENCH / script), run_name="__main__")
        except SystemExit as end:
            code = end.code
        shown, errors = capfd.readouterr()
        assert not code, f"{shown[-3000:]}\n{errors[-3000:]}"
        assert any(character.isdigit() for character in shown), shown
        return shown

    return run
