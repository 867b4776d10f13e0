"""JobManager and TaskManager as foreground processes.

The Python process becomes the JVM (`exec`): Marathon's signals, exit code and memory figures are the JVM's
own, and none of the distribution's shell scripts, which run more JVMs first, is needed.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from flink_scripts.config import LOG4J_FILE, work_folder, write_config
from flink_scripts.connectors import connector_jars
from flink_scripts.java import flink_jars, java_home, module_options, python_jars
from flink_scripts.memory import Memory, jobmanager_memory, taskmanager_memory
from flink_scripts.settings import Environment, local_path
from flink_scripts.stores import store_options

_JOBMANAGER = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
_TASKMANAGER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
_SERIAL_GC_BELOW_MB = 1792  # the heap at which the JVM itself starts to prefer G1 is about this size


def jobmanager_options(env: Environment, memory: Memory) -> dict[str, str]:
    """The JobManager's config.yaml."""
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
        # TaskManagers are told the port that it is bound to: behind a VIP, both have one number.
        "blob.server.port": str(env.integer("PORT_BLOB", 0, minimum=0)),
        "web.submit.enable": "false",  # nobody uploads jars: jobs come as job graphs
        "web.cancel.enable": "false",  # the submitter stops jobs, with a savepoint
        # A TaskManager that can't be reached three times in a row is lost. One that is silent (a frozen
        # process, a lost machine) has longer, but less than the job's restart attempts.
        "heartbeat.interval": "1 s",
        "heartbeat.rpc-failure-threshold": "3",
        "heartbeat.timeout": "20 s",
        # The job runs on the slots there are, up to its parallelism: it takes up new ones by itself, and
        # goes on with what is left, each time from its newest checkpoint. The times are how long it waits
        # for more slots to come, and between two such changes.
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
        "io.tmp.dirs": str(_folder_without_spaces(work)),
        # Wait for a JobManager as long as it takes, and look for it often: it may start after us.
        "taskmanager.registration.timeout": "240 d",  # more than 248 d is too much for Pekko's scheduler
        "cluster.registration.initial-timeout": "100 ms",
        "cluster.registration.max-timeout": "2 s",
        "cluster.registration.error-delay": "1 s",
        "cluster.registration.refused-registration-delay": "1 s",
        # A TaskManager learns of its JobManager's end by this alone. 30 busy processes on 2 cores don't delay
        # a heartbeat by 3 s; a process that stands still for 8 s costs a restart of the job.
        "heartbeat.interval": "1 s",
        "heartbeat.timeout": "8 s",
        # The slot is kept that long for the old job, whose JobManager never comes back, while the new one
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


def command(main_class: str, env: Environment, memory: Memory, conf: Path) -> list[str]:
    """The java command line of a Flink process that reads its configuration from `conf`."""
    collector = "-XX:+UseSerialGC" if memory.heap < _SERIAL_GC_BELOW_MB else "-XX:+UseG1GC"
    return [
        str(java_home() / "bin" / "java"),
        *memory.jvm_options(),
        collector,
        "-Xshare:auto",
        "-XX:+ExitOnOutOfMemoryError",
        *module_options(),
        f"-Dlog4j.configurationFile={(conf / LOG4J_FILE).as_uri()}",
        "-cp",
        os.pathsep.join(
            filter(
                None,
                [*map(str, [*flink_jars(), *python_jars(), *connector_jars(env.variables)]), *_hadoop(env)],
            )
        ),
        main_class,
        "--configDir",
        str(conf),
    ]


def _hadoop(env: Environment) -> list[str]:
    """Where hdfs lies and what it needs, as Flink's own scripts read it.

    Nothing when the state is in a folder: Hadoop refuses to start for a user without an entry in passwd.
    """
    if local_path(env.state_uri) is not None:
        return []
    return [env.variables.get(name, "") for name in ("HADOOP_CLASSPATH", "HADOOP_CONF_DIR")]


def run_jobmanager(env: Environment) -> None:
    """Become a JobManager. Returns only by raising."""
    memory = jobmanager_memory(env.integer("FLINK_MEMORY_MB", 1024))
    conf = work_folder(env.variables).absolute() / "conf"
    write_config(conf, jobmanager_options(env, memory))
    _become(command(_JOBMANAGER, env, memory, conf))


def run_taskmanager(env: Environment) -> None:
    """Become a TaskManager. Returns only by raising."""
    memory = taskmanager_memory(env.integer("FLINK_MEMORY_MB", 1792), env.integer("FLINK_SLOTS", 1))
    work = work_folder(env.variables).absolute()
    write_config(work / "conf", taskmanager_options(env, memory, work))
    os.environ.update(_worker_environ(os.environ))
    _become(command(_TASKMANAGER, env, memory, work / "conf"))


def _worker_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """What Python's workers need: the script that starts them bash and tee, wherever PATH leads, and they
    themselves a way to the JVM beside them, whatever proxy is set.
    """
    near = ("localhost", "127.0.0.1")
    direct = {name: ",".join(filter(None, [environ.get(name), *near])) for name in ("no_proxy", "NO_PROXY")}
    return {"PATH": os.pathsep.join(filter(None, [environ.get("PATH"), os.defpath])), **direct}


def _folder_without_spaces(work: Path) -> Path:
    """`work`, or a new temporary folder: the script that starts Python's workers can't take a space."""
    return work if not any(map(str.isspace, str(work))) else Path(tempfile.mkdtemp(prefix="flink-"))


def _become(argv: list[str]) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(argv[0], argv)  # noqa: S606
