"""What pip makes of a checkout: a wheel has the jars of the Java classes, an editable install needs none."""

from __future__ import annotations

import json
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
    packages = setup["options.packages.find"]["include"].replace("*", "").split()
    copy = tmp_path / "checkout"
    for package in packages:
        left_out = shutil.ignore_patterns("__pycache__", "node_modules", "*.jar")
        shutil.copytree(ROOT / package, copy / package, ignore=left_out)
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


def test_a_wheel_has_all_that_the_apps_need(checkout: Path, tmp_path: Path) -> None:
    pip("wheel", "--no-deps", "--wheel-dir", tmp_path, checkout)
    (wheel,) = tmp_path.glob("*.whl")
    installed, elsewhere = tmp_path / "installed", tmp_path / "elsewhere"
    with zipfile.ZipFile(wheel) as archive:
        assert not [name for name in archive.namelist() if name.endswith(".java")]
        mode = archive.getinfo("spark_jobs/jre/bin/java").external_attr >> 16
        archive.extractall(installed)
    assert mode & 0o111, "Spark's wrapper of java is not executable"
    for package in ("flink_scripts", "gatherer"):
        jar = installed / package / "java" / f"{package}.jar"
        assert built_from(jar) == JavaProject(checkout / package / "java").digest()

    # No source tree, no network, no caches of ours, and a home that nobody can write to: the wheel alone.
    elsewhere.mkdir()
    nowhere = "http://127.0.0.1:9"
    environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(installed), "HOME": "/nonexistent"}
    environ |= {"http_proxy": nowhere, "https_proxy": nowhere, "PIPECTL_HOME": str(tmp_path / "home")}

    def app(*args: str, code: int = 0, **more: str) -> str:
        command = [sys.executable, *args]
        done = subprocess.run(
            command, cwd=elsewhere, env=environ | more, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    assert str(installed) in app("-c", "import cli; print(cli.__file__)")
    assert "Publish synthetic prices" in app("-m", "data_generator", "--help")
    assert "valid" in app("-m", "cli", "validate", "--cluster", "prod")
    assert "usage" in app("-m", "flink_scripts", code=2)
    app("-c", "import dashboard")
    job = {"JOB_NAME": "a", "KAFKA_BOOTSTRAP_SERVERS": "h:1"}
    assert json.loads(app("-m", "gatherer", "--describe", **job))["state"]
    package_jar = "from flink_scripts.java_project import package_jar; print(package_jar('gatherer'))"
    assert str(jar) in app("-c", package_jar)
    locked = "from local_dcos.kafka.jars import JARS; print(JARS.known())"
    assert "None" in app("-c", locked, M2_REPO=str(elsewhere))


def test_an_editable_install_builds_no_jar(checkout: Path, tmp_path: Path) -> None:
    pip("install", "--no-deps", "--target", tmp_path / "installed", "--editable", checkout)
    assert list((tmp_path / "installed").glob("*pipectl*"))
    assert not list(checkout.glob("*/java/*.jar"))
