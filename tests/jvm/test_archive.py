"""Archives of classes, written and read by a real JVM."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jvm import archive
from jvm.archive import archive_options
from jvm.java import java_home
from local_dcos.kafka.jars import JARS

MAIN = "kafka.Kafka"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(archive, "_EARLY_SECONDS", 0.0)
    monkeypatch.setattr(archive, "_writing", {})
    return tmp_path / "cache" / "pipectl" / "java-classes"


@pytest.fixture
def jars(tmp_path: Path) -> list[Path]:
    return [Path(shutil.copy(jar, tmp_path)) for jar in JARS.fetch()]


def options_of(jars: list[Path]) -> list[str]:
    return archive_options(java_home(), jars, MAIN)


def run(options: list[str], jars: list[Path], *more: str) -> str:
    """What the broker prints when it is started without its settings."""
    command = [str(java_home() / "bin" / "java"), *options, *more, "-cp", ":".join(map(str, jars)), MAIN]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1 and "USAGE" in done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_jvm_maps_the_classes_that_an_earlier_one_archived(cache: Path, jars: list[Path]) -> None:
    first = options_of(jars)
    assert not any(":/" in option for option in first)
    usage = run(first, jars)
    assert "warning" not in usage, "nothing is said about classes that cannot be archived"

    loaded = run(options_of(jars), jars, "-Xlog:class+load")
    assert "kafka.Kafka source: shared objects file (top)" in loaded
    assert [file.suffix for file in sorted(cache.glob("[!.]*"))] == [".jsa", ".jsa"]

    # Another build of a jar has an archive of its own.
    jars[0].touch()
    assert any("ArchiveClassesAtExit" in option for option in options_of(jars))


@pytest.mark.slow
def test_an_archive_that_is_not_complete_is_not_used(cache: Path, jars: list[Path]) -> None:
    (new,) = (option.partition("=")[2] for option in options_of(jars) if "AtExit" in option)
    Path(new).write_bytes(bytes(100))
    assert any("ArchiveClassesAtExit" in option for option in options_of(jars))
    run(options_of(jars), jars)
    used = run(options_of(jars), jars, "-Xlog:class+load")
    assert "kafka.Kafka source: shared objects file (top)" in used


def test_without_a_private_cache_folder_a_jvm_starts_without_an_archive(cache: Path, tmp_path: Path) -> None:
    cache.mkdir(parents=True)
    cache.chmod(0o777)
    assert options_of([tmp_path / "a.jar"]) == []
    shutil.rmtree(cache.parent)
    cache.parent.write_text("not a folder")
    assert options_of([tmp_path / "a.jar"]) == []


def test_archives_can_be_disabled(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLASS_ARCHIVES", "off")
    assert options_of([]) == []
    assert not cache.exists()


@pytest.mark.parametrize("folder", ["one:two", "relative"])
def test_a_jvm_is_told_no_path_that_it_would_misread(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = folder if folder == "relative" else str(tmp_path / folder)
    monkeypatch.setattr("platformdirs.user_cache_path", lambda _: Path(name))
    assert archive_options(runtime(tmp_path), [], MAIN) == []
    assert not Path(folder).exists()


def test_without_platformdirs_a_jvm_starts_without_an_archive(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "platformdirs", None)
    assert archive_options(runtime(tmp_path), [], MAIN) == []


def runtime(folder: Path, dump: str = 'echo "$2" > "${2#*=}"') -> Path:
    """A runtime that writes its own archive with this command; `$2` is the option with the file's name."""
    home = folder / "runtime"
    (home / "bin").mkdir(parents=True, exist_ok=True)
    (home / "release").touch()
    java = home / "bin" / "java"
    java.write_text(f"#!/bin/sh\n{dump}\n")
    java.chmod(0o755)
    return home


def test_a_dump_that_fails_leaves_no_file(cache: Path, tmp_path: Path) -> None:
    home = runtime(tmp_path, 'echo "$2" > "${2#*=}"; exit 1')
    assert archive_options(home, [], MAIN) == []
    assert list(cache.iterdir()) == []


def test_an_archive_is_used_only_with_the_base_that_it_refers_to(cache: Path, tmp_path: Path) -> None:
    home = runtime(tmp_path)
    write_archive(home, 4)
    assert not any("AtExit" in option for option in archive_options(home, [], MAIN))
    (base,) = cache.glob("runtime-*")
    base.unlink()
    assert any("AtExit" in option for option in archive_options(home, [], MAIN))


def write_archive(home: Path, size: int, seconds: float = 0.0) -> None:
    """Do what a JVM does that ends after so many seconds."""
    (new,) = (option.partition("=")[2] for option in archive_options(home, [], MAIN) if "AtExit" in option)
    Path(new).write_bytes(bytes.fromhex("a8ab0bf0").ljust(size))
    ended = Path(new).stat().st_mtime + seconds
    os.utime(new, (ended, ended))


def test_the_archive_of_a_jvm_that_ended_early_gives_way_to_a_larger_one(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "_EARLY_SECONDS", 10.0)
    home = runtime(tmp_path)
    write_archive(home, 10)
    write_archive(home, 50, seconds=60)
    assert not any("AtExit" in option for option in archive_options(home, [], MAIN))
    assert [file.stat().st_size for file in cache.glob(f"{MAIN}*")] == [50]


def test_a_program_that_always_ends_early_gets_an_archive_too(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "_EARLY_SECONDS", 10.0)
    home = runtime(tmp_path)
    for size in (30, 20, 10):
        write_archive(home, size)
    assert not any("AtExit" in option for option in archive_options(home, [], MAIN))
    assert [file.stat().st_size for file in cache.glob(f"{MAIN}*")] == [30]


def test_one_jvm_at_a_time_writes_an_archive(cache: Path, tmp_path: Path) -> None:
    home = runtime(tmp_path)
    cache.mkdir(parents=True, mode=0o700)
    with (cache / f".{MAIN}.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert [option for option in archive_options(home, [], MAIN) if "Archive" in option] == [
            f"-XX:SharedArchiveFile={next(cache.glob('runtime-*'))}"
        ]
    assert any("AtExit" in option for option in archive_options(home, [], MAIN))


def test_archives_of_runtimes_that_are_gone_are_removed(cache: Path, tmp_path: Path) -> None:
    for number in range(7):
        home = runtime(tmp_path)
        os.utime(home / "release", (number, number))
        assert archive_options(home, [], MAIN)
    assert len(list(cache.glob("runtime-*"))) == 5


def test_what_an_earlier_version_has_left_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "kafka.Kafka-1.3f2a.new").write_bytes(archive._COMPLETE)
    assert archive._found(tmp_path, "kafka.Kafka-1") is None
