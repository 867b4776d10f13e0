"""Commands of `pipectl` for several clusters."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from cli.panes import asked, survey


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


def test_the_bundle_in_an_area_of_each_cluster_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    said = []

    def answer(*command: str) -> tuple[dict[str, Any] | None, str]:
        said.append(command)
        cluster, area = command[command.index("--cluster") + 1], command[-2:] == ("--area", "blue")
        if cluster == "two" and area:
            return None, "1 problem: --area blue: unknown area"
        if command[0] == "status":
            return {"healthy": True}, ""
        return {"cluster_id": cluster, "deployed": area, "links": [], "known": []}, ""

    monkeypatch.setattr("cli.panes.asked", answer)
    one, two = survey(["one", "two"], area="blue")
    assert (one.state, two.state, two.counts) == ("healthy", "no area", False)
    assert two.about["cluster_id"] == "two" and "unknown area" in two.problem
    assert ("status", "--cluster", "one", "--area", "blue") in said
    (without,) = survey(["one"])
    assert without.state == "not deployed"
