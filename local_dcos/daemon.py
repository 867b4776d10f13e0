"""Starting, asking and stopping the agent of a home. This imports no server code, so it is quick."""

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
from urllib.error import HTTPError
from urllib.parse import quote

from local_dcos.errors import AgentError, NotRunningError, StartError
from local_dcos.files import locked
from local_dcos.home import CLUSTER_NAME, HOME_MARK, Home

START_SECONDS = 20.0
# A little longer than the agent gives its tasks.
STOP_SECONDS = 90.0
# Another start or stop may take this long.
LOCK_SECONDS = START_SECONDS + STOP_SECONDS
POLL_SECONDS = 0.02


def answers(home: Home) -> bool:
    """Whether the agent of `home` runs and answers.

    Raises:
        HomeError: The agent runs, but its token can't be read.
    """
    try:
        _ask(home, "/service/marathon/ping", seconds=2)
    except (NotRunningError, OSError):
        return False
    return True


def link(home: Home, service: str, user: str = "") -> str:
    """Returns a link that signs a browser in once and opens the page of a service.

    user: the user of the service whom the browser signs in as, where the service has several.

    Raises:
        NotRunningError: The agent does not answer.
    """
    try:
        asked = json.dumps({"service": service, "user": user}).encode()
        made = json.loads(_ask(home, "/login/links", asked, seconds=10))
    except (OSError, KeyError) as error:
        raise NotRunningError(f"The cluster in {home.path} does not answer: {error}") from error
    return f"{home.cluster()['url']}{made['path']}"


def kill_node(home: Home, name: str, seconds: float) -> list[str]:
    """Kills an agent of several with all its tasks, whose ids it returns. It comes back after `seconds`.

    Raises:
        NotRunningError: The cluster does not answer.
        AgentError: There is no such agent, or it can't be killed.
    """
    body = json.dumps({"seconds": seconds}).encode()
    try:
        answer = _ask(home, f"/nodes/{quote(name, safe='')}/kill", body, seconds=10)
    except HTTPError as error:
        with error:
            raise AgentError(json.loads(error.read())["message"]) from None
    except OSError as error:
        raise NotRunningError(f"The cluster in {home.path} does not answer: {error}") from error
    return list(json.loads(answer)["tasks"])


def _ask(home: Home, path: str, data: bytes | None = None, *, seconds: float) -> bytes:
    """Sends a request with the token if an agent holds the lock. Without an agent, another process may listen
    on its port."""
    if not home.agent_is_running():
        raise NotRunningError(f"The cluster in {home.path} is not running")
    # The token is read before the address. If the agent restarts in between, no one gets the new token.
    token = home.token()
    url = home.cluster().get("url")
    if not url:
        raise NotRunningError(f"The cluster in {home.path} is not running")
    request = urllib.request.Request(  # noqa: S310 - always http to the loopback address
        f"{url}{path}", data, headers={"Authorization": f"token={token}"}
    )
    # Requests to this machine must not go through a proxy.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=seconds) as answer:
        content: bytes = answer.read()
    return content


def start(home: Home, port: int = 0, name: str = CLUSTER_NAME, agents: int = 0) -> str:
    """Starts the cluster of `home` unless it runs. Returns its address.

    name: that of a new cluster. agents: how many it has; 0 for as many as before, or one.

    Raises:
        HomeError: The folder can't be used, or the token of a running agent can't be read.
        StartError: The agent did not start, or it runs with another number of agents.
    """
    home.create(name)
    with _exclusively(home):
        if answers(home):
            if agents not in (0, home.agents_wanted()):
                raise StartError(
                    f"The cluster runs with {home.agents_wanted()} agents, not with {agents}. Stop it first: "
                    f"python -m local_dcos stop --home {home.path}"
                )
            return str(home.cluster()["url"])
        command = [sys.executable, "-m", "local_dcos", "serve", "--home", str(home.path)]
        command += ["--port", str(port), "--agents", str(agents)]
        with home.agent_log.open("ab") as log:
            offset = log.tell()
            agent = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd="/",
                # With this mark it is found even if somebody removes the folder.
                env={**os.environ, HOME_MARK: str(home.path)},
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if agent.poll() is not None:
                raise StartError(f"The cluster did not start: {_last_line(home, offset)}")
            if home.cluster().get("pid") == agent.pid and answers(home):
                # The agent outlives this process. Python must not warn that nobody waits for it.
                agent.returncode = 0
                return str(home.cluster()["url"])
            time.sleep(POLL_SECONDS)
        agent.kill()
        agent.wait()
        raise StartError(f"The cluster did not answer within {START_SECONDS:g} s: see {home.agent_log}")


def _last_line(home: Home, offset: int) -> str:
    with home.agent_log.open("rb") as log:
        log.seek(offset)
        lines = log.read().decode("utf-8", "replace").strip().splitlines()
    return f"{lines[-1] if lines else 'it printed nothing'} (more in {home.agent_log})"


def stop(home: Home) -> None:
    """Ends the agent and every task of `home`, including those that a killed agent left behind.

    Raises:
        StartError: Another start or stop did not end in time.
    """
    if not home.is_cluster():
        _end_processes(home)
        return
    with _exclusively(home):
        _end(home)


def purge(home: Home) -> list[Path]:
    """Ends every process of `home` and removes the cluster's files. Returns the other files in the folder.

    Raises:
        HomeError: The folder does not hold a cluster. Nothing was removed.
        StartError: Another start or stop did not end in time.
    """
    if not home.is_cluster():
        _end_processes(home)
        return home.remove()
    with _exclusively(home):
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
    _end_processes(home)
    home.retire()


def _end_processes(home: Home) -> None:
    """Ends the processes with the mark of this home. They may run even if somebody removed the folder."""
    from local_dcos.processes import end_marked

    end_marked(home.path, lambda _: True, grace=3.0)


@contextlib.contextmanager
def _exclusively(home: Home) -> Iterator[None]:
    """Runs one start, stop or purge of a home at a time."""
    with contextlib.ExitStack() as stack:
        try:
            acquired = stack.enter_context(locked(home.start_lock, LOCK_SECONDS))
        except FileNotFoundError as error:
            raise StartError(f"Another purge has removed {home.path}") from error
        if not acquired:
            raise StartError(f"Another start or stop of {home.path} did not end within {LOCK_SECONDS:g} s")
        yield
