"""The scheduler of the MySQL service, which has one server."""

import os
from pathlib import Path

from local_dcos.home import HOME_MARK, Home
from local_dcos.mysql.jars import JARS
from local_dcos.mysql.server import MariaDbServer
from local_dcos.services import scheduler
from local_dcos.services.plan import Plan


def _scheduler() -> scheduler.Scheduler:
    home, name = Home(Path(os.environ[HOME_MARK])), os.environ["MYSQL_SERVICE_NAME"].replace("/", "_")
    server = MariaDbServer(
        home.mysql / name,
        home.secrets / f"{name}-password",
        int(os.environ.get("PORT_SQL", 0)),
        int(os.environ.get("MYSQL_BUFFER_MB", 64)),
        os.environ["MYSQL_DATABASE"],
    )
    return scheduler.Scheduler(server, JARS, Plan("server", "server-0:[mariadbd]"))


def main() -> None:
    """Runs the scheduler until a signal stops it or its server ends."""
    scheduler.main(_scheduler)
