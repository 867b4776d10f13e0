"""A real HDFS: a name node and a data node of Hadoop's own small cluster."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from jvm.java import java_home
from tests.ports import free_ports

MINI_HDFS = "org.apache.hadoop:hadoop-client-minicluster:3.4.2"
START_SECONDS = 240
# A JVM of a few seconds does not earn back what it spends on compiling thoroughly.
JVM_FLAGS = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


@dataclass(frozen=True)
class Hdfs:
    """uri: its root. environ: what an app of Flink is told to reach it. java: runs a class of Hadoop's."""

    uri: str
    environ: dict[str, str]
    java: list[str]

    def shell(self, *args: str) -> None:
        """Run Hadoop's own shell, such as `-mkdir /state`."""
        shell = [*self.java, "org.apache.hadoop.fs.FsShell", "-fs", self.uri]
        subprocess.run([*shell, *args], check=True, capture_output=True)


@contextmanager
def serving(folder: Path, jars: Path) -> Iterator[Hdfs]:
    """The two nodes; their files go to `folder`. jars: those that Flink needs."""
    jgo = pytest.importorskip("jgo")
    try:
        class_path = ":".join(str(artifact.resolve()) for artifact in jgo.resolve(MINI_HDFS))
    except Exception as error:  # jgo has no error type of its own
        pytest.skip(f"{MINI_HDFS} could not be fetched: {error}")
    (port,) = free_ports(1)
    log, details = folder / "hdfs.log", folder / "details.json"
    (folder / "core-site.xml").write_text("<configuration/>")  # the shell insists on one
    java = [str(java_home() / "bin" / "java"), *JVM_FLAGS, "-cp", f"{folder}:{class_path}"]
    manager = [*java, "org.apache.hadoop.test.MiniDFSClusterManager", "-format", "-datanodes", "1"]
    argv = [*manager, "-nnport", str(port), "-writeDetails", str(details)]
    with (
        log.open("wb") as output,
        # It ends with its standard input.
        subprocess.Popen(argv, cwd=folder, stdin=subprocess.PIPE, stdout=output, stderr=output) as process,
    ):
        try:
            deadline = time.monotonic() + START_SECONDS
            while not details.exists():
                assert process.poll() is None and time.monotonic() < deadline, log.read_text()[-3000:]
                time.sleep(0.05)
            yield Hdfs(f"hdfs://127.0.0.1:{port}", {"HADOOP_CLASSPATH": f"{jars}/*"}, java)
        finally:
            process.terminate()
