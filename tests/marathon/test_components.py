"""The declarations of components, and the errors for invalid ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from cli import local
from marathon import parts
from marathon.bundle import render
from marathon.components import Components
from marathon.errors import BundleError, Problem
from marathon.model import PART
from marathon.settings import Settings

SettingsOf = Callable[..., Settings]
OF_PIPECTL = local.hdfs_header_file().name
"""A secret that is there before the package."""


def problems(copy: Path) -> list[Problem]:
    with pytest.raises(BundleError) as caught:
        Components(copy)
    return caught.value.problems


def test_each_component_comes_after_what_it_depends_on(settings_of: SettingsOf) -> None:
    found = render(settings_of("prod", "security.service_account=x")).components
    order = list(found)
    assert order[0] == "security"
    for name, component in found.items():
        assert all(order.index(other) < order.index(name) for other in component.depends_on)
    assert found["gatherer"].depends_on == {"topics", "flink-taskmanager"}
    assert found["kafka"].depends_on == {"security"}
    assert found["kafka"].ready_within == settings_of("prod").timeouts.package


def test_a_part_that_is_off_is_no_component_and_nothing_waits_for_it(settings_of: SettingsOf) -> None:
    found = render(settings_of()).components
    assert "security" not in found
    assert found["kafka"].depends_on == frozenset()


def test_a_part_is_on_by_the_setting_or_by_hand_which_its_apps_say(settings_of: SettingsOf) -> None:
    on = render(settings_of())
    off = render(settings_of("local", "parts=[]"))
    by_hand = render(settings_of("local", "parts=[]"), with_parts=["dashboard"])
    assert on.apps.keys() - off.apps.keys() == {"dashboard"}
    assert PART not in on.apps["dashboard"].labels
    assert by_hand.apps["dashboard"].labels[PART] == "dashboard"
    assert by_hand.apps["gatherer"] == on.apps["gatherer"]


def test_a_part_says_what_it_needs(settings_of: SettingsOf) -> None:
    found = parts(settings_of())
    assert list(found) == ["dashboard", "spark", "cassandra", "mysql", "hdfs", "notebooks", "webhook"]
    assert list(found["dashboard"].components) == ["dashboard"]
    assert set(found["cassandra"].components) == {"cassandra", "sink-to-cassandra", "stream-to-cassandra"}
    assert set(found["mysql"].components) == {"mysql", "mysql-server", "sink-to-mysql"}
    assert set(found["hdfs"].components) == {"hdfs", "sink-to-hdfs", "stream-to-hdfs"}
    node = found["cassandra"].components["cassandra"]
    assert (node.memory, node.disk) == (768, 10240)
    kafka = render(settings_of("prod")).components["kafka"]
    assert (kafka.memory, kafka.disk) == (3 * 4096, 3 * 50000)


def test_an_unknown_part_is_named_with_its_line(
    mistakes: Callable[..., list[Problem]], tmp_path: Path
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("group: /x\nparts: [dashbord]\n")
    (problem,) = mistakes(files=[file])
    assert str(problem) == f'{file}:2: parts[0]: no part dashbord; did you mean "dashboard"?'


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (
            "depends_on: [topics, flink-taskmanger]\n",
            1,
            'no component flink-taskmanger; did you mean "flink-',
        ),
        ("\ndepends_on: [gatherer]\n", 2, "depends_on: depends on itself: gatherer <- gatherer"),
        ("depends_on: []\npart: page\n", 2, "part: no part page; parts.yaml lists them"),
        ("depends_on: []\nready_within: timeouts.ap\n", 2, "ready_within: no setting timeouts.ap"),
        ("depends_on: []\nenabled: secrity.wanted\n", 2, "enabled: no setting secrity.wanted"),
        ("depends_on: []\nmemory: [flink.mem]\n", 2, "memory[0]: no setting flink.mem"),
        ("depend_on: []\n", 1, 'unknown key; did you mean "depends_on"?'),
        ("ready_within: timeouts.app\n", 1, "depends_on: is required"),
        ("depends_on: 7\n", 1, "depends_on: expected a list, got 7"),
        ("[]\n", 1, "expected a mapping with depends_on"),
    ],
)
def test_a_mistake_names_its_line(copy: Path, text: str, line: int, said: str) -> None:
    file = copy / "apps" / "gatherer.yaml"
    file.write_text(text)
    found = [problem for problem in problems(copy) if said in str(problem)]
    assert [(problem.file, problem.line) for problem in found] == [(str(file), line)]


def test_an_undeclared_template_is_named(copy: Path) -> None:
    (copy / "apps" / "gatherer.yaml").unlink()
    (problem,) = problems(copy)
    assert problem.file == str(copy / "apps" / "gatherer.json.j2")
    assert "has no component file; create gatherer.yaml beside it" in str(problem)


def test_a_component_without_a_template_is_named(copy: Path, settings_of: SettingsOf) -> None:
    (copy / "apps" / "spare.yaml").write_text("depends_on: []\n")
    with pytest.raises(BundleError, match=r"spare\.json\.j2: no such file"):
        render(settings_of(), package=copy)


def test_an_app_waits_for_the_package_that_makes_its_secret(settings_of: SettingsOf) -> None:
    bundle = render(settings_of(), with_parts=["spark", "cassandra", "mysql", "hdfs", "notebooks"])
    read = {
        (name, package)
        for name, app in bundle.apps.items()
        for secret in app.definition.get("secrets", {}).values()
        for package in bundle.packages
        if re.match(rf"{package}[-/]", secret["source"]) and secret["source"] != OF_PIPECTL
    }
    assert {("notebooks", "mysql"), ("dashboard", "cassandra")} < read
    assert [(app, package) for app, package in read if package not in bundle.components[app].depends_on] == []
