"""What a rendered bundle consists of. Light to import: types only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

# The label of an app whose part was switched on by hand: the next deploy goes by it.
PART = "pipectl.part"
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
        """How many of it run."""
        return int(self.definition.get("instances", 1))

    @property
    def env(self) -> Mapping[str, Any]:
        """Its environment: texts, and references to secrets."""
        env: Mapping[str, Any] = self.definition.get("env", {})
        return env

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""
        labels: Mapping[str, str] = self.definition.get("labels", {})
        return labels

    @property
    def memory(self) -> int:
        """What all its instances need, in MiB."""
        return round(self.instances * float(self.definition.get("mem", 128)))

    @property
    def disk(self) -> int:
        """What all its instances need, in MiB."""
        return round(self.instances * float(self.definition.get("disk", 0)))


@dataclass(frozen=True)
class Package:
    """One DC/OS package: its name in the catalog, its version (None: the newest) and its options."""

    name: str
    version: str | None
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


@dataclass(frozen=True)
class Component:
    """Something that a bundle consists of, and what it needs.

    depends_on: the components that must be ready before. ready_within: how long it may take to be ready;
    None: as long as its own health check allows. part: the optional part that it belongs to. memory, disk:
    what it needs in MiB, as far as its file says; an app's template does.
    """

    name: str
    kind: Kind
    depends_on: frozenset[str] = frozenset()
    ready_within: timedelta | None = None
    part: str | None = None
    memory: int = 0
    disk: int = 0


@dataclass(frozen=True)
class Part:
    """An optional part of a bundle."""

    name: str
    about: str
    components: Mapping[str, Component]


@dataclass(frozen=True)
class Bundle:
    """Everything that runs, by name, and its components in order. Equal settings give equal bundles.

    jobs: those of parts that are switched off too.
    """

    apps: Mapping[str, App]
    packages: Mapping[str, Package]
    components: Mapping[str, Component]
    jobs: Mapping[str, Job] = field(default_factory=dict)
