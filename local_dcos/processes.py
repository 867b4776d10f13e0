"""Processes of the operating system: waiting for them, ending them, finding those of a home."""

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import psutil

from local_dcos.home import HOME_MARK
from local_dcos.model import Task

TASK_MARK = "MESOS_TASK_ID"
POLL_SECONDS = 0.05
# Between SIGTERM and SIGKILL, unless a definition says something else.
GRACE_SECONDS = 3.0
# asyncio itself keeps no reference to what it runs.
_background: set[asyncio.Task[None]] = set()
_log = logging.getLogger(__name__)


def identity(pid: int) -> float:
    """Returns when process `pid` was created, 0.0 if it has ended. Pid and time identify a process."""
    try:
        process = psutil.Process(pid)
        return 0.0 if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except psutil.Error:
        return 0.0


def is_same(pid: int, created: float) -> bool:
    """Whether `pid` is still the process that was created at `created`."""
    return pid > 0 and created > 0 and abs(identity(pid) - created) < 0.5


async def wait_for_exit(pid: int, created: float) -> None:
    """Waits until a process has ended. It need not be a child of this one."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    except (AttributeError, OSError):
        # Not Linux, or too many files are open.
        while is_same(pid, created):
            await asyncio.sleep(POLL_SECONDS)
        return
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    try:
        loop.add_reader(descriptor, ended.set)
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def in_background(work: Coroutine[Any, Any, None]) -> None:
    """Runs a coroutine besides the caller."""
    running = asyncio.create_task(work)
    _background.add(running)
    running.add_done_callback(_background.discard)


async def follow(home: Path, task: Task, exit_code: Callable[[], int | None] = lambda: None) -> int | None:
    """Waits until the main process of a task has ended, and kills what it started, wherever that is.

    Returns its exit code, negative for a signal, None if it is unknown. exit_code: returns the code of a
    process whose end nobody has told: an earlier agent has started it, or its agent has ended just then.
    """
    code = None
    try:
        await wait_for_exit(task.pid, task.created)
        # An agent of several may stand still before it tells the code.
        code = await asyncio.to_thread(task.process.wait) if task.process else None
        if code is None:
            code = exit_code()
        signal_group(task.pid, signal.SIGKILL)
        await asyncio.to_thread(end_marked, home, lambda name: name == task.id)
    except Exception:
        # No process may run unwatched, so kill it if it cannot be watched.
        _log.exception("Task %s", task.id)
        signal_group(task.pid, signal.SIGKILL)
    return code


async def end(task: Task, grace: float) -> None:
    """Ends the processes of a task: SIGTERM to its group, SIGKILL after `grace` seconds."""
    signal_group(task.pid, signal.SIGTERM)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(grace):
            await task.exited.wait()
    if not task.exited.is_set():
        signal_group(task.pid, signal.SIGKILL)
        await task.exited.wait()


def signal_group(pid: int, number: int) -> None:
    """Sends a signal to the process group of `pid`, if it still exists."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def marked(home: Path, matches: Callable[[str], bool]) -> list[psutil.Process]:
    """Returns the processes of a home whose task id matches. Processes without a task have the id ""."""
    found, own = [], os.getpid()
    for process in psutil.process_iter():
        try:
            environment = process.environ() if process.pid != own else {}
        except (psutil.Error, OSError):
            continue
        if environment.get(HOME_MARK) == str(home) and matches(environment.get(TASK_MARK, "")):
            found.append(process)
    return found


def end_marked(home: Path, matches: Callable[[str], bool], grace: float = 0.0) -> int:
    """Kills such processes and returns their number. With a `grace` in seconds it sends SIGTERM first."""
    found = marked(home, matches)
    if grace:
        _send(found, signal.SIGTERM)
        deadline = time.monotonic() + grace
        while time.monotonic() < deadline and any(_alive(process) for process in found):
            time.sleep(POLL_SECONDS)
    # A process may have started others meanwhile, so look again until none is left.
    for _ in range(20):
        left = marked(home, matches)
        if not left:
            break
        _send(left, signal.SIGKILL)
        psutil.wait_procs(left, timeout=1)
    return len(found)


def _alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _send(found: list[psutil.Process], number: int) -> None:
    for process in found:
        with contextlib.suppress(psutil.Error):
            process.send_signal(number)
