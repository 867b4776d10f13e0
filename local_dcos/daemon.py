"""Starting, finding, asking, ending the detached agent of a home. Imports no server code: it is quick."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request

from local_dcos.errors import NotRunningError, StartError
from local_dcos.home import HOME_MARK, Home, locked

START_SECONDS = 20.0
STOP_SECONDS = 120.0
POLL_SECONDS = 0.02


def answers(home: Home) -> bool:
    """Tells whether the agent of `home` runs and answers."""
    if not home.cluster().get("url") or not home.agent_is_running():
        return False
    try:
        _ask(home, "/service/marathon/ping", seconds=2)
    except OSError:
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
    request = urllib.request.Request(  # noqa: S310 - always http to the loopback address
        f"{home.cluster()['url']}{path}", data, headers={"Authorization": f"token={home.token()}"}
    )
    # No proxy from the environment may stand between this process and its own machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=seconds) as answer:
        content: bytes = answer.read()
    return content


def start(home: Home, port: int = 0) -> str:
    """Makes sure that the agent of `home` runs; returns its url.

    Raises:
        HomeError: The folder can't be written.
        StartError: The agent did not come up.
    """
    home.create()
    with locked(home.start_lock, wait=True):
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
    """Ends the agent and every task of `home`, also those that a killed agent left behind."""
    from local_dcos.processes import end_marked

    if not home.path.exists():
        # Somebody removed the folder under a running cluster; its processes still carry its name.
        end_marked(home.path, lambda _: True, grace=3.0)
        return
    home.create()
    with locked(home.start_lock, wait=True):
        pid = home.cluster().get("pid")
        if home.agent_is_running() and isinstance(pid, int):
            os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + STOP_SECONDS
            while home.agent_is_running() and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)
            if home.agent_is_running():
                os.kill(pid, signal.SIGKILL)
        end_marked(home.path, lambda _: True, grace=3.0)


def purge(home: Home) -> None:
    """Ends everything of `home` and removes the folder."""
    stop(home)
    shutil.rmtree(home.path, ignore_errors=True)
