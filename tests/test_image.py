"""The Dockerfile and what is copied into the image agree with the project; `make image-check` builds it."""

from __future__ import annotations

import json
import re
import shlex
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
IGNORED = (ROOT / ".dockerignore").read_text().split()
LET_IN = {line.removeprefix("!") for line in IGNORED if line.startswith("!")}


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile as (instruction, arguments)."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.startswith("#")]
    text = "\n".join(lines).replace("\\\n", " ")
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in text.splitlines() if line.strip()]


def last_stage() -> list[tuple[str, str]]:
    """What makes the image itself."""
    steps = instructions()
    begin = max(number for number, (name, _) in enumerate(steps) if name == "FROM")
    return steps[begin:]


def environment() -> dict[str, str]:
    """The variables that the image sets."""
    (arguments,) = [arguments for name, arguments in last_stage() if name == "ENV"]
    return dict(pair.split("=", 1) for pair in shlex.split(arguments))


def test_the_base_is_pinned_and_the_user_is_not_root() -> None:
    first, *others = [arguments for name, arguments in instructions() if name == "FROM"]
    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+(@sha256:[0-9a-f]{64})? AS base", first)
    assert {other.split()[0] for other in others} == {"base"}
    steps = dict(last_stage())
    assert steps["USER"].isdigit() and int(steps["USER"]) > 0
    assert json.loads(steps["ENTRYPOINT"]) == ["/usr/bin/env"]
    assert "HEALTHCHECK" in steps


def test_every_room_is_in_it() -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    packages = setup["options.packages.find"]["include"].replace("*", "").split()
    assert {*packages} <= LET_IN


def test_what_is_copied_is_let_in() -> None:
    for name, arguments in instructions():
        if name == "COPY" and "--from=" not in arguments:
            *sources, _ = arguments.split()
            assert {*sources} <= LET_IN | {"."}, f"COPY {arguments}: .dockerignore leaves some of it out"


def test_all_packages_are_installed_by_their_hashes() -> None:
    commands = " && ".join(arguments for name, arguments in instructions() if name == "RUN")
    installs = [part for part in commands.split("&&") if "pip install" in part]
    assert installs
    for install in installs:
        assert "--require-hashes" in install or install.strip().endswith("--no-deps --no-build-isolation .")


@pytest.mark.slow
def test_the_variables_name_the_jars_that_are_collected(image_jars: Path) -> None:
    environ, inside = environment(), "/opt/pipectl/jars"
    connector = {f"{inside}/connector/{path.name}" for path in (image_jars / "connector").glob("*.jar")}
    assert set(environ["FLINK_CONNECTOR_JARS"].split(":")) == connector
    assert environ["FLINK_PLUGINS_DIR"] == f"{inside}/plugins" and list(image_jars.glob("plugins/*/*.jar"))
    assert environ["HADOOP_CLASSPATH"] == f"{inside}/hadoop/*"
    assert list(image_jars.glob("hadoop/hadoop-client-*.jar"))
