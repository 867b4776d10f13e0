"""Connections to an address of its own are passed on, as by a virtual IP address."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

VIP = "127.0.0.2"


class Forwarder:
    """Connections to (VIP, port) go on to 127.0.0.1; counted by port."""

    def __init__(self, ports: dict[int, int]) -> None:
        self.taken: Counter[int] = Counter()
        self._ports = ports
        self._end = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        servers = [
            await asyncio.start_server(lambda r, w, p=port, t=target: self._forward(r, w, p, t), VIP, port)
            for port, target in self._ports.items()
        ]
        ready.set()
        await self._end.wait()
        for server in servers:
            server.close()

    def end(self) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._end.set)

    async def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, target: int
    ) -> None:
        try:
            onward = await asyncio.open_connection("127.0.0.1", target)
        except OSError:
            writer.close()
            return
        self.taken[port] += 1
        with suppress(asyncio.CancelledError):
            await asyncio.gather(self._pump(reader, onward[1]), self._pump(onward[0], writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


@contextmanager
def forwarding(ports: dict[int, int]) -> Iterator[Forwarder]:
    forwarder, ready = Forwarder(ports), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(forwarder.serve(ready)))
    thread.start()
    try:
        assert ready.wait(10)
        yield forwarder
    finally:
        forwarder.end()
        thread.join()
