"""HTTP for the client: one request at a time, errors in the real client's words."""

import http.client
import json
import os
import urllib.parse
from collections.abc import Iterator
from typing import Any, NamedTuple

READ_SECONDS = 180.0
UNUSABLE = (
    "Service likely misconfigured. Please check your proxy or Service URL settings. See dcos config --help. "
)
Query = dict[str, Any]


class ClientError(Exception):
    """What ends a command: its text goes to stderr, or to stdout where the real client does that."""

    def __init__(self, message: str, *, to_stdout: bool = False) -> None:
        super().__init__(message)
        self.to_stdout = to_stdout


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
            ClientError: It isn't JSON.
        """
        try:
            return json.loads(self.text)
        except ValueError as error:
            message = f"Error: Response from Marathon was not in expected JSON format:\n{self.text}"
            raise ClientError(message) from error


def base_url() -> str:
    """Returns the cluster's address.

    Raises:
        ClientError: DCOS_URL isn't set.
    """
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
    url = base_url() + "/" + path.lstrip("/")
    parts = urllib.parse.urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout)
    sent = {"Accept": "application/json", **headers}
    token = os.environ.get("DCOS_ACS_TOKEN")
    if token:
        sent["Authorization"] = f"token={token}"
    data = None if body is None else json.dumps(body).encode()
    if data is not None:
        sent.setdefault("Content-Type", "application/json")
    target = urllib.parse.urlunsplit(("", "", parts.path, parts.query, ""))
    try:
        connection.request(method, target, data, sent)
        return connection.getresponse(), url
    except TimeoutError as error:
        raise ClientError(f"Request to URL [{url}] timed out.") from error
    except (OSError, http.client.HTTPException) as error:
        raise ClientError(f"URL [{url}] is unreachable.") from error


def request(
    method: str,
    path: str,
    body: Any = None,
    *,
    query: Query | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    """Sends a request and returns whatever is answered, but for a refused token.

    Raises:
        ClientError: The cluster can't be reached, or it refuses the token.
    """
    if query:
        path += "?" + urllib.parse.urlencode(query)
    response, url = _open(method, path, body, headers or {})
    text = response.read().decode("utf-8", "replace")
    if response.status == 401:
        if os.environ.get("DCOS_ACS_TOKEN"):
            raise ClientError("Your core.dcos_acs_token is invalid. Please run: `dcos auth login`")
        raise ClientError("Authentication failed. Please run `dcos auth login`.")
    if response.status == 403:
        raise ClientError("You are not authorized to perform this operation.")
    kind = response.headers.get("Content-Type", "")
    return Answer(method, url, response.status, response.reason, kind, text)


def fetch(method: str, path: str, body: Any = None) -> Answer:
    """Sends a request to something that isn't Marathon.

    Raises:
        ClientError: Anything but success.
    """
    answer = request(method, path, body)
    if not 200 <= answer.status < 300:
        raise ClientError(f'Error while fetching [{answer.url}]: HTTP {answer.status}: "{answer.reason}".')
    return answer


def marathon(method: str, path: str, body: Any = None, *, query: Query | None = None) -> Answer:
    """Sends a request to Marathon.

    Raises:
        ClientError: Anything but success, as `dcos marathon` says it.
    """
    return _checked(request(method, f"/service/marathon/{path.lstrip('/')}", body, query=query))


def metronome(method: str, path: str, body: Any = None) -> Answer:
    """Sends a request to Metronome.

    Raises:
        ClientError: Anything but success, as `dcos job` says it.
    """
    return _checked(request(method, f"/service/metronome/{path}", body))


def _checked(answer: Answer) -> Answer:
    if 200 <= answer.status < 300:
        return answer
    if answer.status == 422:
        raise ClientError(f'Error while fetching [{answer.url}]: HTTP 422: "{answer.text}".')
    try:
        document = json.loads(answer.text)
    except ValueError:
        document = None
    raise ClientError(_message(answer, document))


def _message(answer: Answer, document: Any) -> str:
    if answer.status == 400:
        shown = "" if document is None else ":\n" + json.dumps(document, indent=2, sort_keys=True)
        return f"Error on request [{answer.method} {answer.url}]: HTTP 400: {answer.reason}{shown}"
    if answer.status == 409:
        path = urllib.parse.urlsplit(answer.url).path
        kind = next((name for name in ("app", "group", "pod") if name in path), "resource")
        return f"Changes blocked: deployment already in progress for {kind}."
    if document is None:
        return f"Error decoding response from [{answer.url}]: HTTP {answer.status}: {answer.reason}"
    if isinstance(document, dict) and isinstance(document.get("message"), str):
        return f"Error: {document['message']}"
    return UNUSABLE


def follow(path: str) -> Iterator[str]:
    """Yields the data of server-sent events until the server ends them.

    Raises:
        ClientError: The stream can't be had.
    """
    response, url = _open("GET", path, None, {"Accept": "text/event-stream"}, None)
    if response.status == 404:
        raise ClientError("No files exist. Exiting.")
    if response.status != 200:
        raise ClientError(f'Error while fetching [{url}]: HTTP {response.status}: "{response.reason}".')
    for line in response:
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if text.startswith("data:"):
            yield text[5:].removeprefix(" ")
