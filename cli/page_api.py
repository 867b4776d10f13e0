"""The live page's JSON API, asked through the cluster's front door as the user that `dcos` knows."""

from __future__ import annotations

import json
import queue
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, NoReturn
from urllib.parse import urlencode, urlsplit

from cli.engine.protocol import Credentials
from cli.errors import NoBackend, PipectlError, UsageProblem, WaitTimeout

ANSWER_SECONDS = 20.0
# A stream is never silent for longer: the page sends a comment every 10 s.
STREAM_SECONDS = 30.0
TRIES = 5
PAUSE_SECONDS = 1.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")
LOGIN_HINT = "log in with `dcos auth login`, then run the same command again"
Query = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class PageApi:
    """The API below `address`, the page's own address with its slash at the end.

    credentials: the user's; they travel in a header only, and to no other host: redirects are not followed.
    """

    address: str
    credentials: Credentials

    def get(self, path: str, query: Query = ()) -> Any:
        """The document at api/<path>."""
        return self._document("GET", path, query)

    def change(self, method: str, path: str, query: Query = (), body: Any = None) -> Any:
        """Ask for a change; returns the answer's document. Raises UsageProblem for what can't be set."""
        return self._document(method, path, query, body)

    def events(self, query: Query, timeout: float | None) -> Generator[bytes, None, None]:
        """The records of a stream, without end, picked up again where it broke off.

        timeout: seconds without a record after which WaitTimeout is raised; None waits forever.
        """
        stream = _Stream(self, query)
        try:
            while True:
                yield stream.next(timeout)
        finally:
            stream.close()

    def open(
        self,
        method: str,
        path: str,
        query: Query,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] = {},
        timeout: float = ANSWER_SECONDS,
    ) -> Any:
        """An answer, to be closed. Raises NoBackend, or what its status means."""
        url = f"{self.address}api/{path}" + (f"?{urlencode(query)}" if query else "")
        sent = {
            "Authorization": self.credentials.authorization,
            "Accept": "application/json, text/event-stream",
            "X-Requested-By": "pipectl",
            **({"Content-Type": "application/json"} if body is not None else {}),
            **headers,
        }
        request = urllib.request.Request(url, data=body, headers=sent, method=method)  # noqa: S310
        opener = self._opener()
        try:
            return opener.open(request, timeout=timeout)
        except urllib.error.HTTPError as error:
            with error:
                self._refused(error)
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise NoBackend(f"the page at {self.address} does not answer: {reason}") from None

    def _document(self, method: str, path: str, query: Query, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with self.open(method, path, query, body=data) as answer:
            try:
                return json.load(answer)
            except (OSError, ValueError):
                raise NoBackend(f"what answers at {self.address} is not the page") from None

    def _opener(self) -> urllib.request.OpenerDirector:
        try:
            context = ssl.create_default_context(cafile=self.credentials.ca)
        except OSError as error:
            raise PipectlError(
                f"cannot read the authorities in {self.credentials.ca}: {error.strerror or error}",
                hint="`dcos config show core.ssl_verify` names that file",
            ) from None
        if not self.credentials.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        handlers: list[urllib.request.BaseHandler] = [
            urllib.request.HTTPSHandler(context=context),
            _NoRedirects(),
        ]
        if urlsplit(self.address).hostname in LOOPBACK:
            handlers.append(urllib.request.ProxyHandler({}))
        return urllib.request.build_opener(*handlers)

    def _refused(self, error: urllib.error.HTTPError) -> NoReturn:
        try:
            document = json.loads(error.read())
            said = str(document.get("message") or document)
        except (OSError, ValueError, AttributeError):
            said = error.reason
        if error.code == 401:
            raise PipectlError(f"the page at {self.address}: not logged in (401)", hint=LOGIN_HINT)
        if error.code == 403:
            raise PipectlError(
                f"the page at {self.address}: not allowed (403): {said}",
                hint="ask for the permission, or log in as another user with `dcos auth login`",
            )
        if error.code in (400, 409):
            raise UsageProblem(said, hint="`pipectl limits list` shows what is set already")
        raise NoBackend(f"the page at {self.address} answered {error.code}: {said}")


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The token goes where the configuration says, and nowhere else."""

    def redirect_request(self, *args: Any) -> None:
        return None


class _Stream:
    """Server-sent events, read by a thread: a read can't be broken off and gone on with."""

    def __init__(self, api: PageApi, query: Query) -> None:
        self._api = api
        self._query = query
        self._last_id = ""
        self._records: queue.Queue[bytes | PipectlError] = queue.Queue(maxsize=1000)
        self._stop = threading.Event()
        # What can't be opened at all is told at once.
        self._answer: IO[bytes] = self._open()
        threading.Thread(target=self._read, daemon=True).start()

    def next(self, timeout: float | None) -> bytes:
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            try:
                # Ctrl-C is handled between two calls.
                found = self._records.get(timeout=0.2)
            except queue.Empty:
                if deadline is not None and time.monotonic() >= deadline:
                    raise WaitTimeout(
                        f"no record came through the page at {self._api.address} for {timeout:g} s",
                        hint="`pipectl status` shows what holds it up",
                    ) from None
                continue
            if isinstance(found, PipectlError):
                raise found
            return found

    def close(self) -> None:
        self._stop.set()

    def _open(self) -> IO[bytes]:
        headers = {"Last-Event-ID": self._last_id} if self._last_id else {}
        answer: IO[bytes] = self._api.open(
            "GET", "stream", self._query, headers=headers, timeout=STREAM_SECONDS
        )
        return answer

    def _read(self) -> None:
        tries = 0
        while not self._stop.is_set():
            try:
                with self._answer:
                    for line in self._answer:
                        tries = 0
                        self._take(line)
                        if self._stop.is_set():
                            return
            except (OSError, ValueError):
                pass  # cut off; picked up again below
            tries += 1
            self._stop.wait(PAUSE_SECONDS)
            try:
                self._answer = self._open()
            except PipectlError as error:
                if tries >= TRIES or not isinstance(error, NoBackend):
                    self._put(error)
                    return

    def _take(self, line: bytes) -> None:
        name, _, value = line.strip().partition(b": ")
        if name == b"data":
            self._put(value)
        elif name == b"id":
            self._last_id = value.decode()

    def _put(self, item: bytes | PipectlError) -> None:
        while not self._stop.is_set():
            try:
                self._records.put(item, timeout=0.2)
                return
            except queue.Full:
                continue
