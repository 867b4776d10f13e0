"""JobManager and TaskManager as foreground processes.

The Python process becomes the JVM (`exec`), so Marathon's signals, exit code and memory figures are the JVM's
own. The distribution's shell scripts, which run more JVMs first, are not needed.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from flink_scripts.config import LOG4J_FILE, work_folder, write_config
from flink_scripts.connectors import connector_jars
from flink_scripts.java import flink_jars, module_options
from flink_scripts.java_project import own_jar
from flink_scripts.memory import Memory, jobmanager_memory, taskmanager_memory
from flink_scripts.settings import Environment, local_path
from flink_scripts.stores import store_options
from flink_scripts.tls import JAVA_OPTION, internal_tls_options, rest_server_options
from flink_scripts.token import VARIABLE, flink_token
from jvm.archive import archive_options
from jvm.compiler import LATE_C2
from jvm.java import java_home
from kafka_topic.security import Security

JOBMANAGER = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
TASKMANAGER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
# It only coordinates. With the first tier of the compiler alone it starts with half of the CPU time.
_JOBMANAGER_FLAG = "-XX:TieredStopAtLevel=1"
_SERIAL_GC_BELOW_MB = 1792  # the heap at which the JVM itself starts to prefer G1 is about this size


def jobmanager_options(env: Environment, memory: Memory, work: Path) -> dict[str, str]:
    """The JobManager's config.yaml. work: where its files go."""
    rpc, rest = env.address("FLINK_JOBMANAGER_RPC"), env.address("FLINK_JOBMANAGER_REST")
    return {
        "jobmanager.rpc.address": rpc.host,
        "jobmanager.rpc.port": str(rpc.port),
        "jobmanager.rpc.bind-port": str(env.integer("PORT_RPC", rpc.port)),
        "jobmanager.bind-host": env.bind_host,
        "rest.address": rest.host,
        "rest.port": str(rest.port),
        "rest.bind-port": str(env.integer("PORT_REST", rest.port)),
        "rest.bind-address": env.bind_host,
        # TaskManagers are told the port that it is bound to, so behind a VIP both must be the same.
        "blob.server.port": str(env.integer("PORT_BLOB", 0, minimum=0)),
        "io.tmp.dirs": str(work),
        "web.tmpdir": str(work),
        "web.submit.enable": "false",  # jobs come as job graphs, not as uploaded jars
        "web.cancel.enable": "false",  # the submitter stops jobs, with a savepoint
        # A TaskManager is lost when three calls in a row fail. One that is silent (a frozen process, a lost
        # machine) has longer, but less than the job's restart attempts take.
        "heartbeat.interval": "1 s",
        "heartbeat.rpc-failure-threshold": "3",
        "heartbeat.timeout": "20 s",
        # The job runs on the slots there are, up to its parallelism. It uses new ones by itself and continues
        # on those that are left, each time from its newest checkpoint. The times are how long it waits for
        # more slots, and between two such changes.
        "jobmanager.scheduler": "adaptive",
        "jobmanager.adaptive-scheduler.submission.resource-wait-timeout": "240 d",
        "jobmanager.adaptive-scheduler.submission.resource-stabilization-timeout": "3 s",
        "jobmanager.adaptive-scheduler.executing.resource-stabilization-timeout": "3 s",
        "jobmanager.adaptive-scheduler.executing.cooldown-after-rescaling": "5 s",
        **_common_options(env),
        **memory.options,
    }


def taskmanager_options(env: Environment, memory: Memory, work: Path) -> dict[str, str]:
    """The TaskManager's config.yaml."""
    rpc = env.address("FLINK_JOBMANAGER_RPC")
    slots = env.integer("FLINK_SLOTS", 1)
    return {
        "jobmanager.rpc.address": rpc.host,
        "jobmanager.rpc.port": str(rpc.port),
        "taskmanager.host": env.host,
        "taskmanager.bind-host": env.bind_host,
        "taskmanager.rpc.port": str(env.integer("PORT_RPC", 0, minimum=0)),
        "taskmanager.data.port": str(env.integer("PORT_DATA", 0, minimum=0)),
        "taskmanager.data.bind-port": str(env.integer("PORT_DATA", 0, minimum=0)),
        "taskmanager.numberOfTaskSlots": str(slots),
        "taskmanager.cpu.cores": str(float(slots)),
        "io.tmp.dirs": str(work),
        # Retry often: the JobManager may start after us. If both open a connection to each other at the same
        # moment, Pekko may drop all messages on it for ever, so that a TaskManager never registers. It ends
        # then, and the cluster starts it again; so it does for a JobManager that is away.
        "taskmanager.registration.timeout": "1 min",
        "cluster.registration.initial-timeout": "100 ms",
        "cluster.registration.max-timeout": "2 s",
        "cluster.registration.error-delay": "1 s",
        "cluster.registration.refused-registration-delay": "1 s",
        # Only this tells a TaskManager that its JobManager is gone. 30 busy processes on 2 cores do not delay
        # a heartbeat by 3 s; a process that stands still for 8 s costs a restart of the job.
        "heartbeat.interval": "1 s",
        "heartbeat.timeout": "8 s",
        # The slot is reserved that long for the old job, whose JobManager never comes back, while the new one
        # waits for it. A job also has to take its slot within that time: with 35 busy processes on 2 cores,
        # 2 s were too short.
        "taskmanager.slot.timeout": "5 s",
        **_common_options(env),
        **memory.options,
    }


