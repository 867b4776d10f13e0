"""Fan-out over Socket.IO: each viewer gets the next frame when it has acknowledged the last one.

Nothing is queued for a viewer; the server remembers only the last frame that it acknowledged. A slow viewer
gets fewer frames. Each holds everything that it missed, thinned out, and always the newest records.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import socketio

from dashboard.frames import SIGNAL_FIELDS, WINDOW_FIELDS, Frames
from dashboard.history import History
from kafka_topic.statistics import Field

BEAT_SECONDS = 0.1
QUIET_BEATS = 10
"""Without news, a frame goes out after this many beats, because ages on the page grow."""
ACK_SECONDS = 30.0
_LOG = logging.getLogger("dashboard")


async def acknowledged(
    server: socketio.AsyncServer, sid: str, event: str, data: bytes, namespace: str = "/"
) -> bool:
    """Send a frame and wait until the viewer acknowledges it; False when it has gone or has to reconnect."""
    try:
        await server.call(event, data, to=sid, namespace=namespace, timeout=ACK_SECONDS)
    except socketio.exceptions.TimeoutError:
        _LOG.info("a viewer acknowledged no frame for %g s and has to reconnect", ACK_SECONDS)
        await server.disconnect(sid, namespace=namespace)
        return False
    except socketio.exceptions.SocketIOError:
        return False  # it disconnected meanwhile
    return True


async def cancel_all(tasks: dict[str, asyncio.Task[None]]) -> None:
    """Empty `tasks`, and wait until each has ended."""
    while tasks:
        _, task = tasks.popitem()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


class Viewers:
    """The connected viewers, and the beat that wakes them."""

    def __init__(
        self,
        server: socketio.AsyncServer,
        history: History,
        signals: Mapping[str, Mapping[str, Any]],
        columns: Sequence[Field],
    ) -> None:
        self._server = server
        self._history = history
        self._signals = signals
        self._columns = columns
        self._frames = Frames(history, [field.name for field in columns])
        self._beat = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        server.on("connect", self._connect)
        server.on("disconnect", self._disconnect)

    def __len__(self) -> int:
        return len(self._tasks)

    async def beat(self) -> None:
        """Wake the waiting viewers whenever there is news, until cancelled."""
        seen, quiet = 0, 0
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            quiet += 1
            if self._history.seq != seen or quiet >= QUIET_BEATS:
                seen, quiet = self._history.seq, 0
                self._frames.refresh()
                self._beat.set()
                self._beat = asyncio.Event()

    async def next_beat(self) -> None:
        """Wait for the next beat."""
        await self._beat.wait()

    async def _connect(self, sid: str, environ: dict[str, Any]) -> None:
        self._tasks[sid] = asyncio.create_task(self._serve(sid))

    async def _disconnect(self, sid: str, *reason: Any) -> None:
        if task := self._tasks.pop(sid, None):
            task.cancel()

    async def _serve(self, sid: str) -> None:
        hello = {
            "positions": [*self._history.positions],
            "windows": self._history.labels,
            "fields": [*WINDOW_FIELDS, *(field.name for field in self._columns)],
            "columns": [
                {"name": field.name, "title": field.column, "scientific": field.scientific}
                for field in self._columns
            ],
            "signal_fields": SIGNAL_FIELDS,
            "settings": self._signals,
        }
        await self._server.emit("hello", hello, to=sid)
        seen = 0
        while True:
            frame = self._frames.after(seen)
            if not await acknowledged(self._server, sid, "frame", frame.data):
                self._tasks.pop(sid, None)
                return
            seen = frame.seq
            await self.next_beat()

    async def close(self) -> None:
        """Disconnect every viewer."""
        await cancel_all(self._tasks)
