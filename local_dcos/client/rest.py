"""HTTP for the client. Errors have the text of the real client, which pipectl recognises them by."""

import http.client
import json
import os
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

READ_SECONDS = 180.0
_MOST_BYTES = 65_536


class ClientError(Exception):
    """Ends a command. The text goes to stderr."""


class Answer(NamedTuple):
    """The answer to a request."""

    method: str
    url: str
    status: int
    reason: str
    content_type: str
    text: str

    def json(self) -> Any:
        """Returns the body as JSON.

        Raises:
            ClientError: The body is not JSON.
        """
        try:
            return json.loads(self.text)
        except ValueError as error:
            message = f"Error: Response from Marathon was not in expected JSON format:\n{self.text}"
            raise ClientError(message) from error

    def checked(self) -> "Answer":
        """Returns the answer itself.

        Raises:
            ClientError: The status is not a success.
        """
        if 200 <= self.status < 300:
            return self
        raise ClientError(f'Error while fetching [{self.url}]: HTTP {self.status}: "{self.reason}".')


def base_url() -> str:
    """Returns the address of the cluster, without a slash at its end."""
    url = os.environ.get("DCOS_URL")
    if not url:
        raise ClientError(
            'Missing required config parameter: "core.dcos_url".  '
            "Please run `dcos cluster setup <dcos_url>`, or set DCOS_URL."
        )
    return url.rstrip("/")


def _open(
    method: str, path: str, body: Any, headers: dict[str, str], timeout: float | None = READ_SECONDS
) -> tuple[http.client.HTTPResponse, str]:
    url = f"{base_url()}{path}"
    parts = urllib.parse.urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout)
    sent = {"Accept": "application/json", "Content-Type": "application/json", **headers}
    token = os.environ.get("DCOS_ACS_TOKEN")
    if token:
        sent["Authorization"] = f"token={token}"
    data = None if body is None else json.dumps(body).encode()
    target = urllib.parse.urlunsplit(("", "", parts.path, parts.query, ""))
    with _reaching(url):
        connection.request(method, target, data, sent)
        return connection.getresponse(), url


@contextmanager
def _reaching(url: str) -> Iterator[None]:
    """Raises a ClientError if the server goes away, also in the middle of a body."""
    try:
        yield
    except TimeoutError as error:
        raise ClientError(f"Request to URL [{url}] timed out.") from error
    except (OSError, http.client.HTTPException) as error:
        raise ClientError(f"URL [{url}] is unreachable.") from error


def request(method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None) -> Answer:
    """Sends a request and returns the answer, whatever its status.

    Raises:
        ClientError: The cluster is unreachable, or it refuses the token.
    """
    response, url = _open(method, path, body, headers or {})
    with _reaching(url), response:
        text = response.read().decode("utf-8", "replace")
    if response.status == 401:
        if os.environ.get("DCOS_ACS_TOKEN"):
            raise ClientError("Your core.dcos_acs_token is invalid. Please run: `dcos auth login`")
        raise ClientError("Authentication failed. Please run `dcos auth login`.")
    if response.status == 403:
        raise ClientError("You are not authorized to perform this operation.")
    kind = response.headers.get("Content-Type", "")
    return Answer(method, url, response.status, response.reason, kind, text)


def marathon(method: str, path: str, body: Any = None, *, force: bool = False) -> Answer:
    """Sends a request to Marathon. `force` takes over from a deployment that locks the app.

    Raises:
        ClientError: The status is not a success. The text is that of `dcos marathon`.
    """
    return _checked(request(method, f"/service/marathon/{path}{'?force=true' if force else ''}", body))


def metronome(method: str, path: str, body: Any = None) -> Answer:
    """Sends a request to Metronome.

    Raises:
        ClientError: The status is not a success. The text is that of `dcos job`.
    """
    return _checked(request(method, f"/service/metronome/{path}", body))


def _checked(answer: Answer) -> Answer:
    if 200 <= answer.status < 300:
        return answer
    raise ClientError(_refusal(answer))


def _refusal(answer: Answer) -> str:
    if answer.status == 422:
        return f'Error while fetching [{answer.url}]: HTTP 422: "{answer.text}".'
    if answer.status == 409:
        what = "resource" if "/service/metronome/" in answer.url else "app"
        return f"Changes blocked: deployment already in progress for {what}."
    if answer.status == 400:
        return f"Error on request [{answer.method} {answer.url}]: HTTP 400: {answer.reason}:\n{answer.text}"
    try:
        return f"Error: {json.loads(answer.text)['message']}"
    except (ValueError, KeyError, TypeError):
        return f"Error decoding response from [{answer.url}]: HTTP {answer.status}: {answer.reason}"


def follow(path: str) -> Iterator[str]:
    """Yields the data of server-sent events until the server ends them.

    Raises:
        ClientError: The server refuses the stream, or it goes away.
    """
    response, url = _open("GET", path, None, {"Accept": "text/event-stream"}, None)
    if response.status == 404:
        raise ClientError("No files exist. Exiting.")
    if response.status != 200:
        raise ClientError(f'Error while fetching [{url}]: HTTP {response.status}: "{response.reason}".')
    rest = b""
    with response:
        while True:
            with _reaching(url):
                # readline() takes a stream that is cut off for one that ends.
                read = response.read1(_MOST_BYTES)
            if not read:
                return
            *lines, rest = (rest + read).split(b"\n")
            for line in lines:
                text = line.decode("utf-8", "replace").rstrip("\r")
                if text.startswith("data:"):
                    yield text[5:].removeprefix(" ")
