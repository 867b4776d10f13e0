"""Health checks of running tasks."""

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable

import aiohttp

from local_dcos.home import Home
from local_dcos.launching import environment
from local_dcos.model import CheckResult, Json, Task
from local_dcos.ports import HOST
from local_dcos.stamps import seconds_of, stamp

# A starting task is checked more often than its definition asks, so that a deployment ends as soon as the
# task is healthy. Failures still count once per interval.
STARTING_SECONDS = 0.2


class Checker:
    """Runs the checks of tasks. Calls `changed` when a result changes, and `kill` for an unhealthy task."""

    def __init__(
        self, home: Home, changed: Callable[[Task], None], kill: Callable[[Task, str], None]
    ) -> None:
        self._home = home
        self._changed = changed
        self._kill = kill

    def watch(self, task: Task, definition: Json) -> None:
        """Starts every check of `definition` on a running task."""
        for check in definition["healthChecks"]:
            result = CheckResult()
            task.health.append(result)
            task.watchers.append(asyncio.create_task(self._check_loop(task, definition, check, result)))

    async def _check_loop(self, task: Task, definition: Json, check: Json, result: CheckResult) -> None:
        interval = max(float(check["intervalSeconds"]), 0.05)
        started = seconds_of(task.started_at or task.staged_at)
        counted = 0.0
        while True:
            cause = await self._probe(task, definition, check)
            before = result.alive
            if cause is None:
                result.alive, result.consecutive_failures = True, 0
                result.last_success = stamp()
                result.first_success = result.first_success or result.last_success
            else:
                # A task that was never healthy has its grace period to start.
                excused = not result.first_success and time.time() - started < check["gracePeriodSeconds"]
                if not excused and time.monotonic() - counted >= interval * 0.9:
                    counted = time.monotonic()
                    result.alive = False
                    result.consecutive_failures += 1
                    result.last_failure, result.last_cause = stamp(), cause
                    if self._is_fatal(check, result):
                        self._kill(task, f"Task was killed since health check failed. Reason: {cause}")
                        return
            if result.alive is not before:
                self._changed(task)
            await asyncio.sleep(interval if result.first_success else min(interval, STARTING_SECONDS))

    @staticmethod
    def _is_fatal(check: Json, result: CheckResult) -> bool:
        allowed = int(check["maxConsecutiveFailures"])
        if allowed == 0:
            # Marathon's own checks never kill then. Mesos kills at the first failure.
            return check["protocol"] not in ("HTTP", "HTTPS", "TCP")
        return result.consecutive_failures >= allowed

    async def _probe(self, task: Task, definition: Json, check: Json) -> str | None:
        """Runs a check once. Returns None if it passed, else the reason."""
        timeout = float(check["timeoutSeconds"]) or 20.0
        protocol = check["protocol"].removeprefix("MESOS_")
        try:
            if protocol == "COMMAND":
                return await self._command(task, definition, check["command"]["value"], timeout)
            port = check.get("port") or task.ports[check.get("portIndex", 0)]
            if protocol == "TCP":
                async with asyncio.timeout(timeout):
                    _, writer = await asyncio.open_connection(HOST, port)
                writer.close()
                return None
            url = f"{protocol.lower()}://{HOST}:{port}/{check['path'].lstrip('/')}"
            limit = aiohttp.ClientTimeout(total=timeout)
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                # Marathon does not verify certificates in its health checks either.
                session.get(url, allow_redirects=False, ssl=False) as answer,
            ):
                status = answer.status
            return None if 200 <= status < 400 else f"HTTP {status} from {url}"
        except TimeoutError:
            return f"no answer within {timeout:g} s"
        except Exception as error:
            # A definition may ask for a check that is impossible. Such a check fails.
            return f"{type(error).__name__}: {error}"

    async def _command(self, task: Task, definition: Json, command: str, timeout: float) -> str | None:
        process = await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-c",
            command,
            cwd=self._home.sandbox(task),
            env=environment(self._home, task, definition),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(timeout):
                code = await process.wait()
            return None if code == 0 else f"command exited with status {code}"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
