"""Copies of the templates and settings that a test may edit."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from marathon.bundle import render
from marathon.errors import BundleError, Problem
from marathon.paths import PACKAGE
from marathon.settings import Settings
from tests.settings import load_settings

STATE = "flink.state=hdfs://namenode/volatility"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package's defaults, cluster files and templates."""
    copy = tmp_path / "marathon"
    for folder in ("apps", "clusters", "jobs", "packages", "steps"):
        shutil.copytree(PACKAGE / folder, copy / folder)
    for file in ("defaults.yaml", "parts.yaml"):
        shutil.copy(PACKAGE / file, copy)
    return copy


@pytest.fixture
def settings_of() -> Callable[..., Settings]:
    """The settings of a cluster; clusters other than local get a `flink.state`."""

    def load(cluster: str = "local", *overrides: str) -> Settings:
        given = overrides if cluster == "local" else (STATE, *overrides)
        return load_settings(cluster, overrides=given, environ={"PIPECTL_HOME": "/home/of/pipectl"})

    return load


@pytest.fixture
def mistakes() -> Callable[..., list[Problem]]:
    """Load settings that are invalid; returns the problems."""

    def load(cluster: str = "local", **options: object) -> list[Problem]:
        with pytest.raises(BundleError) as caught:
            load_settings(cluster, **options)  # type: ignore[arg-type]
        return caught.value.problems

    return load


@pytest.fixture
def faults(copy: Path, settings_of: Callable[..., Settings]) -> Callable[..., list[Problem]]:
    """Replace text in a template of the copy and render it; returns the problems."""

    def break_(template: str, old: str, new: str, *overrides: str) -> list[Problem]:
        file = copy / template
        text = file.read_text()
        assert old in text, f"{template} no longer has {old!r}"
        file.write_text(text.replace(old, new, 1))
        with pytest.raises(BundleError) as caught:
            render(settings_of("local", *overrides), package=copy)
        return caught.value.problems

    return break_
