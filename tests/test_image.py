"""The Dockerfile and what is copied into the image agree with the project; `make image-check` builds it."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

from spark_jobs.locked import main

ROOT = Path(__file__).parent.parent
IGNORED = (ROOT / ".dockerignore").read_text().split()
LET_IN = {line.removeprefix("!") for line in IGNORED if line.startswith("!")}


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile as (instruction, arguments)."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.startswith("#")]
    text = "\n".join(lines).replace("\\\n", " ")
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in text.splitlines() if line.strip()]


def stage(wanted: str) -> list[tuple[str, str]]:
    """The instructions of a stage."""
    found, inside = [], False
    for name, arguments in instructions():
        if name == "FROM":
            inside = arguments.endswith(f" AS {wanted}")
        elif inside:
            found.append((name, arguments))
    return found


def environment(of: str) -> dict[str, str]:
    """The variables that a stage sets."""
    (arguments,) = [arguments for name, arguments in stage(of) if name == "ENV"]
    return dict(pair.split("=", 1) for pair in shlex.split(arguments))


def test_the_base_is_pinned_and_the_user_is_not_root() -> None:
    first, *others = [arguments for name, arguments in instructions() if name == "FROM"]
    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+@sha256:[0-9a-f]{64} AS base", first)
    assert {other.split()[0] for other in others} <= {"base", "build", "bundle"}
    # Without a target, the last stage is built: the image without Spark.
    assert instructions()[-1] == ("FROM", "bundle")
    steps = dict(stage("bundle"))
    assert steps["USER"].isdigit() and int(steps["USER"]) > 0
    assert json.loads(steps["ENTRYPOINT"]) == ["/usr/bin/env"]
    assert "HEALTHCHECK" in steps


def test_one_command_pins_the_base_by_digest(tmp_path: Path) -> None:
    """A stand-in for Docker, because no registry can be reached from every machine."""
    for name in ("Makefile", "Dockerfile"):
        shutil.copy(ROOT / name, tmp_path)
    make = shutil.which("make")
    assert make
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()

    def pinned(said: str) -> tuple[int, str]:
        docker.write_text(f'#!/bin/sh\necho "$*" > {tmp_path}/asked\necho {said}\n')
        docker.chmod(0o755)
        environ = {**os.environ, "PATH": f"{docker.parent}:{os.environ['PATH']}"}
        done = subprocess.run(
            [make, "lock-base"], cwd=tmp_path, env=environ, capture_output=True, check=False
        )
        lines = (tmp_path / "Dockerfile").read_text().splitlines()
        return done.returncode, next(line for line in lines if line.startswith("FROM"))

    base = re.sub("@.*", "", instructions()[0][1].split()[0])
    for digest in (f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"):
        assert pinned(digest) == (0, f"FROM {base}@{digest} AS base")
    assert f"inspect {base} --format" in (tmp_path / "asked").read_text()
    code, line = pinned("toomanyrequests")
    assert code != 0 and line == f"FROM {base}@sha256:{'b' * 64} AS base"


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
    environ, inside = environment("bundle"), "/opt/pipectl/jars"
    connector = {f"{inside}/connector/{path.name}" for path in (image_jars / "connector").glob("*.jar")}
    assert set(environ["FLINK_CONNECTOR_JARS"].split(":")) == connector
    assert environ["FLINK_PLUGINS_DIR"] == f"{inside}/plugins" and list(image_jars.glob("plugins/*/*.jar"))
    assert environ["HADOOP_CLASSPATH"] == f"{inside}/hadoop/*"
    assert list(image_jars.glob("hadoop/hadoop-client-*.jar"))


@pytest.mark.slow
def test_the_image_with_spark_names_the_jars_that_are_copied(tmp_path: Path) -> None:
    assert main(str(tmp_path)) is None
    copied = {f"/opt/pipectl/jars/spark/{path.name}" for path in tmp_path.glob("*.jar")}
    assert {*environment("spark")["SPARK_KAFKA_JARS"].split(":")} == copied
