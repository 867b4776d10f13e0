"""`python -m flink_scripts.jars FOLDER`: copies the jars that an image needs into a folder.

connector/    the Kafka connector, and the codec that it lacks
plugins/      Flink's file system s3, as a plugin
hadoop/       what Flink's file system hdfs needs on the class path
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from flink_scripts.connectors import connector_jars
from flink_scripts.java import FLINK
from flink_scripts.locked import LOCK
from jvm.errors import JvmError

_HADOOP = "3.4.2"
PLUGINS = {"s3-fs-hadoop": f"org.apache.flink:flink-s3-fs-hadoop:{FLINK}"}
CLASS_PATH = (
    f"org.apache.hadoop:hadoop-client-api:{_HADOOP}",
    f"org.apache.hadoop:hadoop-client-runtime:{_HADOOP}",
    "commons-logging:commons-logging:1.3.5",
)


def collect(folder: Path) -> None:
    """Fill `folder`. Raises JarError for a jar that is neither cached nor can be fetched."""
    _copy(connector_jars(), folder / "connector")
    for name, coordinate in PLUGINS.items():
        _copy(LOCK.fetch([coordinate]), folder / "plugins" / name)
    _copy(LOCK.fetch(CLASS_PATH), folder / "hadoop")


def _copy(jars: list[Path], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for jar in jars:
        shutil.copy(jar, folder / jar.name)


if __name__ == "__main__":
    try:
        collect(Path(sys.argv[1]))
    except IndexError:
        sys.exit("flink_scripts.jars: name a folder")
    except JvmError as problem:
        sys.exit(f"flink_scripts.jars: {problem}")
