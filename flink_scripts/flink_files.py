"""`python -m flink_scripts.flink_files QUESTION`: the part of `files` that runs beside a JVM."""

from __future__ import annotations

import json
import sys
from typing import Any

from flink_scripts.gateway import require_login


def _walk(path: Any, above: str, depth: int) -> list[tuple[str, bool, float]]:
    from py4j.protocol import Py4JJavaError

    system = path.getFileSystem()
    if not system.exists(path):
        return []
    try:
        found = system.listStatus(path) or []
    except Py4JJavaError as error:
        if error.java_exception.getClass().getName() != "java.io.FileNotFoundException":
            raise
        return []  # a running job has just removed it
    entries = []
    for status in found:
        name = above + status.getPath().getName()
        entries.append((name, bool(status.isDir()), status.getModificationTime() / 1000))
        if status.isDir() and depth > 1:
            entries += _walk(status.getPath(), f"{name}/", depth - 1)
    return entries


def main(question: dict[str, Any]) -> int:
    """Answer one call of `files.FlinkFiles` on stdout. The exit code is 1 when Flink cannot."""
    from py4j.protocol import Py4JJavaError
    from pyflink.java_gateway import get_gateway

    require_login()
    jvm = get_gateway().jvm
    flink = jvm.org.apache.flink
    try:
        config = flink.configuration.GlobalConfiguration.loadConfiguration()
        plugins = flink.core.plugin.PluginUtils.createPluginManagerFromRootFolder(config)
        flink.core.fs.FileSystem.initialize(config, plugins)
        for uri in question.get("delete", []):
            path = flink.core.fs.Path(uri)
            path.getFileSystem().delete(path, True)
        trees = [_walk(flink.core.fs.Path(uri), "", question["depth"]) for uri in question.get("list", [])]
    except Py4JJavaError as error:
        sys.stderr.write(str(error.java_exception.toString()) + "\n")
        return 1
    sys.stdout.write(json.dumps(trees))
    return 0


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
