"""Hadoop's own client of HDFS on the jars of the nodes, for machines without the command `hdfs`.

`python -m local_dcos.hdfs.client dfs -fs webhdfs://HOST:PORT -ls /user/pipectl` does what `hdfs dfs …` does.
"""

import os
import sys
from pathlib import Path

from jvm import errors as jvm
from jvm.java import java_home
from local_dcos.errors import JarError
from local_dcos.hdfs.jars import JARS

_MAIN = "org.apache.hadoop.fs.FsShell"
_FLAGS = (
    "-Xmx128m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Djava.net.preferIPv4Stack=true",
)
_USAGE = 2


def main() -> None:
    """Become Hadoop's client. Errors end it with exit code 1."""
    command, *arguments = sys.argv[1:] or [""]
    if command != "dfs":
        print("hdfs: the only command is dfs, as in `dfs -ls /`", file=sys.stderr)  # noqa: T201
        sys.exit(_USAGE)
    try:
        java, jars = java_home() / "bin" / "java", JARS.fetch()
    except (jvm.JavaError, JarError) as error:
        print(f"hdfs: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(1)
    # This folder has the files that the client looks for.
    class_path = ":".join(map(str, (Path(__file__).parent, *jars)))
    os.execv(java, [str(java), *_FLAGS, "-cp", class_path, _MAIN, *arguments])  # noqa: S606


if __name__ == "__main__":
    main()
