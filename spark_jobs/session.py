"""The Spark session of a job: in a JVM of this process, alone or with a standalone cluster.

The JVM reads its settings from a file that only the user can read, so no secret is on a command line.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jvm.archive import archive_options
from jvm.compiler import LATE_C2
from jvm.jars import jars_of
from jvm.java import java_home
from kafka_topic.security import current
from spark_jobs.errors import MissingError
from spark_jobs.locked import KAFKA, LOCK, SPARK
from stores.webhdfs import USER
from task_runtime.environment import Environment
from task_runtime.errors import SettingsError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_HERE = Path(__file__).parent
LOG_OPTION = f"-Dlog4j2.configurationFile=file:{_HERE / 'log4j2.properties'}"
"""A Java option that makes Spark log warnings and errors to stderr."""
PROTECTED = {"spark.authenticate": "true", "spark.network.crypto.enabled": "true"}
"""For every Spark process: connections require the secret and are encrypted."""
_PARTITIONS = 4
_END_SECONDS = 60.0


@dataclass(frozen=True)
class SessionSettings:
    """Where and how a job runs.

    master: "local[*]" (in this process) or "spark://HOST:PORT". driver_memory: the size of the JVM's heap, in
    Java's notation. host: this machine's address, at which executors reach the driver. secret_file: the file
    with the cluster's shared secret; secret: the secret itself. A standalone master requires one of them.
    app_cores, app_memory_mb: cores and heap of the job's one executor on a standalone cluster; by default,
    the job takes all cores, with executors of Spark's default size.
    """

    master: str = "local[*]"
    driver_memory: str = "768m"
    host: str = "127.0.0.1"
    secret_file: Path | None = None
    secret: str | None = field(default=None, repr=False)
    app_cores: int | None = None
    app_memory_mb: int | None = None

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> SessionSettings:
        """SPARK_MASTER, SPARK_DRIVER_MEMORY, HOST, SPARK_SECRET_FILE, SPARK_SECRET, SPARK_APP_CORES and
        SPARK_APP_MEMORY_MB.
        """
        env = Environment(environ)
        secret = env.optional("SPARK_SECRET_FILE")
        return cls(
            env.text("SPARK_MASTER", cls.master),
            env.text("SPARK_DRIVER_MEMORY", cls.driver_memory),
            env.host,
            Path(secret) if secret else None,
            env.secret("SPARK_SECRET"),
            env.integer("SPARK_APP_CORES") if env.optional("SPARK_APP_CORES") else None,
            env.integer("SPARK_APP_MEMORY_MB") if env.optional("SPARK_APP_MEMORY_MB") else None,
        )


@contextmanager
def spark_session(name: str, settings: SessionSettings) -> Iterator[SparkSession]:
    """A session for the job `name`; its JVM ends with the block.

    Raises MissingError if Spark is not installed or does not start, SettingsError, and JvmError if Java or a
    jar is not available.
    """
    check_user()
    if importlib.util.find_spec("pyspark") is None:
        raise MissingError(f"Spark is not installed: run `{sys.executable} -m pip install pyspark=={SPARK}`")
    options = session_options(name, settings)
    with tempfile.TemporaryDirectory(prefix="spark-") as work:
        # Spark writes all its files to one folder.
        options["spark.driver.extraJavaOptions"] += f' "-Djava.io.tmpdir={work}"'
        # By default, Ivy's is in the user's home, and an image may run as a user without one.
        options["spark.jars.ivy"] = f"{work}/ivy"
        properties = private_file(Path(work) / "spark.properties", options)
        variables = {
            "PYSPARK_SUBMIT_ARGS": f"--properties-file {properties} pyspark-shell",
            "PYSPARK_PYTHON": sys.executable,
            "PYSPARK_DRIVER_PYTHON": sys.executable,
            "SPARK_LOCAL_IP": settings.host,
            "SPARK_LOCAL_DIRS": work,
            # Who reads HDFS.
            "HADOOP_USER_NAME": USER,
            **java_environ(),
            # The properties of Kafka's clients refer to these.
            **current().variables,
        }
        with _environ(variables):
            from pyspark.errors import PySparkRuntimeError
            from pyspark.sql import SparkSession

            try:
                session = SparkSession.builder.getOrCreate()
            except PySparkRuntimeError as error:
                raise MissingError(
                    f"Spark's JVM did not start; see its output above (it needs bash on PATH): {error}"
                ) from None
            finally:
                properties.unlink()
            try:
                yield session
            finally:
                _end(session)


def check_user() -> None:
    """Raise MissingError if the user of this process has no name, which Spark's Hadoop asks for."""
    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        raise MissingError(
            f"Spark does not start as user {os.getuid()}, who has no name here; run the image as its own "
            "user (10001) or as root"
        ) from None


