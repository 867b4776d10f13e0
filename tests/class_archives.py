"""Makes the archives of classes with which the tests' Kafka, Flink and Spark start faster, if there are none.

python -m tests.class_archives
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from flink_scripts.processes import JOBMANAGER, TASKMANAGER, class_path
from flink_scripts.settings import Environment
from jvm.archive import archive_options
from jvm.java import java_home
from local_dcos.kafka.jars import JARS
from spark_jobs.session import SessionSettings, session_options, spark_session
from tests.conftest import Broker
from tests.gatherer.flink import Flink, wait_until


def _missing(class_path: list[str] | list[Path], main_class: str) -> bool:
    return any("AtExit" in option for option in archive_options(java_home(), class_path, main_class))


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="archives-") as folder:
        if _missing(JARS.fetch(), "kafka.Kafka"):
            broker = Broker(Path(folder))
            broker.start()
            broker.topics()
            broker.stop()
        jars = class_path(Environment({**os.environ, "FLINK_STATE": f"file://{folder}"}))
        if _missing(jars, JOBMANAGER) or _missing(jars, TASKMANAGER):
            flink = Flink(Path(folder) / "flink")
            flink.start("jobmanager")
            flink.start("taskmanager")
            try:
                wait_until(lambda: (flink.rest("/overview") or {}).get("slots-total"), "a TaskManager")
            finally:
                flink.stop()
        if "AtExit" in session_options("archive", SessionSettings())["spark.driver.extraJavaOptions"]:
            with spark_session("archive", SessionSettings(master="local[2]")) as session:
                session.range(10).selectExpr("id % 2 AS half", "id * 0.5 AS value").createTempView("numbers")
                found = session.sql("SELECT half, stddev(value) FROM numbers GROUP BY half ORDER BY half")
                found.write.parquet(f"{folder}/found")
                session.read.parquet(f"{folder}/found").collect()


if __name__ == "__main__":
    main()
