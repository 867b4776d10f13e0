"""Builds and tests the Java project of a package, without a JDK and without Maven.

python -m flink_scripts.building FOLDER               build the jar, unless it is up to date
python -m flink_scripts.building FOLDER test [ARG]... run the JUnit tests: all, or those that ARGs select
                                                      (--select-class=NAME, --select-method=NAME#METHOD)
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

from flink_scripts.connectors import connector_jars
from flink_scripts.errors import CompileError, FlinkScriptsError
from flink_scripts.java import FLINK, flink_jars, module_options
from flink_scripts.java_project import COMPILER, OPTIONS, PROVIDED, JavaProject, files_below, java_files
from flink_scripts.locked import LOCK
from jvm.errors import JarError, JvmError
from jvm.java import java_home

CONSOLE = "org.junit.platform:junit-platform-console-standalone:1.14.1"
# Flink's own harness for operators and sources, and what its classes need to be loaded.
HARNESS = (
    f"org.apache.flink:flink-runtime:{FLINK}:tests",
    f"org.apache.flink:flink-core:{FLINK}:tests",
    f"org.apache.flink:flink-test-utils-junit:{FLINK}",
    f"org.apache.flink:flink-connector-test-utils:{FLINK}",
)
_COMPILE_SECONDS, _TEST_SECONDS = 120, 600
_EPOCH = (1980, 1, 1, 0, 0, 0)


def build(project: JavaProject) -> bool:
    """Build the jar unless it is up to date. Returns whether it was built.

    The same sources give the same bytes. Raises CompileError with the compiler's output, warnings included,
    and JarError when a library cannot be fetched.
    """
    if project.is_fresh():
        return False
    # Before the compiler reads the sources: if they change meanwhile, the jar must not pass for the new ones.
    manifest = project.manifest()
    files = java_files(project.sources)
    if not files:
        raise JarError(f"{project.sources} has no Java sources")
    with tempfile.TemporaryDirectory(prefix=".building-", dir=project.folder) as work:
        classes = Path(work) / "classes"
        compile_java(files, LOCK.fetch(PROVIDED), classes)
        made = Path(work) / project.jar.name
        with zipfile.ZipFile(made, "w") as archive:
            _write(archive, *manifest)
            for root in (classes, project.resources):
                for path in files_below(root):
                    _write(archive, path.relative_to(root).as_posix(), path.read_bytes())
        made.replace(project.jar)
    return True


def compile_java(files: Iterable[Path], libraries: Iterable[Path], classes: Path) -> None:
    """Compile `files` against `libraries` into the folder `classes`.

    Raises CompileError for errors and for warnings.
    """
    argv = [
        *(str(java_home() / "bin" / "java"), "-jar", *map(str, LOCK.fetch([COMPILER])), *OPTIONS),
        *("-d", str(classes), "-classpath", _class_path(libraries), *map(str, files)),
    ]
    try:
        result = subprocess.run(argv, capture_output=True, text=True, timeout=_COMPILE_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise CompileError(f"compiling took more than {_COMPILE_SECONDS} s") from None
    if result.returncode != 0:
        raise CompileError(f"the Java sources do not compile:\n{result.stderr.strip()}")


def test(project: JavaProject, selection: Iterable[str] = (), *, quiet: bool = False) -> str | None:
    """Build the jar, and run the JUnit tests on the Flink and the connector that are installed.

    selection: arguments of JUnit's console launcher that select tests; all tests when it is empty. quiet: do
    not print the launcher's output. Returns None when the tests passed, else the reason to print: a test
    failed, or there was none. Raises as `build` does.
    """
    build(project)
    libraries = [project.jar, *flink_jars(), *connector_jars(), *LOCK.fetch([*HARNESS, CONSOLE])]
    with tempfile.TemporaryDirectory(prefix="java-tests-") as work:
        classes = Path(work) / "classes"
        compile_java(java_files(project.tests), libraries, classes)
        argv = [
            *(str(java_home() / "bin" / "java"), "-ea", "-Xmx768m", "-XX:TieredStopAtLevel=1"),
            *(*module_options(), f"-Djava.io.tmpdir={work}"),
            *(f"-Dproject.folder={project.folder.absolute()}", "-cp", _class_path([classes, *libraries])),
            *("org.junit.platform.console.ConsoleLauncher", "execute", "--disable-banner"),
            *(
                "--disable-ansi-colors",
                "--details=tree",
                "--include-engine=junit-jupiter",
                "--fail-if-no-tests",
            ),
            *(list(selection) or [f"--scan-class-path={classes}"]),
        ]
        try:
            result = subprocess.run(
                argv,
                stdout=subprocess.PIPE if quiet else None,
                stderr=subprocess.STDOUT if quiet else None,
                text=True,
                timeout=_TEST_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            return f"the Java tests took more than {_TEST_SECONDS} s\n{error.output or ''}"
    return None if result.returncode == 0 else f"Java tests failed\n{result.stdout or ''}"


def _class_path(parts: Iterable[Path]) -> str:
    return os.pathsep.join(map(str, parts))


def _write(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
    archive.writestr(entry, content)


def main(arguments: list[str]) -> str | None:
    """Do what the module's docstring says. Returns None, or the reason to print when that failed."""
    try:
        match arguments:
            case [folder]:
                project = JavaProject(Path(folder))
                if build(project):
                    print(f"built {project.jar}")  # noqa: T201
                return None
            case [folder, "test", *selection]:
                return test(JavaProject(Path(folder)), selection)
    except (FlinkScriptsError, JvmError) as problem:
        return f"flink_scripts.building: {problem}"
    return __doc__


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
