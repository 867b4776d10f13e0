"""Old names of settings work, in files and with --set, and each use is a warning with file and line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from marathon import BundleError
from marathon.paths import dotted
from marathon.renamed import RENAMED
from marathon.settings import Settings
from tests.settings import load_settings

VALUES = {
    "waits": "{app: 7m}",
    "topics.shorten": "true",
    "gatherer.watermark_bound": "250ms",
    "gatherer.future_bound": "90s",
    "health.patience": "3m",
}


def load(*overrides: str, files: tuple[Path, ...] = ()) -> tuple[Settings, list[str]]:
    said: list[str] = []
    settings = load_settings(
        "local", files=files, overrides=overrides, warn=lambda problem: said.append(str(problem))
    )
    return settings, said


def test_every_old_name_is_tried_here() -> None:
    assert {dotted(old) for old in RENAMED} == VALUES.keys()


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_an_old_name_means_its_new_one(old: tuple[str, ...], new: str) -> None:
    written, value = dotted((*old[:-1], new)), VALUES[dotted(old)]
    renamed, said = load(f"{dotted(old)}={value}")
    assert said == [
        f"--set {dotted(old)}={value}: {dotted(old)}: deprecated name; write {written}",
    ]
    expected, quiet = load(f"{written}={value}")
    assert renamed == expected != load()[0]
    assert quiet == []


def test_a_file_s_old_names_have_their_lines(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("waits:\n  app: 7m\ngatherer:\n  idle_timeout: 20s\n  watermark_bound: 1s\n")
    settings, said = load(files=(file,))
    assert said == [
        f"{file}:1: waits: deprecated name; write timeouts",
        f"{file}:5: gatherer.watermark_bound: deprecated name; write gatherer.max_out_of_orderness",
    ]
    assert settings.timeouts.app is not None
    assert settings.timeouts.app.total_seconds() == 420
    assert settings.gatherer.max_out_of_orderness.total_seconds() == 1


def problems(text: str, tmp_path: Path) -> list[str]:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(BundleError) as caught:
        load(files=(file,))
    return [str(problem).removeprefix(f"{file}:") for problem in caught.value.problems]


def test_an_old_name_beside_its_new_one_is_an_error(tmp_path: Path) -> None:
    text = "gatherer:\n  watermark_bound: 1s\n  max_out_of_orderness: 2s\n"
    assert problems(text, tmp_path) == [
        "2: gatherer.watermark_bound: old name of gatherer.max_out_of_orderness, which is also set on line "
        "3; remove one of them"
    ]


def test_a_mistake_below_an_old_name_has_its_line(tmp_path: Path) -> None:
    assert problems("topics:\n  shorten: maybe\n", tmp_path) == [
        '2: topics.allow_retention_decrease: expected true or false, got "maybe"'
    ]


def test_a_higher_layer_may_use_the_old_name(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("timeouts: {app: 7m}\n")
    settings, _ = load("waits.app=8m", files=(file,))
    assert settings.timeouts.app is not None
    assert settings.timeouts.app.total_seconds() == 480


@pytest.mark.parametrize(
    ("overrides", "parts", "hint"),
    [
        (["dashboard.instances=0"], (), "write parts: []"),
        (["dashboard.instances=1"], ("dashboard",), "write parts: [dashboard]"),
        (["parts=[]", "dashboard.instances=1"], ("dashboard",), "write parts: [dashboard]"),
    ],
)
def test_the_dashboard_s_instances_are_a_part(overrides: list[str], parts: Any, hint: str) -> None:
    settings, said = load(*overrides)
    assert settings.parts == parts
    assert said == [f"--set {overrides[-1]}: dashboard.instances: deprecated name; {hint}"]


def test_instances_beside_parts_are_an_error(tmp_path: Path) -> None:
    assert problems("parts: []\ndashboard: {instances: 0}\n", tmp_path) == [
        "2: dashboard.instances: old name of parts, which is also set on line 1; remove one of them"
    ]


@pytest.mark.parametrize("count", ["two", "-1", "true"])
def test_instances_that_are_no_number_are_an_error(tmp_path: Path, count: str) -> None:
    (problem,) = problems(f"dashboard: {{instances: {count}}}\n", tmp_path)
    assert problem.startswith("1: dashboard.instances: unknown key; write parts: [dashboard] to run it")
