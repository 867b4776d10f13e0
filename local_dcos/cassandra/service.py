"""The scheduler of the Cassandra service, which has one node."""

import os
from pathlib import Path

from local_dcos.cassandra.jars import JARS
from local_dcos.cassandra.node import CassandraNode
from local_dcos.home import HOME_MARK, Home
from local_dcos.services import scheduler
from local_dcos.services.plan import Plan


def _scheduler() -> scheduler.Scheduler:
    home, name = Home(Path(os.environ[HOME_MARK])), os.environ["CASSANDRA_SERVICE_NAME"].replace("/", "_")
    node = CassandraNode(
        home.cassandra / name,
        home.secrets / f"{name}-password",
        int(os.environ.get("PORT_CQL", 0)),
        int(os.environ.get("CASSANDRA_HEAP_MB", 384)),
    )
    return scheduler.Scheduler(node, JARS, Plan("node", "node-0:[server]"))


def main() -> None:
    """Runs the scheduler until a signal stops it or its node ends."""
    scheduler.main(_scheduler)
