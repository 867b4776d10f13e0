"""Submits a job: runs its module with a FLINK_CONF_DIR that says to which Flink, from which state."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from flink_scripts.config import LOG4J_FILE, write_config
from flink_scripts.connectors import connector_jars
from flink_scripts.java import flink_jars, module_options
from flink_scripts.java_project import own_jar
from flink_scripts.settings import Environment
from flink_scripts.state import StateFolder
from flink_scripts.stores import store_options
from flink_scripts.tls import rest_client_options
from flink_scripts.token import VARIABLE, flink_token
from jvm.java import java_home

_CONF = "submit-conf"
IDENTITY, SHAPE = "flink_scripts.identity", "flink_scripts.shape"

# The client's JVM lives for seconds, and spends most of them loading classes. Measured on 2 cores: 3.4 s
# without these flags, 3.0 s with them. Flink's own jars need no verification of their byte code.
_JVM_FLAGS = (
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-XX:+UnlockDiagnosticVMOptions",
    "-XX:-BytecodeVerificationRemote",
    "-Xms64m",
    "-Xmx256m",
)


def job_options(env: Environment) -> dict[str, str]:
    """The options of a job that come from the app's environment. They are part of the job's identity."""
    interval = env.seconds("FLINK_CHECKPOINT_SECONDS", 1.0)
    return {
        "pipeline.name": env.text("JOB_NAME"),
        "parallelism.default": str(env.integer("FLINK_PARALLELISM", 1)),
        # Keyed state can be redistributed up to this parallelism; Flink's choice would depend on the first
        # one.
        "pipeline.max-parallelism": "128",
        "execution.checkpointing.interval": f"{round(interval * 1000)} ms",
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "execution.checkpointing.num-retained": "2",
        # Back off while something is down, and give up after two minutes at least: Marathon then starts the
        # submitter again, which waits for what the job needs before it resumes. The longest delay is short,
        # because an outage costs that much beyond its end.
        "restart-strategy.type": "exponential-delay",
        "restart-strategy.exponential-delay.initial-backoff": "500 ms",
        "restart-strategy.exponential-delay.backoff-multiplier": "2.0",
        "restart-strategy.exponential-delay.max-backoff": "3 s",
        "restart-strategy.exponential-delay.jitter-factor": "0.1",
        "restart-strategy.exponential-delay.reset-backoff-threshold": "2 min",
        "restart-strategy.exponential-delay.attempts-before-reset-backoff": "40",
    }


def client_options(
    env: Environment, options: Mapping[str, str], state: StateFolder, identity: str, jar: Path | None
) -> dict[str, str]:
    """The client's config.yaml, except for the state to resume from. jar: the job's own classes."""
    rest = env.address("FLINK_JOBMANAGER_REST")
    return {
        **options,
        "execution.target": "remote",
        "execution.attached": "false",
        "rest.address": rest.host,
        "rest.port": str(rest.port),
        "execution.checkpointing.dir": state.checkpoints,
        "execution.checkpointing.savepoint-dir": state.savepoints,
        "pipeline.global-job-parameters": f"{IDENTITY}:{identity},{SHAPE}:{state.shape}",
        "env.java.opts.all": " ".join(module_options()),
        **({"pipeline.jars": jar.as_uri()} if jar else {}),
    }


def submission_id(options: Mapping[str, str], resume_from: str | None, known: Iterable[str]) -> str:
    """The id that the job gets.

    A submitter that is killed leaves its submitting process behind; its successor, in the same situation,
    comes to the same id, and the JobManager takes one job of an id only.
    """
    situation = json.dumps([sorted(options.items()), resume_from, sorted(known)])
    return hashlib.sha256(situation.encode()).hexdigest()[:32]


def start_submission(
    module: str,
    env: Environment,
    options: dict[str, str],
    resume_from: str | None,
    job_id: str,
    work: Path,
    jar: Path | None,
) -> subprocess.Popen[bytes]:
    """Start the submitting process in the folder `work`. Its output goes to ours. jar: the job's own classes.

    It runs in a process group of its own, so that its JVM can be killed with it.
    """
    options = {**options, "$internal.pipeline.job-id": job_id}
    if resume_from is not None:
        # The new job only reads the old one's snapshot, which this process prunes.
        options = {
            **options,
            "execution.state-recovery.path": resume_from,
            "execution.state-recovery.claim-mode": "NO_CLAIM",
        }
    environ = submission_environ(env, options, work, jar)
    argv = [sys.executable, "-m", "flink_scripts.gateway", module]
    return subprocess.Popen(argv, env=environ, start_new_session=True)


def submission_environ(
    env: Environment, options: Mapping[str, str], work: Path, jar: Path | None
) -> dict[str, str]:
    """The environment of a PyFlink client of the JobManager, else as `client_environ`."""
    token = flink_token(env.variables)
    tls = rest_client_options(token, work / _CONF)
    return client_environ(env, {**options, **tls}, work, jar) | {VARIABLE: token}


def client_environ(
    env: Environment, options: Mapping[str, str], work: Path, jar: Path | None = None
) -> dict[str, str]:
    """The environment of a PyFlink client with these options. Its files are written into `work`.

    jar: one more jar for the client's class path.
    """
    conf = work / _CONF
    write_config(conf, {**store_options(env), **options}, log_level="WARN", log_to="SYSTEM_ERR")
    return {
        **env.variables,
        "FLINK_HOME": str(flink_jars()[0].parent.parent),
        "FLINK_LIB_DIR": str(_library(work / "submit-lib", env.variables, jar)),
        "FLINK_CONF_DIR": str(conf),
        "FLINK_LOG_DIR": str(work),
        "LOG4J_PROPERTIES": str(conf / LOG4J_FILE),
        "JAVA_HOME": str(java_home(env.variables)),
        "JVM_ARGS": " ".join(_JVM_FLAGS),
    }


def state_environ(env: Environment, work: Path) -> dict[str, str]:
    """The environment of a process that calls Flink's file systems."""
    return client_environ(env, {"env.java.opts.all": " ".join(module_options())}, work / "state-client")


def _library(folder: Path, environ: Mapping[str, str], jar: Path | None) -> Path:
    """A folder of links to all jars of a client: PyFlink takes one folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for each in (own_jar(), *flink_jars(), *connector_jars(environ), *filter(None, [jar])):
        (folder / each.name).symlink_to(each.absolute())
    return folder
