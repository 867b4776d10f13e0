"""The image without a Docker engine: its steps replayed in a folder; what they leave is used offline."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PASSED = re.compile(r"(?i).*_proxy|PIP_.*|SSL_CERT_FILE|REQUESTS_CA_BUNDLE")
IGNORED = (ROOT / ".dockerignore").read_text().split()


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile as (instruction, arguments)."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.startswith("#")]
    text = "\n".join(lines).replace("\\\n", " ")
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in text.splitlines() if line.strip()]


def left_out(folder: str, names: list[str]) -> list[str]:
    """What .dockerignore leaves out again of a folder that it lets in."""
    again = {ROOT / line for line in IGNORED if not line.startswith(("!", "*"))}
    return [n for n in names if n == "__pycache__" or Path(folder) / n in again]


class Replay:
    """Carries the instructions out below `root`, with a Python in the place of the base image's."""

    def __init__(self, root: Path) -> None:
        self.root, self.folder = root, root
        subprocess.run([sys.executable, "-m", "venv", root / "python"], check=True)
        self.environ = {
            "PATH": f"{root / 'python' / 'bin'}:/usr/bin:/bin",
            "HOME": os.environ["HOME"],
            **{name: value for name, value in os.environ.items() if PASSED.fullmatch(name)},
        }

    def here(self, text: str) -> str:
        return text.replace("/opt/pipectl", str(self.root / "opt" / "pipectl")).replace(
            "/home/pipectl", str(self.root / "home" / "pipectl")
        )

    def env(self, arguments: str) -> None:
        self.environ |= dict(pair.split("=", 1) for pair in shlex.split(self.here(arguments)))

    def workdir(self, arguments: str) -> None:
        self.folder = Path(self.here(arguments))
        self.folder.mkdir(parents=True, exist_ok=True)

    def copy(self, arguments: str) -> None:
        *sources, target = arguments.split()
        kept = [line.removeprefix("!") for line in IGNORED if line.startswith("!")]
        for source in kept if sources == ["."] else sources:
            assert source.split("/")[0] in kept, f"{source} is left out by .dockerignore"
            place = self.folder / (source if sources == ["."] else target)
            place = place / source if target.endswith("./") and sources != ["."] else place
            place.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, place, ignore=left_out, dirs_exist_ok=True)
            else:
                shutil.copy(ROOT / source, place)

    def run(self, arguments: str) -> None:
        if arguments.startswith("useradd"):
            return  # needs root
        command = self.here(arguments)
        # A cache makes no difference to what is installed, and spares the registry.
        command = command.replace("--no-cache-dir", "")
        done = subprocess.run(
            ["/bin/sh", "-ec", command], cwd=self.folder, env=self.environ, capture_output=True, text=True
        )
        assert done.returncode == 0, f"RUN {arguments}:\n{done.stdout[-2000:]}{done.stderr[-4000:]}"


def test_the_base_is_pinned_and_the_user_is_not_root() -> None:
    steps = dict(instructions())
    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+", steps["FROM"])
    assert steps["USER"].isdigit() and int(steps["USER"]) > 0
    assert json.loads(steps["ENTRYPOINT"]) == ["/usr/bin/env"]
    assert "HEALTHCHECK" in steps


def test_every_room_is_in_it() -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    rooms = setup["options.packages.find"]["include"].replace("*", "").split()
    assert {f"!{room}" for room in rooms} <= set(IGNORED)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_its_steps_leave_apps_that_need_no_network(tmp_path: Path) -> None:
    replay = Replay(tmp_path)
    for name, arguments in instructions():
        if name in {"ENV", "WORKDIR", "COPY", "RUN"}:
            getattr(replay, name.lower())(arguments)
    jars = replay.environ["FLINK_CONNECTOR_JARS"].split(":")
    assert set(map(Path, jars)) == set(Path(jars[0]).parent.glob("*.jar"))
    assert list(Path(replay.environ["FLINK_PLUGINS_DIR"]).glob("*/*.jar"))
    assert list(Path(replay.environ["HADOOP_CLASSPATH"].removesuffix("*")).glob("hadoop-client-*.jar"))

    # No network, no caches of ours, and no source tree: the image alone.
    nowhere = "http://127.0.0.1:9"
    replay.environ |= {"HOME": str(replay.folder), "http_proxy": nowhere, "https_proxy": nowhere}

    def app(*args: str, code: int = 0, **environ: str) -> str:
        done = subprocess.run(
            ["/usr/bin/env", *args],
            cwd=replay.folder, env={**replay.environ, **environ}, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    assert "Publish made-up prices" in app("python", "-m", "data_generator", "--help")
    assert "pipectl" in app("pipectl", "--help")
    assert "valid" in app("pipectl", "validate", "--cluster", "prod")
    assert "usage" in app("python", "-m", "flink_scripts", code=2)
    job = {"JOB_NAME": "a", "KAFKA_BOOTSTRAP_SERVERS": "h:1"}
    app("python", "-c", "import dashboard")
    assert json.loads(app("python", "-m", "gatherer", "--describe", **job))["state"]
    listing = (
        "from flink_scripts.connectors import connector_jars; from flink_scripts.java import flink_jars;"
        "from jvm.java import java_home;"
        "print(*connector_jars(), java_home(), *flink_jars())"
    )
    assert " ".join(jars) in app("python", "-c", listing)
    package_jar = "from flink_scripts.java_project import package_jar; print(package_jar('gatherer'))"
    assert "site-packages/gatherer/java/gatherer.jar" in app("python", "-c", package_jar)
