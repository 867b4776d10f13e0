"""What a rendered bundle consists of. Light to import: types only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


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
    def owner(self) -> str | None:
        """The group of the bundle that it is labelled as belonging to."""
        owner: str | None = self.definition.get("labels", {}).get("pipectl.bundle")
        return owner


@dataclass(frozen=True)
class Package:
    """One DC/OS package: its name in the catalog, its version (None: the newest) and its options."""

    name: str
    version: str | None
    options: dict[str, Any]


@dataclass(frozen=True)
class Bundle:
    """Everything that runs, by name. Equal settings give equal bundles."""

    apps: Mapping[str, App]
    packages: Mapping[str, Package]