def _common_options(env: Environment) -> dict[str, str]:
    return {
        "execution.checkpointing.dir": f"{env.state_uri}/checkpoints",
        "execution.checkpointing.savepoint-dir": f"{env.state_uri}/savepoints",
        "state.backend.type": "hashmap",
        **store_options(env),
    }


def command(main_class: str, env: Environment, memory: Memory, conf: Path, *flags: str) -> list[str]:
    """The java command line of a Flink process that reads its configuration from `conf`."""
    collector = "-XX:+UseSerialGC" if memory.heap < _SERIAL_GC_BELOW_MB else "-XX:+UseG1GC"
    jars = class_path(env)
    return [
        str(java_home() / "bin" / "java"),
        *memory.jvm_options(),
        collector,
        *archive_options(java_home(), jars, main_class),
        *flags,
        *env.text("FLINK_JVM_OPTIONS", "").split(),
        "-XX:+ExitOnOutOfMemoryError",
        *module_options(),
        JAVA_OPTION,
        f"-Dlog4j.configurationFile={(conf / LOG4J_FILE).as_uri()}",
        "-cp",
        os.pathsep.join(jars),
        main_class,
        "--configDir",
        str(conf),
    ]


def class_path(env: Environment) -> list[str]:
    """The class path of JobManager and TaskManager."""
    jars = [own_jar(), *flink_jars(), *connector_jars(env.variables)]
    return [*map(str, jars), *filter(None, _hadoop(env))]


def _hadoop(env: Environment) -> list[str]:
    """What hdfs needs, from the variables that Flink's own scripts read.

    Nothing when the state is in a folder: Hadoop does not start for a user without an entry in passwd.
    """
    if local_path(env.state_uri) is not None:
        return []
    return [env.variables.get(name, "") for name in ("HADOOP_CLASSPATH", "HADOOP_CONF_DIR")]


def run_jobmanager(env: Environment) -> None:
    """Become a JobManager. Returns only by raising."""
    memory = jobmanager_memory(env.integer("FLINK_MEMORY_MB", 1024))
    work = work_folder(env.variables).absolute()
    options = jobmanager_options(env, memory, work)
    os.environ[VARIABLE] = token = flink_token(env.variables)
    # The job looks for topics in this process. Its properties refer to these variables.
    os.environ.update(Security.from_environ(env.variables).variables)
    conf = work / "conf"
    tls = {**internal_tls_options(token, conf), **rest_server_options(token, conf)}
    write_config(conf, {**options, **tls})
    _become(command(JOBMANAGER, env, memory, conf, _JOBMANAGER_FLAG))


def run_taskmanager(env: Environment) -> None:
    """Become a TaskManager. Returns only by raising."""
    memory = taskmanager_memory(
        env.integer("FLINK_MEMORY_MB", 1792),
        env.integer("FLINK_SLOTS", 1),
        env.integer("FLINK_PYTHON_MB", 256),
    )
    work = work_folder(env.variables).absolute()
    options = taskmanager_options(env, memory, work)
    tls = internal_tls_options(flink_token(env.variables), work / "conf")
    write_config(work / "conf", {**options, **tls})
    os.environ.update(Security.from_environ(env.variables).variables)
    os.environ.pop(VARIABLE, None)  # the Python processes of jobs need not know it
    _become(command(TASKMANAGER, env, memory, work / "conf", *LATE_C2))


def _become(argv: list[str]) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(argv[0], argv)  # noqa: S606
