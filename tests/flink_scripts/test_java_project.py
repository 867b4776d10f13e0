"""A job's jar belongs to the sources beside it, and is built with warnings as errors."""

from __future__ import annotations

import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from flink_scripts import building
from flink_scripts.building import build
from flink_scripts.errors import CompileError
from flink_scripts.java import FLINK
from flink_scripts.java_project import JavaProject, built_from, package_jar
from flink_scripts.locked import LOCK
from jvm.errors import JarError

PACKAGE = "a_job_of_its_own"
GREETING = 'package a;\n\npublic final class Greeting {\n    static final String TEXT = "hello";\n}\n'


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JavaProject]:
    """The project of a job whose package can be imported, with one class, not yet built."""
    project = JavaProject(tmp_path / PACKAGE / "java")
    write(project, GREETING)
    (tmp_path / PACKAGE / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    yield project
    sys.modules.pop(PACKAGE, None)


def write(project: JavaProject, source: str) -> None:
    file = project.sources / "a" / "Greeting.java"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(source)


def pretend_to_build(project: JavaProject) -> None:
    with zipfile.ZipFile(project.jar, "w") as archive:
        archive.writestr(*project.manifest())


def test_a_jar_of_other_sources_is_refused(project: JavaProject) -> None:
    with pytest.raises(JarError, match=r"a_job_of_its_own\.jar is not built: run `make java`"):
        package_jar(PACKAGE)
    pretend_to_build(project)
    assert package_jar(PACKAGE) == project.jar
    write(project, GREETING.replace("hello", "good-bye"))
    with pytest.raises(JarError, match="was built from other sources: run `make java`"):
        package_jar(PACKAGE)


def test_a_jar_that_something_else_made_is_refused(project: JavaProject) -> None:
    with zipfile.ZipFile(project.jar, "w") as archive:
        archive.writestr("empty", "")
    with pytest.raises(JarError, match="built from other sources"):
        package_jar(PACKAGE)


def test_an_installed_package_has_the_jar_alone(project: JavaProject) -> None:
    pretend_to_build(project)
    (project.sources / "a" / "Greeting.java").unlink()
    for folder in (project.sources / "a", project.sources, project.sources.parent):
        folder.rmdir()
    assert package_jar(PACKAGE) == project.jar
    project.jar.unlink()
    with pytest.raises(JarError, match="install the package again"):
        package_jar(PACKAGE)


def test_a_job_needs_no_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "python_alone").mkdir()
    (tmp_path / "python_alone" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert package_jar("python_alone") is None
    with pytest.raises(JarError, match="nowhere is not a package"):
        package_jar("nowhere")


def test_classes_are_compiled_against_the_flink_that_is_tested() -> None:
    locked = (Path(__file__).parents[2] / "requirements.txt").read_text()
    assert re.findall(r"^apache-flink==(\S+)", locked, re.MULTILINE) == [FLINK]


@pytest.mark.slow
def test_the_same_sources_give_the_same_jar_once(project: JavaProject) -> None:
    assert build(project)
    assert package_jar(PACKAGE) == project.jar
    assert built_from(project.jar) == project.digest()
    with zipfile.ZipFile(project.jar) as archive:
        assert archive.namelist() == ["META-INF/MANIFEST.MF", "a/Greeting.class"]
    first = project.jar.read_bytes()
    assert not build(project)
    project.jar.write_bytes(b"cut off")
    assert build(project)
    assert project.jar.read_bytes() == first
    assert [path.name for path in project.folder.iterdir() if path.name.startswith(".")] == []


def test_a_jar_does_not_belong_to_sources_that_changed_while_it_was_built(
    project: JavaProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compile_while_somebody_edits(files: list[Path], libraries: list[Path], classes: Path) -> None:
        classes.mkdir()
        write(project, GREETING.replace("hello", "good-bye"))

    monkeypatch.setattr(building, "compile_java", compile_while_somebody_edits)
    monkeypatch.setattr(LOCK, "fetch", lambda coordinates: [])
    assert build(project)
    with pytest.raises(JarError, match="was built from other sources"):
        package_jar(PACKAGE)
    assert build(project)


@pytest.mark.slow
def test_a_warning_is_an_error_and_leaves_the_old_jar(project: JavaProject) -> None:
    build(project)
    before = project.jar.read_bytes()
    write(project, GREETING.replace("public", "import java.util.List;\n\npublic"))
    with pytest.raises(CompileError, match=r"(?s)Greeting\.java.*java\.util\.List is never used"):
        build(project)
    assert project.jar.read_bytes() == before
