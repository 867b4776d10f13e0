"""What pip makes of a checkout: a wheel has the jar of the Java classes, an editable install needs none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from configparser import ConfigParser
from pathlib import Path

import pytest

from flink_scripts.java_project import JavaProject, built_from

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
ROOT = Path(__file__).parent.parent


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the project without what was built here."""
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    rooms = setup["options.packages.find"]["include"].replace("*", "").split()
    copy = tmp_path / "checkout"
    for room in rooms:
        left_out = shutil.ignore_patterns("__pycache__", "node_modules", "*.jar")
        shutil.copytree(ROOT / room, copy / room, ignore=left_out)
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy(path, copy / path.name)
    return copy


def pip(*args: str | Path) -> None:
    """Run pip where no Java is installed, in builds isolated from what is installed here."""
    environ = {name: value for name, value in os.environ.items() if name not in {"JAVA_HOME", "PYTHONPATH"}}
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *args]
    done = subprocess.run(
        command, env={**environ, "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_a_wheel_has_the_jar(checkout: Path, tmp_path: Path) -> None:
    pip("wheel", "--no-deps", "--wheel-dir", tmp_path, checkout)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert not [name for name in archive.namelist() if name.endswith(".java")]
        jar = Path(archive.extract("gatherer/java/gatherer.jar", tmp_path))
        mode = archive.getinfo("spark_jobs/jre/bin/java").external_attr >> 16
    assert mode & 0o111, "Spark's wrapper of java is no program"
    assert built_from(jar) == JavaProject(checkout / "gatherer" / "java").digest()


def test_an_editable_install_builds_no_jar(checkout: Path, tmp_path: Path) -> None:
    pip("install", "--no-deps", "--target", tmp_path / "installed", "--editable", checkout)
    assert list((tmp_path / "installed").glob("*pipectl*"))
    assert not (checkout / "gatherer" / "java" / "gatherer.jar").exists()
