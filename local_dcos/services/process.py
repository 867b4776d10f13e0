"""One process of a service."""

import asyncio
from collections.abc import Mapping, Sequence

from local_dcos.errors import NodeError


class NodeProcess:
    """A process that is started at most once. name: what errors call it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, arguments: Sequence[str], environ: Mapping[str, str] | None = None) -> None:
        """Starts the program `arguments[0]`."""
        self._process = await asyncio.create_subprocess_exec(
            *arguments, stdin=asyncio.subprocess.DEVNULL, env=environ
        )

    async def wait(self) -> int:
        """Waits until the process ends. Returns its exit code."""
        if self._process is None:
            raise NodeError(f"The {self._name} was not started")
        return await self._process.wait()

    async def stop(self, seconds: float) -> None:
        """Asks the process to end. Kills it after `seconds`."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            async with asyncio.timeout(seconds):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
