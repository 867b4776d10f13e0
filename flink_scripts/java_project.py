"""The Java project of a job: where its sources and its jar are, and whether they belong together.

The folder `java` of a job's package has the layout that Maven made common (src/main/java, src/test/java), and
the jar, named after the package. An installed package has the jar alone.
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
# What the classes are compiled against; Flink and the connector have all of it when they run.
PROVIDED = (
    *(
        f"org.apache.flink:flink-{module}:{FLINK}"
        for module in ("annotations", "core-api", "core", "runtime", "streaming-java", "metrics-core")
    ),
    f"org.apache.flink:flink-connector-base:{FLINK}",
    "org.apache.flink:flink-shaded-jackson:2.20.1-21.0",
    "org.slf4j:slf4j-api:1.7.36",
    CONNECTOR,
)
_MANIFEST, _DIGEST = "META-INF/MANIFEST.MF", "Built-From: "


@dataclass(frozen=True)
class JavaProject:
    """A job's Java project in `folder`, which is the folder `java` of the job's package."""

    folder: Path

    @property
    def jar(self) -> Path:
        """The jar, built or not."""
        return self.folder / f"{self.folder.absolute().parent.name}.jar"

    @property
    def sources(self) -> Path:
        """The root of the sources; it isn't there in an installed package."""
        return self.folder / "src" / "main" / "java"

    @property
    def tests(self) -> Path:
        """The root of the tests' sources."""
        return self.folder / "src" / "test" / "java"

    def digest(self) -> str:
        """Digest of the sources and of how they are compiled."""
        digest = hashlib.sha256(" ".join([COMPILER, *OPTIONS, *PROVIDED]).encode())
        for path in java_files(self.sources):
            digest.update(path.relative_to(self.sources).as_posix().encode() + b"\0" + path.read_bytes())
        return digest.hexdigest()[:16]

    def manifest(self) -> tuple[str, bytes]:
        """Name and content of the manifest of a jar of the sources as they are."""
        return _MANIFEST, f"Manifest-Version: 1.0\r\n{_DIGEST}{self.digest()}\r\n\r\n".encode()

    def is_fresh(self) -> bool:
        """Whether the jar is there and is that of the sources as they are."""
        return zipfile.is_zipfile(self.jar) and built_from(self.jar) == self.digest()


def java_files(folder: Path) -> list[Path]:
    """All Java sources below `folder`, in an order that doesn't depend on the file system."""
    return sorted(folder.rglob("*.java"))


def built_from(jar: Path) -> str:
    """The digest of the sources that a job's jar was built from; empty for a jar that isn't one."""
    with zipfile.ZipFile(jar) as archive:
        manifest = archive.read(_MANIFEST).decode() if _MANIFEST in archive.namelist() else ""
    return next((line[len(_DIGEST) :] for line in manifest.splitlines() if line.startswith(_DIGEST)), "")


def job_jar(module: str) -> Path | None:
    """The jar of a job's own Java classes; None when it has none.

    Raises JarError when the jar isn't there, or is not that of the sources beside it.
    """
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise JarError(f"{module} is no package: install it, or correct the app's args")
    project = JavaProject(Path(spec.submodule_search_locations[0]) / "java")
    if not project.folder.is_dir():
        return None
    if project.sources.is_dir():
        if not zipfile.is_zipfile(project.jar):
            raise JarError(f"{project.jar} is not built: run `make java`")
        if not project.is_fresh():
            raise JarError(f"{project.jar} is not that of the sources beside it: run `make java`")
    elif not zipfile.is_zipfile(project.jar):
        raise JarError(f"{project.jar} is missing: install the package again")
    return project.jar
