"""The master and the workers of a standalone cluster, each in the process that Marathon started.

Spark 4 cannot schedule on Mesos, so a standalone cluster runs as apps. More workers are more instances.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path

from spark_jobs.errors import MissingError
from spark_jobs.session import (
    LOG_OPTION,
    PROTECTED,
    SessionSettings,
    check_user,
    java_environ,
    private_file,
    secret_of,
)
from task_runtime.environment import Environment

_WEB_FILTER = "org.apache.spark.ui.JWSFilter"
_CLASSES = {
    "master": "org.apache.spark.deploy.master.Master",
    "worker": "org.apache.spark.deploy.worker.Worker",
}


def become(role: str, folder: Path, environ: Mapping[str, str] = os.environ) -> None:
    """Turn this process into the master or a worker; its files are in `folder`, the task's sandbox.

    Does not return. Raises MissingError, SettingsError for a variable that can't be used, and JvmError.
    """
    check_user()
    spec = importlib.util.find_spec("pyspark")
    if spec is None or not spec.submodule_search_locations:
        raise MissingError("Spark is not installed: install the project's extra `spark`")
    home = Path(spec.submodule_search_locations[0])
    argv, variables = command(role, home, folder, environ)
    os.execve(argv[0], argv, variables)  # noqa: S606  an argv list, no shell


def command(
    role: str, home: Path, folder: Path, environ: Mapping[str, str]
) -> tuple[list[str], dict[str, str]]:
    """The command of a role and its environment. home: where Spark lies."""
    settings, env = SessionSettings.from_environ(environ), Environment(environ)
    secret = secret_of(settings)
    options = {
        **PROTECTED,
        "spark.authenticate.secret": secret,
        **_closed_doors(secret),
        # A worker deletes the files of a finished application after an hour.
        "spark.worker.cleanup.enabled": "true",
        "spark.worker.cleanup.appDataTtl": "3600",
    }
    argv = [
        *(str(home / "bin" / "spark-class"), _CLASSES[role]),
        *("--host", settings.host),
        *("--port", str(env.integer("PORT_RPC")), "--webui-port", str(env.integer("PORT_WEB"))),
        *("--properties-file", str(private_file(folder / "spark.properties", options))),
    ]
    if role == "worker":
        argv += ["--cores", str(env.integer("SPARK_CORES"))]
        argv += ["--memory", f"{env.integer('SPARK_MEMORY_MB')}m"]
        argv += ["--work-dir", str(folder / "work"), settings.master]
    variables = {
        **environ,
        **java_environ(environ),
        "SPARK_HOME": str(home),
        # Also the address of the web UI, which would otherwise listen on every interface.
        "SPARK_LOCAL_IP": settings.host,
        "SPARK_LOCAL_DIRS": str(folder),
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_DAEMON_JAVA_OPTS": LOG_OPTION,
    }
    return argv, variables


def _closed_doors(secret: str) -> dict[str, str]:
    """Settings with which the web UI answers only who signs a token (JWS, HS256) with a key of the secret.

    Nobody needs it: Marathon asks the other port. A page of a web site could read it, or post to it. The
    master's REST server, which asks for no secret, would run programs for whoever reaches it.
    """
    key = base64.urlsafe_b64encode(hashlib.sha256(f"web UI {secret}".encode()).digest()).decode().rstrip("=")
    return {
        "spark.ui.filters": _WEB_FILTER,
        f"spark.{_WEB_FILTER}.param.secretKey": key,
        "spark.ui.killEnabled": "false",
        "spark.master.rest.enabled": "false",
        "spark.master.ui.decommission.allow.mode": "DENY",
    }
