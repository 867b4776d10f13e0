"""Commands of `pipectl` for several clusters."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from cli.panes import asked


def test_a_cluster_is_asked_without_the_area_of_this_command(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {}

    def run(command: list[str], *, env: dict[str, str], **_: Any) -> subprocess.CompletedProcess[str]:
        seen.update(env)
        return subprocess.CompletedProcess(command, 0, "{}", "")

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setenv("PIPECTL_AREA", "dev")
    monkeypatch.setenv("PIPECTL_HOME", "/home/of/pipectl")
    assert asked("plan", "--cluster", "prod") == ({}, "")
    assert "PIPECTL_AREA" not in seen and seen["PIPECTL_HOME"] == "/home/of/pipectl"
