"""Rendering and validating contact nothing."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.__main__ import pipectl

JOBS = {
    "census",
    "census-statistics",
    "prices-report",
    "produce-prices",
    "query-limits-reached",
    "query-prices-by-minute",
    "query-signals-paid-off",
    "query-volatility-by-hour",
    "random-numbers",
    "replay",
    "sink",
    "system",
}
APPS = {"dashboard", "data-generator", "flink-jobmanager", "flink-taskmanager", "gatherer"}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("PIPECTL_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PIPECTL_CLUSTER", raising=False)
    yield
    assert not (tmp_path / "home").exists()


def run(*args: str) -> str:
    result = CliRunner().invoke(pipectl, args)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("cluster", ["local", "dev", "prod"])
def test_one_file_an_app(tmp_path, cluster):
    files = json.loads(run("render", "--cluster", cluster, "--out", str(tmp_path / "out"), "-o", "json"))[
        "files"
    ]
    assert {Path(file).stem for file in files} == APPS | {"kafka"} | JOBS
    for file in map(Path, files):
        document = json.loads(file.read_text())
        if file.stem == "kafka":
            assert (file.parent.name, document["service"]["name"]) == ("packages", "kafka")
        elif file.stem in JOBS:
            assert (file.parent.name, document["id"]) == ("jobs", f"volatility.{file.stem}")
        else:
            assert document["id"] == f"/volatility/{file.stem}"


def test_without_a_folder_one_document(tmp_path):
    assert json.loads(run("render")).keys() == APPS


def test_validate_names_the_apps():
    assert json.loads(run("validate", "--cluster", "prod", "-o", "json")) == {
        "cluster": "prod",
        "valid": True,
        "apps": sorted(APPS),
    }
