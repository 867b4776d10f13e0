"""A Flink with two slots, and the environment of a PyFlink client of it."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import broker  # noqa: F401 - first: it lets the next ones be found

from flink_scripts.files import LocalFiles
from flink_scripts.java_project import package_jar
from flink_scripts.settings import Environment
from flink_scripts.state import StateFolder
from flink_scripts.submit import client_options, job_options, submission_environ
from tests.gatherer.flink import Flink


def client(stack: ExitStack, folder: Path, servers: str, prefix: str) -> dict[str, str]:
    """Start Flink until the end of `stack`. Returns the environment of a process that submits jobs to it.

    TASKMANAGER_PID is the process that they run in.
    """
    flink = Flink(folder, slots=2)
    stack.callback(flink.stop)
    flink.environ["FLINK_JVM_OPTIONS"] = ""  # tests want JVMs that start fast, not ones that compute fast
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
