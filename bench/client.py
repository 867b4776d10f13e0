"""The Flink that a benchmark runs on, and the environment of a PyFlink client of it."""

from __future__ import annotations

import json
import os
import urllib.request
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from ssl import SSLContext
from typing import Any

import broker  # noqa: F401 - first: it lets the next ones be found
import lent

from flink_scripts.files import LocalFiles
from flink_scripts.java_project import package_jar
from flink_scripts.rest import Rest
from flink_scripts.settings import Environment
from flink_scripts.state import StateFolder
from flink_scripts.submit import client_options, job_options, submission_environ
from flink_scripts.tls import rest_context
from tests.gatherer.flink import Flink


def as_in_tests(stack: ExitStack, folder: Path) -> Flink:
    """A Flink with four slots, which starts fast and computes slowly, until the end of `stack`."""
    if lent.flink is not None:
        return lent.flink
    flink = Flink(folder)
    stack.callback(flink.stop)
    for role in ("jobmanager", "taskmanager"):
        flink.start(role)
    return flink


def client(stack: ExitStack, folder: Path, servers: str, prefix: str) -> dict[str, str]:
    """Start a Flink with two slots until the end of `stack`. Returns the environment of its clients.

    TASKMANAGER_PID is the process that they run in.
    """
    flink = lent.flink
    if flink is None:
        flink = Flink(folder, slots=2)
        stack.callback(flink.stop)
        # The tests' Flink starts fast and computes slowly. That is for a smoke run, which asks for it.
        flink.environ["FLINK_JVM_OPTIONS"] = os.environ.get("FLINK_JVM_OPTIONS", "")
        flink.start("jobmanager")
        flink.start("taskmanager", FLINK_MEMORY_MB="2304")
    environ = {
        **flink.environ,
        "FLINK_TOKEN": flink.token,
        "KAFKA_BOOTSTRAP_SERVERS": servers,
        "TOPIC_PREFIX": prefix,
        "JOB_NAME": "bench.gatherer",
        "TASKMANAGER_PID": str(flink.pid("taskmanager")),
    }
    env = Environment(environ)
    jar = package_jar("gatherer")
    state = StateFolder(env.state_uri, "bench", "bench", LocalFiles())
    options = client_options(env, job_options(env), state, "bench", jar)
    return submission_environ(env, options, folder, jar)


def cancel(job: str) -> None:
    """End a job, in a process with the environment that `client` returns."""
    Rest(os.environ["FLINK_JOBMANAGER_REST"], os.environ["FLINK_TOKEN"], timeout=30).cancel(job)


def ask(path: str) -> dict[str, Any]:
    """What the JobManager answers to a process with the environment that `client` returns."""
    token = os.environ["FLINK_TOKEN"]
    request = urllib.request.Request(
        f"https://{os.environ['FLINK_JOBMANAGER_REST']}{path}", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=60, context=_context(token)) as response:  # noqa: S310
        answer: dict[str, Any] = json.load(response)
        return answer


@cache
def _context(token: str) -> SSLContext:
    return rest_context(token)
