"""Mesos' quota API at the front door, for what no `dcos` command does."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cli.engine.protocol import Credentials
from cli.errors import PipectlError

SECONDS = 20.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Mesos:
    """The API below `address`, the front door. credentials: the user's, sent in a header."""

    address: str
    credentials: Credentials

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
        import httpx

        context = ssl.create_default_context(cafile=self.credentials.ca)
        if not self.credentials.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        url = f"{self.address}/mesos/{path}"
        try:
            answer = httpx.request(
                method,
                url,
                json=body,
                headers={"Authorization": self.credentials.authorization},
                verify=context,
                timeout=SECONDS,
                # No proxy of the environment stands between this machine and itself.
                trust_env=urlsplit(url).hostname not in LOOPBACK,
            )
        except httpx.TransportError as error:
            raise PipectlError(
                f"{url} does not answer: {error or type(error).__name__}",
                hint="check the address with `dcos config show core.dcos_url`, and the network",
            ) from None
        if not answer.is_success:
            raise PipectlError(
                f"{method} {url}: {answer.status_code}: {answer.text.strip()[:300]}",
                hint="a user needs the permission dcos:mesos:master:quota:role:ROLE; Mesos promises no more "
                "than its agents have",
            )
        return answer.json() if answer.content else {}
