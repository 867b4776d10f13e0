"""The Java classes that a job brings, as a jar: compiled once, by a compiler that needs no JDK."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import subprocess
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import platformdirs

from flink_scripts.connectors import connector_jars
from flink_scripts.errors import CompileError
from flink_scripts.java import flink_jars, java_home
from flink_scripts.maven import fetch

# The batch compiler of Eclipse: one jar that runs on a plain Java runtime.
COMPILER = "org.eclipse.jdt:ecj:3.40.0"
_RELEASE = "17"
_SECONDS = 120


def compiled_jar(module: str, environ: Mapping[str, str] = os.environ) -> Path | None:
    """The jar of the Java sources in the folder `java` of a job's package, if any.

    It is looked for, and else made, in FLINK_COMPILED_JARS (for images) or the user's cache, under a name
    that stands for the sources and the versions of Flink, the connector and the compiler. Raises CompileError
    with the compiler's own words.
    """
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise CompileError(f"{module} is no package: install it, or correct the app's args")
    sources = Path(spec.submodule_search_locations[0]) / "java"
    files = sorted(sources.rglob("*.java"))
    if not files:
        return None
    named = environ.get("FLINK_COMPILED_JARS")
    folder = Path(named) if named else platformdirs.user_cache_path("pipectl") / "jars"
    libraries = [*flink_jars(), *connector_jars(environ)]
    jar = folder / f"{module}-{_digest(sources, files, libraries)}.jar"
    if zipfile.is_zipfile(jar):
        return jar
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two submitters at once: the second finds the first one's jar
        if not zipfile.is_zipfile(jar):
            _compile(sources, files, libraries, jar, environ)
    return jar


def _digest(sources: Path, files: list[Path], libraries: list[Path]) -> str:
    digest = hashlib.sha256(f"{COMPILER} {_RELEASE}".encode())
    digest.update(" ".join(jar.name for jar in libraries).encode())
    for path in files:
        digest.update(str(path.relative_to(sources)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _compile(
    sources: Path, files: list[Path], libraries: list[Path], jar: Path, environ: Mapping[str, str]
) -> None:
    with tempfile.TemporaryDirectory(prefix="compile-", dir=jar.parent) as work:
        classes = Path(work) / "classes"
        argv = [
            *(str(java_home(environ) / "bin" / "java"), "-jar", str(fetch(COMPILER))),
            *(f"-{_RELEASE}", "-proc:none", "-warn:-all", "-encoding", "UTF-8", "-d", str(classes)),
            *("-classpath", os.pathsep.join(map(str, libraries))),
            *map(str, files),
        ]
        try:
            result = subprocess.run(argv, capture_output=True, text=True, timeout=_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise CompileError(f"compiling {sources} took more than {_SECONDS} s") from None
        if result.returncode != 0:
            raise CompileError(f"{sources} does not compile:\n{result.stderr.strip()}")
        made = Path(work) / "made.jar"
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(classes.rglob("*.class")):
                archive.write(path, path.relative_to(classes))
        made.replace(jar)
