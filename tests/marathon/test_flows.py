"""The flows: one line each."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import marathon
from marathon.errors import Problem
from marathon.flows import TOPICS
from tests.settings import load_settings

Mistakes = Callable[..., list[Problem]]

EIGHT = [
    "socket.io/monitoring",
    "socket.io/random-numbers",
    "spark/cassandra/census-data",
    "spark/disk/census-data",
    "spark-streaming/disk/random-numbers",
    "spark-streaming/cassandra/random-numbers",
    "spark-streaming/disk/monitoring",
    "spark-streaming/cassandra/monitoring",
]


def environment(*parts: str, **options: object) -> dict[str, str]:
    bundle = marathon.render(load_settings("local", **options), with_parts=parts)
    return dict(bundle.apps["dashboard"].env)


def test_the_page_gets_the_eight_flows_with_the_parts_that_each_depends_on(tmp_path: Path) -> None:
    env = environment("dashboard", environ={"PIPECTL_HOME": str(tmp_path)})
    flows = {flow.pop("name"): flow for flow in json.loads(env["FLOWS"])}
    assert list(flows) == EIGHT
    parts = {name: set(flow["parts"]) for name, flow in flows.items()}
    for name in EIGHT:
        assert parts[name] == {part for part in ("spark", "cassandra") if part in name}
    assert flows["spark-streaming/disk/monitoring"] == {
        "source": "system",
        "topic": "monitoring",
        "processing": "spark-streaming",
        "store": "disk",
        "display": "bands",
        "parts": ["spark"],
    }
    assert "dashboard" in env["PARTS"].split(",")
    assert json.loads(env["STORES"])["disk"] == f"disk:{tmp_path}/store"


def test_the_folder_of_the_store_is_mounted_into_the_image() -> None:
    overrides = ["image=pipectl:1", "stores.disk=/mnt/results"]
    container = marathon.render(load_settings("local", overrides=overrides)).apps["dashboard"].definition
    assert container["container"]["volumes"] == [
        {"containerPath": "/mnt/results", "hostPath": "/mnt/results", "mode": "RO"}
    ]


def test_a_file_adds_and_removes_flows(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "flows:\n"
        "  demo/prices: prices -> prices -> spark-streaming -> disk -> bands\n"
        "  socket.io/monitoring: null\n"
    )
    names = [flow["name"] for flow in json.loads(environment(files=[file])["FLOWS"])]
    assert names == [*EIGHT[1:], "demo/prices"]


def test_the_settings_of_the_recipe_with_real_prices_are_valid(tmp_path: Path) -> None:
    text = (Path(marathon.__file__).parents[1] / "docs" / "flows" / "replay.md").read_text()
    (yaml,) = re.findall(r" *```yaml\n(.*?)```", text, re.DOTALL)
    (file := tmp_path / "history.yaml").write_text(dedent(yaml))
    settings = load_settings("local", files=[file])
    assert list(settings.gatherer.windows) == ["30d", "250d"]
    job = marathon.render(settings).jobs["replay"].definition["run"]
    assert job["env"] | {"TIME_FORMAT": "%m/%d/%Y", "TOPIC": "replay"} == job["env"]
    assert job["args"][-1].endswith("arch/data/sp500/sp500.csv.gz")


def test_an_app_streams_into_hdfs_only_if_a_flow_does(tmp_path: Path) -> None:
    def apps(line: str) -> dict[str, Any]:
        settings = load_settings(
            "local", overrides=[f"flows.demo/one={line}"], environ={"PIPECTL_HOME": str(tmp_path)}
        )
        return dict(marathon.render(settings, with_parts=["hdfs"]).apps)

    app = apps("system -> monitoring -> spark-streaming -> hdfs -> bands")["stream-to-hdfs"]
    assert app.env["STORE"].startswith("hdfs:")
    assert app.env["CHECKPOINTS"] == f"{tmp_path}/store/checkpoints/hdfs"
    assert "stream-to-hdfs" not in apps("census -> census -> spark -> hdfs -> bars")


@pytest.mark.parametrize("store", ["disk", "cassandra", "hdfs"])
@pytest.mark.parametrize("source", sorted(set(TOPICS) - {"census", "replay"}))
def test_every_flow_that_is_accepted_is_streamed(tmp_path: Path, source: str, store: str) -> None:
    line = f"{source} -> {TOPICS[source]} -> spark-streaming -> {store} -> bands"
    settings = load_settings(
        "local", overrides=[f"flows.demo/one={line}"], environ={"PIPECTL_HOME": str(tmp_path)}
    )
    bundle = marathon.render(settings, with_parts=["spark", "cassandra", "hdfs"])
    app = f"stream-to-{store}"
    assert f"{TOPICS[source]}=" in bundle.apps[app].env["STREAMS"]
    assert TOPICS[source] in bundle.components[app].topics


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("system -> monitoring", "is not of the form source -> topic -> processing -> store -> display"),
        (
            "sistem -> monitoring -> none -> none -> lines",
            "must be one of prices, random-numbers, system, census, replay, got 'sistem'; did you mean",
        ),
        ("system -> monitoring -> spark-streaming -> none -> bands", "what is processed needs a store"),
        ("system -> monitoring -> none -> none -> bands", "bands does not show records; write lines or"),
        ("system -> monitoring -> spark -> disk -> bars", "the census is a static data set"),
        ("system -> load -> none -> none -> lines", "system writes to the topic monitoring, not to load"),
        (
            "prices -> ticks -> spark-streaming -> disk -> bands",
            "prices writes to the topic prices, not to ticks; write prices",
        ),
        ("census -> people -> spark -> disk -> bars", "census writes to the topic census, not to people"),
        ("replay -> prices -> none -> none -> lines", "replay writes to the topic replay, not to prices"),
        ("replay -> replay -> spark-streaming -> disk -> bands", "does not read the topic replay"),
    ],
)
def test_errors_in_the_line_of_a_flow(mistakes: Mistakes, line: str, problem: str) -> None:
    (found,) = mistakes(overrides=[f"flows.demo/one={line}"])
    assert f"--set flows.demo/one={line}: flows.demo/one: " in str(found)
    assert problem in str(found)


@pytest.mark.parametrize("name", ["api/status", "one", "a/B", "../x", "a//b"])
def test_errors_in_the_name_of_a_flow(mistakes: Mistakes, tmp_path: Path, name: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(f"flows:\n  {name}: system -> monitoring -> none -> none -> lines\n")
    (found,) = mistakes(files=[file])
    assert "mine.yaml:2" in str(found) and "is not the name of a flow" in str(found)
