"""Files of local clusters that several processes of `pipectl` read and write at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from cli.engine.dcos.clusters import DcosClusters, Neighbour
from cli.engine.dcos.runner import Dcos

# It writes its settings once the other one has chosen its ports too, or has let a second pass.
CHOOSE = """
import sys, time
from pathlib import Path
from cli import home, local
base, own, other = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
home.enter(own)
home.home().mkdir(parents=True, exist_ok=True)
write = local._write_settings
def slowly(file, values):
    (base / f"{own}.chose").touch()
    deadline = time.monotonic() + 1
    while not (base / f"{other}.chose").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    write(file, values)
local._write_settings = slowly
local._keep_settings()
"""


@pytest.mark.parametrize("homes", [("home", "home"), ("home", "another home")])
def test_two_clusters_that_start_at_once_choose_different_ports(
    tmp_path: Path, homes: tuple[str, str]
) -> None:
    names = ("local-a", "local-b")
    choosing = [
        subprocess.Popen(
            [sys.executable, "-c", CHOOSE, str(tmp_path), *pair],
            env={**os.environ, "PIPECTL_HOME": str(tmp_path / home)},
        )
        for home, pair in zip(homes, (names, names[::-1]), strict=True)
    ]
    assert [process.wait(60) for process in choosing] == [0, 0]
    files = [
        tmp_path / home / "clusters" / name / "settings.yaml" for home, name in zip(homes, names, strict=True)
    ]
    chosen = [
        json.loads(file.read_text().partition("{")[1] + file.read_text().partition("{")[2]) for file in files
    ]
    ports = [each["kafka"]["port"] for each in chosen]
    assert len(set(ports)) == 2, ports


def test_the_configuration_of_a_client_is_never_half_written(tmp_path: Path) -> None:
    dcos = Dcos(("true",), {}, timeout=1.0, attempts=1, pause=0.0, stop=threading.Event())
    clusters = DcosClusters(
        dcos, folder=tmp_path, neighbours=lambda: [Neighbour("id", "local", "http://127.0.0.1:1", "secret")]
    )
    clusters._configure()
    file = tmp_path / "clusters" / "id" / "dcos.toml"
    whole, stop = file.read_text(), threading.Event()
    assert file.stat().st_mode & 0o077 == 0

    def rewrite() -> None:
        while not stop.is_set():
            clusters._configure()

    writing = threading.Thread(target=rewrite)
    writing.start()
    try:
        assert {file.read_text() for _ in range(3000)} == {whole}
    finally:
        stop.set()
        writing.join(30)
    assert [each.name for each in file.parent.iterdir() if each.suffix != ".toml"] == ["attached"]
