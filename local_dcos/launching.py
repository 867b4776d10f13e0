"""Launching a task: its command line, its environment, its sandbox."""

import os
import re
import shutil
import sys
import time
from pathlib import Path

from local_dcos import processes
from local_dcos.definition import port_list
from local_dcos.errors import LaunchError, NoOfferError
from local_dcos.home import HOME_MARK, HOME_VARIABLE, OWN_AGENT, Home
from local_dcos.model import RUNNING, Json, Process, Task
from local_dcos.nodes import channel
from local_dcos.ports import HOST, HOST_PORTS, is_free, pick
from local_dcos.sandbox import run_in
from local_dcos.stamps import stamp

# The variables that a task gets from the agent's environment. It must not get all of them: a task has to run
# the same for every user who starts the cluster, and must not see that user's tokens.
INHERITED = frozenset(
    {
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "LANG",
        "LANGUAGE",
        "TZ",
        "TMPDIR",
        "LD_LIBRARY_PATH",
        HOME_VARIABLE,
        # How Python finds the project, and which certificates it trusts when it downloads jars.
        "PYTHONPATH",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "M2_REPO",
        "M2_HOME",
        "MAVEN_HOME",
    }
)
INHERITED_PREFIXES = ("LC_", "XDG_")
PROXIES = ("_proxy", "_PROXY")
LOGIN = re.compile(r"^([a-z][a-z0-9+.-]*://)?[^/]*@", re.IGNORECASE)
# A secret that the proxy and one task share. A task may refuse requests without this header.
PROXY_SECRET, PROXY_HEADER = "PROXY_SECRET", "X-Proxy-Secret"
# The user of the service whom the login named, if it did. Believe it only beside that secret.
PROXY_USER_HEADER = "X-Proxy-User"


def host_ports(definition: Json, taken: set[int]) -> list[int]:
    """Chooses the host ports of a new task.

    Raises:
        NoOfferError: A required port is in use, or no port is free.
    """
    chosen: list[int] = []
    taken = set(taken)
    for port in port_list(definition):
        wanted = port.get("hostPort", port.get("port") if definition["requirePorts"] else 0)
        if wanted and (wanted in taken or not is_free(wanted)):
            raise NoOfferError("InsufficientPorts", f"Port {wanted} is in use")
        chosen.append(wanted or pick(HOST_PORTS, taken))
        taken.add(chosen[-1])
    return chosen


def environment(home: Home, task: Task, definition: Json) -> dict[str, str]:
    """Returns the environment of a task as Marathon sets it."""
    result = _inherited()
    result["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    for key, value in definition["env"].items():
        result[key] = value if isinstance(value, str) else _secret(home, definition, value["secret"])
    sandbox = str(home.sandbox(task))
    result |= {
        "HOST": HOST,
        "MESOS_SANDBOX": sandbox,
        "MARATHON_APP_ID": task.app_id,
        "MARATHON_APP_VERSION": task.version,
        "MARATHON_APP_RESOURCE_CPUS": str(definition["cpus"]),
        "MARATHON_APP_RESOURCE_MEM": str(definition["mem"]),
        "PORTS": ",".join(str(port) for port in task.ports),
        PROXY_SECRET: task.secret,
        processes.TASK_MARK: task.id,
        HOME_MARK: str(home.path),
    }
    for index, (number, port) in enumerate(zip(task.ports, port_list(definition), strict=True)):
        result.setdefault("PORT", str(number))
        result[f"PORT{index}"] = str(number)
        if port.get("name"):
            result["PORT_" + re.sub(r"\W", "_", port["name"]).upper()] = str(number)
    return result


def command_line(definition: Json) -> list[str]:
    """Returns the argv of a definition: `cmd` runs in a shell, `args` without one.

    Raises:
        LaunchError: There is only an image, which this cluster can't run.
    """
    if definition.get("cmd"):
        return ["/bin/sh", "-c", definition["cmd"]]
    if definition.get("args"):
        return list(definition["args"])
    raise LaunchError("The app has only an image. This cluster runs processes: add cmd or args")


def launch(home: Home, task: Task, definition: Json) -> None:
    """Starts the process of `task` on its agent, in its own session and sandbox. The task runs then.

    Raises:
        LaunchError: The process can't be started; SilentError if its agent does not answer.
    """
    if definition["fetch"]:
        raise LaunchError("This cluster does not fetch URIs: remove `fetch` from the definition")
    argv = command_line(definition)
    env = environment(home, task, definition)
    sandbox = home.sandbox(task)
    process: Process
    try:
        if task.agent_id == OWN_AGENT:
            process = run_in(sandbox, argv, env)
        else:
            process = channel.start(home.agents / task.agent_id, sandbox, argv, env)
    except (OSError, ValueError) as error:
        # JSON can hold text that has no UTF-8 form.
        program = argv[0].encode("utf-8", "replace").decode()
        shutil.rmtree(sandbox, ignore_errors=True)
        raise LaunchError(f"Can't run {program}: {error}") from error
    task.process, task.pid = process, process.pid
    task.created = processes.identity(process.pid) or time.time()
    task.state, task.started_at = RUNNING, stamp()


def _inherited() -> dict[str, str]:
    found = {}
    for key, value in os.environ.items():
        if key in INHERITED or key.startswith(INHERITED_PREFIXES):
            found[key] = value
        elif key.endswith(PROXIES):
            # Tasks get the address of the proxy without the user's login.
            found[key] = LOGIN.sub(r"\1", value)
    return found


def _secret(home: Home, definition: Json, name: str) -> str:
    source = str(definition["secrets"][name]["source"])
    path = (home.secrets / source.lstrip("/")).resolve()
    if not path.is_relative_to(home.secrets.resolve()):
        raise LaunchError(f"The source {source!r} of secret '{name}' is outside of {home.secrets}")
    try:
        return path.read_text(encoding="utf-8").rstrip("\n")
    except (OSError, ValueError) as error:
        raise LaunchError(f"Secret '{name}' can't be read: write its value to {path}") from error
