"""Starting a task's process: its command line, its environment, its sandbox."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from local_dcos.errors import LaunchError, NoOfferError
from local_dcos.home import HOME_MARK, Home
from local_dcos.model import Json, Task
from local_dcos.ports import HOST, HOST_PORTS, is_free, pick
from local_dcos.processes import TASK_MARK
from local_dcos.sandbox import LOG_FILES

# What a task gets from the environment that the agent was started in. Not all of it: a task must run the same
# whoever started the cluster, and the starter's tokens are not for it.
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
        "PIPECTL_HOME",
        # Where the agent's own Python finds the project, and whom it trusts when it fetches jars.
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
# Between the way through the front door and a task, and nobody else: the task is told by its environment, and
# may refuse a request without the header.
PROXY_SECRET, PROXY_HEADER = "PROXY_SECRET", "X-Proxy-Secret"


def port_specs(definition: Json) -> list[tuple[Json, int]]:
    """Returns each port of a definition with the host port that it demands, 0 for any."""
    if "portDefinitions" in definition:
        fixed = definition["requirePorts"]
        return [(port, port["port"] if fixed else 0) for port in definition["portDefinitions"]]
    mappings = definition.get("container", {}).get("portMappings", [])
    return [(port, port["hostPort"]) for port in mappings]


def host_ports(definition: Json, taken: set[int]) -> list[int]:
    """Chooses the host ports of a new task.

    Raises:
        NoOfferError: A demanded port is in use, or none is free.
    """
    chosen: list[int] = []
    taken = set(taken)
    for _, wanted in port_specs(definition):
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
    sandbox = str(home.sandboxes / task.id)
    result |= {
        "HOST": HOST,
        "MESOS_SANDBOX": sandbox,
        "MARATHON_APP_ID": task.app_id,
        "MARATHON_APP_VERSION": task.version,
        "MARATHON_APP_RESOURCE_CPUS": str(definition["cpus"]),
        "MARATHON_APP_RESOURCE_MEM": str(definition["mem"]),
        "PORTS": ",".join(str(port) for port in task.ports),
        PROXY_SECRET: task.secret,
        TASK_MARK: task.id,
        HOME_MARK: str(home.path),
    }
    for index, (port, (spec, _)) in enumerate(zip(task.ports, port_specs(definition), strict=True)):
        result.setdefault("PORT", str(port))
        result[f"PORT{index}"] = str(port)
        if spec.get("name"):
            result["PORT_" + re.sub(r"\W", "_", spec["name"]).upper()] = str(port)
    return result


def command_line(definition: Json) -> list[str]:
    """Returns the argv of a definition: `cmd` through the shell as Mesos does it, `args` as they are.

    Raises:
        LaunchError: There is only an image, and no engine here to run it.
    """
    if definition.get("cmd"):
        return ["/bin/sh", "-c", definition["cmd"]]
    if definition.get("args"):
        return list(definition["args"])
    raise LaunchError("The app has a container image only; this cluster runs processes: give it cmd or args")


def launch(home: Home, task: Task, definition: Json) -> "subprocess.Popen[bytes]":
    """Starts the process of `task` in a session and sandbox of its own.

    Raises:
        LaunchError: It can't be started; the text says why.
    """
    if definition["fetch"]:
        raise LaunchError("This cluster does not fetch URIs: remove `fetch` from the definition")
    argv = command_line(definition)
    env = environment(home, task, definition)
    sandbox = home.sandboxes / task.id
    try:
        sandbox.mkdir(mode=0o700)
        out, err = ((sandbox / name).open("ab") for name in LOG_FILES)
        with out, err:
            return subprocess.Popen(
                argv,
                cwd=sandbox,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
    except (OSError, ValueError) as error:
        # Text that is no UTF-8 can be sent and kept, but not printed.
        program = argv[0].encode("utf-8", "replace").decode()
        shutil.rmtree(sandbox, ignore_errors=True)
        raise LaunchError(f"Can't run {program}: {error}") from error


def _inherited() -> dict[str, str]:
    found = {}
    for key, value in os.environ.items():
        if key in INHERITED or key.startswith(INHERITED_PREFIXES):
            found[key] = value
        elif key.endswith(PROXIES):
            # The way to the proxy; the user's login at it is not for tasks.
            found[key] = LOGIN.sub(r"\1", value)
    return found


def _secret(home: Home, definition: Json, name: str) -> str:
    source = str(definition["secrets"][name]["source"])
    path = (home.secrets / source.lstrip("/")).resolve()
    if not path.is_relative_to(home.secrets.resolve()):
        raise LaunchError(f"Secret '{name}' has the source {source!r}, which leads out of {home.secrets}")
    try:
        return path.read_text(encoding="utf-8").rstrip("\n")
    except (OSError, ValueError) as error:
        raise LaunchError(f"Secret '{name}' is not there: write its value to {path}") from error
