"""The port of a service: kept over restarts, and awaited."""

import asyncio
import json
from pathlib import Path

from local_dcos.files import write_durably
from local_dcos.ports import HOST, HOST_PORTS, is_free, pick

READY_POLL_SECONDS = 0.1


def kept_port(path: Path) -> int:
    """Returns the port in the file `path` if it is free, else a free one, which the file then holds."""
    if path.exists():
        kept = int(json.loads(path.read_text(encoding="utf-8")))
        if is_free(kept):
            return kept
    port = pick(HOST_PORTS, ())
    write_durably(path, json.dumps(port))
    return port


async def until_open(port: int) -> None:
    """Waits until the port accepts connections; whoever waits also waits for the end of the process."""
    while True:
        try:
            _, writer = await asyncio.open_connection(HOST, port)
        except OSError:
            await asyncio.sleep(READY_POLL_SECONDS)
        else:
            writer.close()
            return
