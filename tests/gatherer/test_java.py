"""The Java part: its own tests (gatherer/java/src/test)."""

from __future__ import annotations

from pathlib import Path

import pytest

from flink_scripts import building
from flink_scripts.java_project import JavaProject

pytestmark = pytest.mark.slow


def test_the_java_tests_pass() -> None:
    failure = building.test(JavaProject(Path(__file__).parents[2] / "gatherer" / "java"), quiet=True)
    if failure is not None:
        pytest.fail(failure, pytrace=False)
