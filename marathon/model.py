"""The types of a rendered bundle. Cheap to import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

# Labels the apps of a part that `--with` enabled, so that the next deploy keeps the part.
PART = "pipectl.part"
# Labels an app with the name of the bundle's Kafka service, which the apps themselves do not know.
KAFKA = "pipectl.kafka"
Kind = Literal["app", "package", "step"]


@dataclass(frozen=True)
class App:
    """One Marathon app: its name in the bundle, its id in Marathon, and its definition."""

    name: str
    id: str
    definition: dict[str, Any]
    template: Path

    @property
    def instances(self) -> int:
        """The number of instances."""
        return int(self.definition.get("instances", 1))

    @property
    def env(self) -> Mapping[str, Any]:
        """Its environment: text values and references to secrets."""
        env: Mapping[str, Any] = self.definition.get("env", {})
        return env

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""
        labels: Mapping[str, str] = self.definition.get("labels", {})
        return labels

    @property
    def memory(self) -> int:
        """The memory of all instances, in MiB."""
        return round(self.instances * float(self.definition.get("mem", 128)))

    @property
    def disk(self) -> int:
        """The disk of all instances, in MiB."""
        return round(self.instances * float(self.definition.get("disk", 0)))


@dataclass(frozen=True)
class Package:
    """One DC/OS package: its name in the catalog, its version (None: the newest) and its options.

    service: the name of the service that it runs as.
    """

    name: str
    version: str | None
    service: str
    options: dict[str, Any]


@dataclass(frozen=True)
class Job:
    """One one-off job: its name, its id in Metronome, and its definition.

    depends_on: the components that must be ready before it runs. topics: those that it needs beside the
    bundle's own. part: the optional part that it belongs to.
    """

    name: str
    id: str
    description: str
    definition: dict[str, Any]
    template: Path
    depends_on: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    part: str | None = None

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""
        labels: Mapping[str, str] = self.definition.get("labels", {})
        return labels

    @property
    def uses_spark(self) -> bool:
        """Whether it runs on Spark."""
        return "spark_jobs" in self.definition["run"]["args"]


@dataclass(frozen=True)
class Component:
    """One component of a bundle.

    depends_on: the components that must be ready before it starts. ready_within: its readiness timeout; None:
    what its own health check allows. part: the optional part that it belongs to. instances: the setting with
    its number of instances; None: exactly one. memory, disk: what its file says that it needs, in MiB; 0 for
    an app, whose template says it. folders: the settings with the folders that it fills. topics: those that
    it needs besides the bundle's own.
    """

    name: str
    kind: Kind
    depends_on: frozenset[str] = frozenset()
    ready_within: timedelta | None = None
    part: str | None = None
    instances: str | None = None
    memory: int = 0
    disk: int = 0
    folders: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """An optional part of a bundle."""

    name: str
    about: str
    components: Mapping[str, Component]


@dataclass(frozen=True)
class Bundle:
    """All apps, packages and jobs by name, and the components in order. Equal settings give equal bundles.

    jobs: including those of disabled parts.
    """

    apps: Mapping[str, App]
    packages: Mapping[str, Package]
    components: Mapping[str, Component]
    jobs: Mapping[str, Job] = field(default_factory=dict)
