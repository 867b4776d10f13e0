"""Reads mutated records of every kind with both readers of the gatherer: are the verdicts the same?

    python bench/fuzz_records.py [--records 1000000]

Then it says how long each reader takes for a plain tick of each kind.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from pathlib import Path

from broker import ROOT  # first: it lets the next ones be found

from flink_scripts.building import CONSOLE, HARNESS, build, compile_java
from flink_scripts.connectors import connector_jars
from flink_scripts.java import flink_jars
from flink_scripts.java_project import JavaProject, java_files
from flink_scripts.locked import LOCK
from jvm.java import java_home

TIMEOUT_SECONDS = 3600


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=1_000_000)
    args = parser.parse_args()
    project = JavaProject(ROOT / "gatherer" / "java")
    build(project)
    libraries = [project.jar, *flink_jars(), *connector_jars(), *LOCK.fetch([*HARNESS, CONSOLE])]
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        classes = Path(folder) / "classes"
        compile_java(java_files(project.tests), libraries, classes)
        class_path = os.pathsep.join(map(str, [classes, *libraries]))
        argv = [str(java_home() / "bin" / "java"), "-Xmx512m", "-cp", class_path]
        subprocess.run(
            [*argv, "gatherer.records.RecordFuzz", str(args.records)], check=True, timeout=TIMEOUT_SECONDS
        )


if __name__ == "__main__":
    main()
