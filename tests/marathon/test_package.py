"""The public names of `marathon`, and the cost of its import."""

from __future__ import annotations

import subprocess
import sys

import pytest

import marathon
from cli.catalogue import CATALOGUE


def test_public_names() -> None:
    assert marathon.__all__ == [
        "App",
        "Bundle",
        "BundleError",
        "Catalogue",
        "Component",
        "Job",
        "MarathonError",
        "Package",
        "Part",
        "Problem",
        "Settings",
        "cluster_names",
        "component_names",
        "is_local",
        "load_settings",
        "parts",
        "render",
    ]
    for name in marathon.__all__:
        assert getattr(marathon, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'rendr'"):
        getattr(marathon, "rendr")  # noqa: B009 - the point is the attribute that isn't there


def test_import_loads_no_library() -> None:
    names = ", ".join(name for name in marathon.__all__ if name != "Settings")
    heavy = "{'pydantic', 'ruamel.yaml', 'jinja2', 'jsonschema', 'platformdirs'}"
    code = f"import sys; from marathon import {names}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_functions_work_from_the_package() -> None:
    bundle = marathon.render(marathon.load_settings("local", catalogue=CATALOGUE))
    assert list(bundle.apps) == [
        "dashboard",
        "data-generator",
        "flink-jobmanager",
        "flink-taskmanager",
        "gatherer",
    ]


def test_errors_carry_the_exit_code_and_tell_each_mistake_once() -> None:
    problem = marathon.Problem("a.yaml", 3, "flink.state", "is wrong", "write it right")
    error = marathon.BundleError([problem, problem])
    assert error.exit_code == 2
    assert str(error) == "a.yaml:3: flink.state: is wrong; write it right"


def test_schemas_are_read_without_the_grammars_that_jupyter_brings() -> None:
    """They take two seconds, in every `pipectl` that renders."""
    program = (
        "import sys; from marathon.app_schema import schema_errors; list(schema_errors({})); "
        "print([name for name in ('lark', 'rfc3987_syntax') if sys.modules.get(name)])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
