"""A JobManager that is reached at another address and other ports than it listens on, as behind a VIP."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.ports import free_ports

pytestmark = pytest.mark.slow

VIP = "127.0.0.2"
# Small things go to the TaskManagers by RPC; this makes the JobManager send all through its file server.
OFFLOAD = """
import sys
from flink_scripts import processes
options = processes.jobmanager_options
processes.jobmanager_options = lambda *given: {**options(*given), "blob.offload.minsize": "1"}
from flink_scripts.__main__ import main
sys.exit(main(["jobmanager"]))
"""


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


def test_vip(own_flink: Any, bundle_on: Any) -> None:
    flink = own_flink()
    rpc, rest, blob = free_ports(3)
    vip_rpc, vip_rest = free_ports(2, VIP)
    flink.environ |= {
        "FLINK_JOBMANAGER_RPC": f"{VIP}:{vip_rpc}",
        "FLINK_JOBMANAGER_REST": f"{VIP}:{vip_rest}",
    }
    bound = {"PORT_RPC": str(rpc), "PORT_REST": str(rest), "PORT_BLOB": str(blob), "FLINK_MEMORY_MB": "1024"}
    with forwarding({vip_rpc: rpc, vip_rest: rest, blob: blob}) as vip:
        flink.run_python("jobmanager", ["-c", OFFLOAD], bound)
        flink.start("taskmanager")
        bundle = bundle_on(flink)
        bundle.create("position.AAPL")
        start = datetime.now(UTC).replace(microsecond=0)
        for number in range(300):
            bundle.tick("AAPL", start + timedelta(milliseconds=100 * number), f"{100 + number % 7}.25")
        bundle.flush()
        bundle.app.start()
        bundle.app.until_healthy()
        assert bundle.verify(["AAPL"], until=start + timedelta(seconds=29)) > 20
        assert vip.taken[vip_rpc] and vip.taken[vip_rest] and vip.taken[blob], vip.taken
        flink.stop()
