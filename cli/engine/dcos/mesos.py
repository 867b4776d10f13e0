"""Mesos' quota API at the front door, for what no `dcos` command does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cli.engine.dcos.front_door import FrontDoor


@dataclass(frozen=True)
class Mesos:
    """The API behind the front door."""

    door: FrontDoor

    def promises(self) -> dict[str, dict[str, Any]]:
        """The guarantee of each role that has one."""
        infos = self._ask("GET", "quota").get("infos", [])
        return {
            info["role"]: {"guarantee": {one["name"]: one["scalar"]["value"] for one in info["guarantee"]}}
            for info in infos
        }

    def promise(self, role: str, resources: Mapping[str, float]) -> None:
        """Guarantee resources to a role that has no quota. Mesos refuses more than the agents have."""
        guarantee = [
            {"name": name, "type": "SCALAR", "scalar": {"value": value}} for name, value in resources.items()
        ]
        self._ask("POST", "quota", {"role": role, "guarantee": guarantee})

    def remove(self, role: str) -> None:
        """Remove the quota of a role."""
        self._ask("DELETE", f"quota/{role}")

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        return self.door.ask(
            method,
            f"mesos/{path}",
            body,
            hint="a user needs the permission dcos:mesos:master:quota:role:ROLE; Mesos promises no more "
            "than its agents have",
        )
