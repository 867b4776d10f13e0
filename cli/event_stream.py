"""The dashboard's server-sent events, resumed after a break."""

from __future__ import annotations

import queue
import threading
from contextlib import closing

import httpx
import httpx_sse

from cli.dashboard_api import DashboardApi, Query
from cli.errors import NoBackend, PipectlError, WaitTimeout

# The dashboard sends a comment every 10 s. A longer silence means that the connection is dead.
SILENCE_SECONDS = 30.0
TRIES = 5
PAUSE_SECONDS = 1.0


class EventStream:
    """Reads events in a thread, so that `next` can time out and be called again."""

    def __init__(self, api: DashboardApi, query: Query) -> None:
        """Open the stream. Raises NoBackend or PipectlError when that fails."""
        self._api = api
        self._query = query
        self._last_id = ""
        self._records: queue.Queue[bytes | PipectlError] = queue.Queue(maxsize=1000)
        self._stop = threading.Event()
        self._client = api.client(SILENCE_SECONDS)
        try:
            response = self._open()
        except PipectlError:
            self._client.close()
            raise
        threading.Thread(target=self._read, args=(response,), daemon=True).start()

    def next(self, timeout: float | None) -> bytes:
        """The next record. Raises WaitTimeout after `timeout` seconds, or the error that ended the stream."""
        try:
            found = self._records.get(timeout=timeout)
        except queue.Empty:
            raise WaitTimeout(
                f"no record came through the dashboard at {self._api.address} for {timeout:g} s",
                hint="`pipectl status` shows the cause",
            ) from None
        if isinstance(found, PipectlError):
            raise found
        return found

    def close(self) -> None:
        """Stop reading. The thread ends with the next event or comment."""
        self._stop.set()

    def _open(self) -> httpx.Response:
        headers = {"Accept": "text/event-stream"}
        if self._last_id:
            headers["Last-Event-ID"] = self._last_id
        return self._api.send(self._client, "GET", "stream", self._query, headers=headers, stream=True)

    def _read(self, response: httpx.Response) -> None:
        with closing(self._client):
            try:
                while self._take(response):
                    if (reopened := self._reopen()) is None:
                        return
                    response = reopened
            except Exception as error:
                # Nobody else would see it, and `next` would wait for ever.
                self._put(PipectlError(f"cannot read the records of {self._api.address}: {error!r}"))

    def _take(self, response: httpx.Response) -> bool:
        """Queue the events of one connection; returns whether to resume after its end."""
        try:
            for event in httpx_sse.EventSource(response).iter_sse():
                self._last_id = event.id or self._last_id
                if event.data:
                    self._put(event.data.encode())
                if self._stop.is_set():
                    return False
        except httpx_sse.SSEError:
            self._put(self._api.not_the_dashboard())
            return False
        except httpx.TransportError:
            pass  # the connection broke
        finally:
            response.close()
        return not self._stop.is_set()

    def _reopen(self) -> httpx.Response | None:
        for tries in range(1, TRIES + 1):
            if self._stop.wait(PAUSE_SECONDS):
                break
            try:
                return self._open()
            except PipectlError as error:
                if tries == TRIES or not isinstance(error, NoBackend):
                    self._put(error)
                    break
        return None

    def _put(self, item: bytes | PipectlError) -> None:
        while not self._stop.is_set():
            try:
                self._records.put(item, timeout=0.2)
                return
            except queue.Full:
                continue
