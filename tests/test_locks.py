"""What is installed and fetched is locked, with hashes, and the locks are those of the settings."""

from __future__ import annotations

import re
import tomllib
from configparser import ConfigParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent


def locked(name: str) -> dict[str, str]:
    """The versions in a file of requirements, each of which must have a hash."""
    text = (ROOT / name).read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    assert all("--hash=sha256:" in line for line in lines), (
        f"{name} has a line without a hash: run `make lock`"
    )
    return {canonicalize_name(line.split("==")[0]): line.split("==")[1].split()[0] for line in lines}


def declared(*extras: str) -> list[Requirement]:
    """What setup.cfg asks for."""
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    texts = [
        setup["options"]["install_requires"],
        *(setup["options.extras_require"][name] for name in extras),
    ]
    return [Requirement(line) for text in texts for line in text.split("\n") if line and line[0] != "#"]


@pytest.mark.parametrize(
    ("name", "extras"), [("requirements.txt", ["local"]), ("requirements-dev.txt", ["local", "dev"])]
)
def test_every_requirement_is_locked_within_its_range(name: str, extras: list[str]) -> None:
    versions = locked(name)
    for requirement in declared(*extras):
        version = versions.get(canonicalize_name(requirement.name))
        assert version, f"{name} lacks {requirement.name}: run `make lock`"
        assert requirement.specifier.contains(version), (
            f"{name} has {requirement.name} {version}: run `make lock`"
        )


def test_the_tests_run_on_the_versions_that_are_deployed() -> None:
    for name in ("requirements.txt", "requirements-spark.txt"):
        assert locked(name).items() <= locked("requirements-dev.txt").items()


def test_the_image_with_spark_has_the_spark_that_is_declared() -> None:
    wanted = {str(each) for each in declared("spark")} - {str(each) for each in declared()}
    assert {f"{name}=={version}" for name, version in locked("requirements-spark.txt").items()} == wanted


@pytest.mark.parametrize("wanted", sorted(ROOT.glob("bench/peers/*.in")), ids=lambda path: path.stem)
def test_every_peer_of_the_benchmarks_is_locked(wanted: Path) -> None:
    versions = locked(str(wanted.with_suffix(".txt").relative_to(ROOT)))
    for requirement in map(Requirement, wanted.read_text().splitlines()):
        version = versions.get(canonicalize_name(requirement.name))
        assert version and requirement.specifier.contains(version), f"{requirement.name}: run `make lock`"


def test_what_builds_packages_is_locked() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert {Requirement(line).name for line in wanted} <= locked("requirements-build.txt").keys()


@pytest.mark.parametrize("lock", sorted(ROOT.glob("[!.]*/**/jars.lock")), ids=lambda path: path.parent.name)
def test_every_jar_has_a_hash(lock: Path) -> None:
    lines = [line for line in lock.read_text().splitlines() if not line.startswith("#")]
    assert lines
    for line in lines:
        assert re.fullmatch(r"[\w.-]+:[\w.-]+:[\w.-]+(:[\w-]+)? [0-9a-f]{64}", line), f"{lock}: {line}"