def _end(session: SparkSession) -> None:
    """Stop the session, and wait for its JVM, which may write the archive of its classes."""
    from pyspark import SparkContext

    gateway: Any = SparkContext._gateway
    session.stop()
    # The next session of this process starts a JVM of its own.
    SparkContext._gateway = SparkContext._jvm = None
    gateway.shutdown()
    gateway.proc.stdin.close()
    try:
        gateway.proc.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        gateway.proc.kill()
        gateway.proc.wait()


@contextmanager
def _environ(variables: Mapping[str, str]) -> Iterator[None]:
    """Sets variables for Spark's start and its processes until the block ends."""
    before = dict(os.environ)
    os.environ.update(variables)
    # Otherwise, another Spark installation would be used instead of the package's.
    os.environ.pop("SPARK_HOME", None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def session_options(name: str, settings: SessionSettings) -> dict[str, str]:
    """Spark's settings by name."""
    jars = jars_of("SPARK_KAFKA_JARS", LOCK, KAFKA)
    java_options = (LOG_OPTION, *LATE_C2, *_archive())
    options = {
        "spark.app.name": name,
        "spark.master": settings.master,
        "spark.jars": ",".join(map(str, jars)),
        "spark.driver.memory": settings.driver_memory,
        "spark.driver.host": settings.host,
        "spark.driver.bindAddress": settings.host,
        "spark.driver.extraJavaOptions": " ".join(f'"{each}"' for each in java_options),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        **PROTECTED,
        "spark.sql.session.timeZone": "UTC",
        # A stream keeps its initial number; a batch uses fewer if there is little data.
        "spark.sql.shuffle.partitions": str(_PARTITIONS),
    }
    if not settings.master.startswith("local"):
        options["spark.authenticate.secret"] = secret_of(settings)
        if settings.app_cores is not None:
            # One executor, so that the memory of no other worker is taken.
            options |= dict.fromkeys(("spark.cores.max", "spark.executor.cores"), str(settings.app_cores))
        if settings.app_memory_mb is not None:
            options["spark.executor.memory"] = f"{settings.app_memory_mb}m"
    return options


def _archive() -> list[str]:
    """The options with which the driver's JVM loads, or writes, an archive of its classes."""
    java, spark = Path(java_environ()["SPARK_JAVA"]), importlib.util.find_spec("pyspark")
    if spark is None or not spark.submodule_search_locations:
        return []
    # Spark's scripts put them on the class path.
    jars = sorted(Path(spark.submodule_search_locations[0], "jars").glob("*.jar"))
    return archive_options(java.parents[1], jars, "org.apache.spark.deploy.SparkSubmit")


def java_environ(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables that make Spark's scripts find Java."""
    runtime = environ.get("SPARK_JAVA") or str(java_home(environ) / "bin" / "java")
    return {"JAVA_HOME": str(_HERE / "jre"), "SPARK_JAVA": runtime}


def secret_of(settings: SessionSettings) -> str:
    """The shared secret of a standalone cluster. Raises SettingsError."""
    if settings.secret is not None:
        return settings.secret
    if settings.secret_file is None:
        raise SettingsError(f"SPARK_SECRET or SPARK_SECRET_FILE is not set; {settings.master} requires it")
    try:
        secret = settings.secret_file.read_text().strip()
    except OSError as error:
        raise SettingsError(f"SPARK_SECRET_FILE={settings.secret_file}: {error.strerror}") from error
    if not secret:
        raise SettingsError(f"SPARK_SECRET_FILE={settings.secret_file} is empty")
    return secret


def private_file(path: Path, options: Mapping[str, str]) -> Path:
    """Write Spark's settings to a file that only the user can read."""
    path.touch(mode=0o600)
    lines = [f"{name}={value}\n".replace("\\", "\\\\") for name, value in options.items()]
    path.write_text("".join(lines))
    return path
