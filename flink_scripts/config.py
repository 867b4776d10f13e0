"""The configuration folder that a Flink process or client reads: config.yaml and log4j-console.properties."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

LOG4J_FILE = "log4j-console.properties"

# One appender, to stdout: the sandbox keeps it. No monitorInterval: it costs a thread and a file check.
_LOG4J = """\
status = ERROR
rootLogger.level = {level}
rootLogger.appenderRef.console.ref = Console
appender.console.name = Console
appender.console.type = CONSOLE
appender.console.target = {target}
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{{yyyy-MM-dd HH:mm:ss,SSS}} %-5p %c{{1}} - %m%n
# These log several times a second, or one line for each setting of a client, and would bury what matters.
logger.kafka.name = org.apache.flink.kafka.shaded.org.apache.kafka
logger.kafka.level = WARN
logger.producer.name = org.apache.flink.connector.kafka.sink.internal.FlinkKafkaInternalProducer
logger.producer.level = WARN
logger.coordinator.name = org.apache.flink.runtime.source.coordinator.SourceCoordinator
logger.coordinator.level = WARN
# These log a line or two for each checkpoint, and one a second while a starting job cannot have any.
# CheckpointFailureManager warns of a checkpoint that failed.
logger.checkpoints.name = org.apache.flink.runtime.checkpoint.CheckpointCoordinator
logger.checkpoints.level = WARN
logger.failures.name = org.apache.flink.runtime.checkpoint.CheckpointFailureManager
logger.failures.level = WARN
logger.requests.name = org.apache.flink.runtime.checkpoint.CheckpointRequestDecider
logger.requests.level = WARN
logger.operators.name = org.apache.flink.runtime.operators.coordination.OperatorCoordinatorHolder
logger.operators.level = WARN
# At every checkpoint, the sink registers its metric pendingCommittables again, and is warned that it exists.
logger.metrics.name = org.apache.flink.metrics.MetricGroup
logger.metrics.level = ERROR
# This logs each setting of config.yaml three times.
logger.settings.name = org.apache.flink.configuration.GlobalConfiguration
logger.settings.level = WARN
# Every client warns of each attempt to reach a broker that is away. Ten lines are let through, then one in
# ten seconds.
logger.network.name = org.apache.flink.kafka.shaded.org.apache.kafka.clients.NetworkClient
logger.network.level = WARN
logger.network.filter.burst.type = BurstFilter
logger.network.filter.burst.level = WARN
logger.network.filter.burst.rate = 0.1
logger.network.filter.burst.maxBurst = 10
"""


def write_config(
    folder: Path, options: Mapping[str, str], *, log_level: str = "INFO", log_to: str = "SYSTEM_OUT"
) -> None:
    """Write `options` as config.yaml, and the log4j file, into `folder`, which is made when it is missing.

    Values are written as JSON strings, which are YAML strings whatever they contain. Only the owner may read
    config.yaml: options may be passwords.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "config.yaml"
    config.touch(mode=0o600)
    config.chmod(0o600)
    lines = [f"{key}: {json.dumps(value)}\n" for key, value in sorted(options.items())]
    config.write_text("".join(lines), encoding="utf-8")
    (folder / LOG4J_FILE).write_text(_LOG4J.format(level=log_level, target=log_to), encoding="utf-8")


def work_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder for a process's own files: the Mesos sandbox, or a new temporary folder outside Mesos."""
    sandbox = environ.get("MESOS_SANDBOX")
    return Path(sandbox) if sandbox else Path(tempfile.mkdtemp(prefix="flink-"))
