"""The Java project of a package: where its sources and its jar are, and whether they belong together.

The folder `java` of the package has Maven's standard layout: src/main/java, src/main/resources,
src/test/java. The jar is named after the package. An installed package has the jar alone.
"""

from __future__ import annotations

import hashlib
import importlib.util
import zipfile
from dataclasses import dataclass
from pathlib import Path

from flink_scripts.connectors import CONNECTOR
from flink_scripts.java import FLINK
from jvm.errors import JarError

# The batch compiler of Eclipse: one jar that runs on a plain Java runtime.
COMPILER = "org.eclipse.jdt:ecj:3.40.0"
# Beside those that are on by default. Not unusedExceptionParam: what went wrong is often plain from its type.
_WARNINGS = (
    *("allDeadCode", "allDeprecation", "allOver-ann", "conditionAssign", "dep-ann", "enumSwitch"),
    *("fallthrough", "finalBound", "hashCode", "intfRedundant", "invalidJavadoc", "null", "paramAssign"),
    *("semicolon", "static-access", "static-method", "syncOverride", "typeHiding"),
    *("unlikelyEqualsArgumentType", "unusedAllocation", "unusedParam", "unusedThrown", "uselessTypeCheck"),
)
OPTIONS = (
    *("-17", "-proc:none", "-encoding", "UTF-8", "-enableJavadoc"),
    *(f"-warn:+{','.join(_WARNINGS)}", "-failOnWarning"),
)
# What the classes are compiled against. Flink and the connector provide all of it at run time.
PROVIDED = (
    *(
        f"org.apache.flink:flink-{module}:{FLINK}"
        for module in ("annotations", "core-api", "core", "runtime", "streaming-java", "metrics-core")
    ),
    f"org.apache.flink:flink-connector-base:{FLINK}",
    "org.apache.flink:flink-shaded-jackson:2.20.1-21.0",
    "org.apache.flink:flink-shaded-netty:4.2.6.Final-21.0",
    "org.slf4j:slf4j-api:1.7.36",
    CONNECTOR,
)
_MANIFEST, _DIGEST = "META-INF/MANIFEST.MF", "Built-From: "


@dataclass(frozen=True)
class JavaProject:
    """A Java project in `folder`, which is the folder `java` of a package."""

    folder: Path

    @property
    def jar(self) -> Path:
        """The jar, built or not."""
        return self.folder / f"{self.folder.absolute().parent.name}.jar"

    @property
    def sources(self) -> Path:
        """The root of the sources. An installed package does not have it."""
        return self.folder / "src" / "main" / "java"

    @property
    def resources(self) -> Path:
        """The root of the files that go into the jar as they are."""
        return self.folder / "src" / "main" / "resources"

    @property
    def tests(self) -> Path:
        """The root of the tests' sources."""
        return self.folder / "src" / "test" / "java"

    def digest(self) -> str:
        """Digest of the sources, the resources and how they are compiled."""
        digest = hashlib.sha256(" ".join([COMPILER, *OPTIONS, *PROVIDED]).encode())
        for root, files in (
            (self.sources, java_files(self.sources)),
            (self.resources, files_below(self.resources)),
        ):
            for path in files:
                digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
        return digest.hexdigest()[:16]

    def manifest(self) -> tuple[str, bytes]:
        """Name and content of the manifest of a jar that is built from the sources as they are."""
        return _MANIFEST, f"Manifest-Version: 1.0\r\n{_DIGEST}{self.digest()}\r\n\r\n".encode()

    def is_fresh(self) -> bool:
        """Whether the jar exists and was built from the sources as they are."""
        return zipfile.is_zipfile(self.jar) and built_from(self.jar) == self.digest()


def java_files(folder: Path) -> list[Path]:
    """All Java sources below `folder`, in an order that does not depend on the file system."""
    return sorted(folder.rglob("*.java"))


def files_below(folder: Path) -> list[Path]:
    """All files below `folder`, in an order that does not depend on the file system."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def built_from(jar: Path) -> str:
    """The digest of the sources that a jar was built from; empty for a jar that we did not build."""
    with zipfile.ZipFile(jar) as archive:
        manifest = archive.read(_MANIFEST).decode() if _MANIFEST in archive.namelist() else ""
    return next((line[len(_DIGEST) :] for line in manifest.splitlines() if line.startswith(_DIGEST)), "")


def package_jar(package: str) -> Path | None:
    """The jar of a package's Java classes; None when it has none.

    Raises JarError when the jar is missing, or was built from other sources than those beside it.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise JarError(f"{package} is not a package: install it, or correct the app's args")
    project = JavaProject(Path(spec.submodule_search_locations[0]) / "java")
    if not project.folder.is_dir():
        return None
    if project.sources.is_dir():
        if not zipfile.is_zipfile(project.jar):
            raise JarError(f"{project.jar} is not built: run `make java`")
        if not project.is_fresh():
            raise JarError(f"{project.jar} was built from other sources: run `make java`")
    elif not zipfile.is_zipfile(project.jar):
        raise JarError(f"{project.jar} is missing: install the package again")
    return project.jar


def own_jar() -> Path:
    """The jar of our own classes, which guard Flink. Raises JarError as `package_jar` does."""
    jar = package_jar("flink_scripts")
    if jar is None:
        raise JarError("flink_scripts has no Java classes: install the package again")
    return jar
