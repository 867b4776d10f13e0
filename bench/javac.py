"""Compiles the Java programs of the benchmarks, and locks the jars that only they need.

python bench/javac.py    write jars.lock again, after a coordinate has changed
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

from broker import ROOT  # first: it lets the next ones be found

from flink_scripts.building import compile_java
from flink_scripts.java_project import PROVIDED, files_below, java_files, package_jar
from flink_scripts.locked import LOCK as FLINK
from jvm.lock import JarLock

SOURCES = Path(__file__).parent / "java"
STREAMS = (
    "org.apache.kafka:kafka-streams:4.1.0",
    "org.apache.kafka:kafka-clients:4.1.0",
    "org.rocksdb:rocksdbjni:9.7.3",
    *(f"com.fasterxml.jackson.core:jackson-{part}:2.19.0" for part in ("core", "databind", "annotations")),
    "org.lz4:lz4-java:1.8.0",
    "org.slf4j:slf4j-api:1.7.36",
    "org.slf4j:slf4j-simple:1.7.36",
)
LOCK = JarLock(Path(__file__).with_name("jars.lock"))


def streams(folder: Path) -> list[Path]:
    """Compile the program on Kafka Streams into `folder`. Returns its class path."""
    libraries = LOCK.fetch(STREAMS)
    return [_jar("streams", libraries, folder), *libraries]


def flink(folder: Path) -> Path:
    """Compile the jobs on Flink into `folder`. Returns their jar, which uses that of the gatherer."""
    gatherer = package_jar("gatherer")
    assert gatherer is not None
    return _jar("flink", [*FLINK.fetch(PROVIDED), gatherer], folder)


def _jar(name: str, libraries: Sequence[Path], folder: Path) -> Path:
    classes, jar = folder / name, folder / f"{name}.jar"
    compile_java(java_files(SOURCES / name), libraries, classes)
    with zipfile.ZipFile(jar, "w") as archive:
        for path in files_below(classes):
            archive.write(path, path.relative_to(classes))
    return jar


if __name__ == "__main__":
    assert ROOT
    LOCK.write(STREAMS)
