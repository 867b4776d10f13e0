"""Rooms to break things in: copies of the templates and settings that a test may edit."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from marathon.bundle import render
from marathon.errors import BundleError, Problem
from marathon.paths import ROOM
from marathon.settings import Settings
from tests.settings import load_settings

STATE = "flink.state=hdfs://namenode/volatility"


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """A copy of the room's defaults, cluster files and templates."""
    copy = tmp_path / "room"
    for folder in ("apps", "clusters", "jobs", "packages", "steps"):
        shutil.copytree(ROOM / folder, copy / folder)
    for file in ("defaults.yaml", "parts.yaml"):
        shutil.copy(ROOM / file, copy)
    return copy


@pytest.fixture
def settings_of() -> Callable[..., Settings]:
    """The settings of a cluster; one that needs a place for Flink's state is given one."""

    def load(cluster: str = "local", *overrides: str) -> Settings:
        given = overrides if cluster == "local" else (STATE, *overrides)
        return load_settings(cluster, overrides=given, environ={"PIPECTL_HOME": "/home/of/pipectl"})

    return load


@pytest.fixture
def mistakes() -> Callable[..., list[Problem]]:
    """The problems that loading settings ends with; fails when there are none."""

    def load(cluster: str = "local", **options: object) -> list[Problem]:
        with pytest.raises(BundleError) as caught:
            load_settings(cluster, **options)  # type: ignore[arg-type]
        return caught.value.problems

    return load


@pytest.fixture
def faults(room: Path, settings_of: Callable[..., Settings]) -> Callable[..., list[Problem]]:
    """Replace text in a template of the copied room and render it: the problems that gives."""

    def break_(template: str, old: str, new: str, *overrides: str) -> list[Problem]:
        file = room / template
        text = file.read_text()
        assert old in text, f"{template} no longer has {old!r}"
        file.write_text(text.replace(old, new, 1))
        with pytest.raises(BundleError) as caught:
            render(settings_of("local", *overrides), room=room)
        return caught.value.problems

    return break_
