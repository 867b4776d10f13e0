"""The dashboard's JSON API, called through the cluster's front door with the credentials of `dcos`."""

from __future__ import annotations

import ssl
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from cli.engine.protocol import Credentials
from cli.errors import NoBackend, PipectlError, UsageProblem

if TYPE_CHECKING:
    import httpx

ANSWER_SECONDS = 20.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")
Query = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class DashboardApi:
    """The API below `address`, the dashboard's address with a trailing slash.

    credentials: the user's. They are sent in a header, and to no other host: redirects are not followed.
    """

    address: str
    credentials: Credentials

    def get(self, path: str, query: Query = ()) -> Any:
        """The JSON document at api/<path>."""
        return self._document("GET", path, query)

    def change(self, method: str, path: str, query: Query = (), body: Any = None) -> Any:
        """Request a change; returns the JSON answer. Raises UsageProblem when the change is invalid."""
        return self._document(method, path, query, body)

    def events(self, query: Query, timeout: float | None) -> Generator[bytes, None, None]:
        """The records of api/stream, without end. A broken stream is resumed.

        timeout: raise WaitTimeout after this many seconds without a record; None waits forever.
        """
        from cli.event_stream import EventStream

        stream = EventStream(self, query)
        try:
            while True:
                yield stream.next(timeout)
        finally:
            stream.close()

    def client(self, read_seconds: float = ANSWER_SECONDS) -> httpx.Client:
        """An HTTP client, to be closed. read_seconds: the longest silence within an answer."""
        import httpx

        try:
            context = ssl.create_default_context(cafile=self.credentials.ca)
        except OSError as error:
            raise PipectlError(
                f"cannot read the CA certificates in {self.credentials.ca}: {error.strerror or error}",
                hint=f"`{self.credentials.how_to_show_ca}` names that file",
            ) from None
        if not self.credentials.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return httpx.Client(
            base_url=f"{self.address}api/",
            headers={"Authorization": self.credentials.authorization, "X-Requested-By": "pipectl"},
            verify=context,
            timeout=httpx.Timeout(ANSWER_SECONDS, read=read_seconds),
            # No proxy of the environment stands between this machine and itself.
            trust_env=urlsplit(self.address).hostname not in LOOPBACK,
        )

    def send(
        self,
        client: httpx.Client,
        method: str,
        path: str,
        query: Query,
        *,
        body: Any = None,
        headers: Mapping[str, str] = {},
        stream: bool = False,
    ) -> httpx.Response:
        """The answer to one request. Raises NoBackend, or the error of its status."""
        import httpx

        request = client.build_request(method, path, params=[*query], json=body, headers=headers)
        try:
            response = client.send(request, stream=stream)
            if not response.is_success:
                response.read()
        except httpx.TransportError as error:
            raise NoBackend(
                f"the dashboard at {self.address} does not answer: {error or type(error).__name__}"
            ) from None
        if not response.is_success:
            self._refused(response)
        return response

    def not_the_dashboard(self) -> NoBackend:
        """The error for an answer of something else, such as a login page."""
        return NoBackend(f"the server at {self.address} is not the dashboard")

    def _document(self, method: str, path: str, query: Query, body: Any = None) -> Any:
        with self.client() as client:
            response = self.send(client, method, path, query, body=body)
            try:
                return response.json()
            except ValueError:
                raise self.not_the_dashboard() from None

    def _refused(self, response: httpx.Response) -> NoReturn:
        code = response.status_code
        try:
            document = response.json()
            said = str(document.get("message") or document)
        except (ValueError, AttributeError):
            said = response.reason_phrase
        if code == 401:
            raise PipectlError(
                f"the dashboard at {self.address}: not logged in (401)",
                hint=f"log in with `{self.credentials.how_to_log_in}`, then run the same command again",
            )
        if code == 403:
            raise PipectlError(
                f"the dashboard at {self.address}: not allowed (403): {said}",
                hint="ask for the permission, or log in as another user with "
                f"`{self.credentials.how_to_log_in}`",
            )
        if code in (400, 409):
            raise UsageProblem(said, hint="`pipectl limits list` shows the current limits")
        raise NoBackend(f"the dashboard at {self.address} answered {code}: {said}")
