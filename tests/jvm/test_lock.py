"""Jars come from the local repository or from Maven Central, and none is used that was not locked."""

from __future__ import annotations

import hashlib
import io
import sys
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import jvm.repository
from jvm.errors import JarError
from jvm.lock import JarLock

COORDINATE, PATH = "org.example:tool:1.0", Path("org/example/tool/1.0/tool-1.0.jar")


def jar(content: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(zipfile.ZipInfo("content"), content)
    return made.getvalue()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def central(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder that the server has which stands for Maven Central; one jar is in it."""
    folder = tmp_path / "central"
    (folder / PATH).parent.mkdir(parents=True)
    (folder / PATH).write_bytes(jar("good"))
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setattr(jvm.repository, "REMOTES", {"central": f"http://127.0.0.1:{server.server_port}"})
        yield folder
        server.shutdown()
        thread.join()


@pytest.fixture
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The local repository, empty."""
    monkeypatch.setenv("M2_REPO", str(tmp_path / "m2"))
    return tmp_path / "m2"


@pytest.fixture
def lock(tmp_path: Path) -> JarLock:
    (tmp_path / "jars.lock").write_text(f"# a remark\n{COORDINATE} {sha256(jar('good'))}\n")
    return JarLock(tmp_path / "jars.lock")


def test_a_jar_is_downloaded_once(central: Path, local: Path, lock: JarLock) -> None:
    assert lock.cached([COORDINATE]) is None
    assert lock.fetch([COORDINATE]) == [local / PATH]
    (central / PATH).unlink()
    assert lock.fetch([COORDINATE]) == [local / PATH]
    assert lock.cached([COORDINATE]) == [local / PATH]
    assert [path.name for path in (local / PATH).parent.iterdir()] == [PATH.name]


def test_another_jar_of_the_server_is_refused_and_not_kept(central: Path, local: Path, lock: JarLock) -> None:
    (central / PATH).write_bytes(jar("evil"))
    with pytest.raises(JarError) as caught:
        lock.fetch([COORDINATE])
    for part in (COORDINATE, sha256(jar("good")), sha256(jar("evil")), "serves another file"):
        assert part in str(caught.value)
    assert not list(local.rglob("*.jar"))


@pytest.mark.usefixtures("central")
def test_another_jar_in_the_local_repository_is_refused(local: Path, lock: JarLock) -> None:
    (local / PATH).parent.mkdir(parents=True)
    (local / PATH).write_bytes(jar("evil"))
    with pytest.raises(JarError) as caught:
        lock.fetch([COORDINATE])
    for part in (COORDINATE, sha256(jar("good")), sha256(jar("evil")), f"delete {local / PATH}"):
        assert part in str(caught.value)
    with pytest.raises(JarError):
        lock.cached([COORDINATE])


@pytest.mark.usefixtures("central")
def test_a_download_that_was_cut_off_is_done_again(local: Path, lock: JarLock) -> None:
    (local / PATH).parent.mkdir(parents=True)
    (local / PATH).write_bytes(jar("good")[:-30])
    assert lock.fetch([COORDINATE])[0].read_bytes() == jar("good")


@pytest.mark.usefixtures("central", "local")
def test_what_is_not_locked_is_not_fetched(lock: JarLock) -> None:
    with pytest.raises(JarError, match=r"no SHA-256 of org\.example:tool:2\.0: run `make lock`"):
        lock.fetch(["org.example:tool:2.0"])


@pytest.mark.usefixtures("central", "local")
def test_locking_hashes_what_is_new_and_trusts_what_is_known(central: Path, tmp_path: Path) -> None:
    other = central / "org/example/tool/1.0/tool-1.0-tests.jar"
    other.write_bytes(jar("tests"))
    lock = JarLock(tmp_path / "new.lock")
    lock.write([COORDINATE])
    (central / PATH).write_bytes(jar("evil"))
    lock.write([f"{COORDINATE}:tests", COORDINATE])
    lines = (tmp_path / "new.lock").read_text().splitlines()
    assert lines[1:] == [
        f"{COORDINATE} {sha256(jar('good'))}",
        f"{COORDINATE}:tests {sha256(jar('tests'))}",
    ]
    assert lock.coordinates() == [COORDINATE, f"{COORDINATE}:tests"]


@pytest.mark.usefixtures("central", "local")
def test_a_jar_that_cannot_be_found_is_named(tmp_path: Path, lock: JarLock) -> None:
    with pytest.raises(JarError, match=r"tool:3.*not found"):
        lock.write(["org.example:tool:3"])
    (tmp_path / "jars.lock").write_text("org.example:tool:3\n")
    with pytest.raises(JarError, match=r"jars\.lock:1: .*make lock"):
        lock.coordinates()


def test_what_downloads_jars_is_named_where_it_is_missing(
    local: Path, lock: JarLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jgo.maven", None)
    with pytest.raises(JarError, match=f"{COORDINATE} has to be downloaded: install the package jgo"):
        lock.fetch([COORDINATE])
