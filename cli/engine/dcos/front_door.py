"""Requests to the APIs behind the front door, for what no `dcos` command does."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cli.engine.protocol import Credentials
from cli.errors import PipectlError

SECONDS = 20.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class FrontDoor:
    """The APIs below `address`. credentials: the user's, sent in a header."""

    address: str
    credentials: Credentials

    def ask(self, method: str, path: str, body: object = None, *, hint: str) -> Any:
        """The JSON answer; {} if it is empty. Raises PipectlError, with `hint` if the request is refused."""
        import httpx

        context = ssl.create_default_context(cafile=self.credentials.ca)
        if not self.credentials.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        url = f"{self.address}/{path}"
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
                f"{method} {url}: {answer.status_code}: {answer.text.strip()[:300]}", hint=hint
            )
        return answer.json() if answer.content else {}
