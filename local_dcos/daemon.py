"""Starting, finding, asking, ending the detached agent of a home. Imports no server code: it is quick."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from local_dcos.errors import NotRunningError, StartError
from local_dcos.files import locked
from local_dcos.home import HOME_MARK, Home

START_SECONDS = 20.0
# A little longer than the agent gives its tasks.
STOP_SECONDS = 90.0
# As long as another start or stop may take.
TURN_SECONDS = START_SECONDS + STOP_SECONDS
POLL_SECONDS = 0.02


def answers(home: Home) -> bool:
    """Tells whether the agent of `home` runs and answers.

    Raises:
        HomeError: It runs, but its token can't be read.
    """
    try:
        _ask(home, "/service/marathon/ping", seconds=2)
    except (NotRunningError, OSError):
        return False
    return True


def link(home: Home, service: str) -> str:
    """Returns an address that signs a browser in, once, and leads to the page of a service.

    Raises:
        NotRunningError: Nobody answers.
    """
    try:
        made = json.loads(_ask(home, "/login/links", json.dumps({"service": service}).encode(), seconds=10))
    except (OSError, KeyError) as error:
        raise NotRunningError(f"The cluster in {home.path} does not answer: {error}") from error
    return f"{home.cluster()['url']}{made['path']}"


def _ask(home: Home, path: str, data: bytes | None = None, *, seconds: float) -> bytes:
    """Sends the token to the agent. Whoever holds the port of an agent that has ended gets nothing: the lock
    says whether there is one."""
    if not home.agent_is_running():
        raise NotRunningError(f"The cluster in {home.path} does not run")
    # Before the address: should an agent start anew in between, it gets an old token, and nobody a new one.
    token = home.token()
    url = home.cluster().get("url")
    if not url:
        raise NotRunningError(f"The cluster in {home.path} does not run")
    request = urllib.request.Request(  # noqa: S310 - always http to the loopback address
        f"{url}{path}", data, headers={"Authorization": f"token={token}"}
    )
    # No proxy from the environment may stand between this process and its own machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=seconds) as answer:
        content: bytes = answer.read()
    return content


def start(home: Home, port: int = 0) -> str:
    """Makes sure that the agent of `home` runs; returns its url.

    Raises:
        HomeError: The folder can't be used, or the token of the agent that runs can't be read.
        StartError: The agent did not come up.
    """
    home.create()
    with _turn(home):
        if answers(home):
            return str(home.cluster()["url"])
        command = [sys.executable, "-m", "local_dcos", "serve", "--home", str(home.path), "--port", str(port)]
        with home.agent_log.open("ab") as log:
            offset = log.tell()
            agent = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd="/",
                # Like its tasks it can be found by this when somebody has removed the folder.
                env={**os.environ, HOME_MARK: str(home.path)},
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if agent.poll() is not None:
                raise StartError(f"The cluster did not start: {_said(home, offset)}")
            if home.cluster().get("pid") == agent.pid and answers(home):
                # It outlives this process on purpose: nobody will wait for it.
                agent.returncode = 0
                return str(home.cluster()["url"])
            time.sleep(POLL_SECONDS)
        agent.kill()
        agent.wait()
        raise StartError(f"The cluster did not answer within {START_SECONDS:g} s: see {home.agent_log}")


def _said(home: Home, offset: int) -> str:
    with home.agent_log.open("rb") as log:
        log.seek(offset)
        lines = log.read().decode("utf-8", "replace").strip().splitlines()
    return f"{lines[-1] if lines else 'it said nothing'} (more in {home.agent_log})"


def stop(home: Home) -> None:
    """Ends the agent and every task of `home`, also those that a killed agent left behind.

    Raises:
        StartError: Another start or stop of it does not end.
    """
    if not home.is_ours():
        _end_left(home)
        return
    with _turn(home):
        _end(home)


def purge(home: Home) -> list[Path]:
    """Ends everything of `home` and removes what this room put there; returns what else is in the folder.

    Raises:
        HomeError: The folder is not a cluster's; nothing was removed.
        StartError: Another start or stop of it does not end.
    """
    if not home.is_ours():
        _end_left(home)
        return home.remove()
    with _turn(home):
        _end(home)
        return home.remove()


def _end(home: Home) -> None:
    pid = home.cluster().get("pid")
    if home.agent_is_running() and isinstance(pid, int):
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while home.agent_is_running() and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        if home.agent_is_running():
            os.kill(pid, signal.SIGKILL)
    _end_left(home)
    home.retire()


def _end_left(home: Home) -> None:
    """Somebody may have removed the folder under a running cluster; its processes still carry its name."""
    from local_dcos.processes import end_marked

    end_marked(home.path, lambda _: True, grace=3.0)


@contextlib.contextmanager
def _turn(home: Home) -> Iterator[None]:
    """Lets one start, stop or purge of a home go on at a time."""
    with contextlib.ExitStack() as held:
        try:
            got = held.enter_context(locked(home.start_lock, TURN_SECONDS))
        except FileNotFoundError as error:
            raise StartError(f"{home.path} was removed meanwhile, by another purge") from error
        if not got:
            raise StartError(f"Another start or stop of {home.path} has not ended in {TURN_SECONDS:g} s")
        yield
