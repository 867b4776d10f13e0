"""What the jobs say about settings that can't be used; none of it starts Spark."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

import spark_jobs
from spark_jobs.__main__ import main
from spark_jobs.errors import MissingError
from spark_jobs.session import SessionSettings, check_user, java_environ, session_options
from task_runtime.errors import SettingsError


@pytest.fixture
def run(monkeypatch):
    """Runs the program without the variables that it reads; returns its exit code and its last line."""
    for name in ("KAFKA_BOOTSTRAP_SERVERS", "STORE"):
        monkeypatch.delenv(name, raising=False)

    def run(*args: str) -> tuple[int, str]:
        done = CliRunner().invoke(main, list(args))
        return done.exit_code, done.stderr.splitlines()[-1]

    return run


def test_what_is_missing_is_named(run, tmp_path):
    assert run("report") == (
        2,
        "spark_jobs: no brokers: set --bootstrap-servers or KAFKA_BOOTSTRAP_SERVERS",
    )
    assert run("report", "--from", "disk") == (2, "spark_jobs: no store: set --store disk:FOLDER or STORE")
    stream = ("stream", "--flow", "prices", "--bootstrap-servers", "h:1")
    assert run(*stream, "--store", f"tape:{tmp_path}") == (
        2,
        f"spark_jobs: store 'tape:{tmp_path}': use disk:FOLDER, hdfs:HOST:PORT/FOLDER, "
        "cassandra:HOST:PORT/KEYSPACE or mysql:HOST:PORT/DATABASE",
    )
    code, said = run(*stream, "--store", f"disk:{tmp_path}", "--window", "soon")
    assert code == 2 and said.startswith("spark_jobs: --window: 'soon' is not the length of a window")


def test_without_spark_the_next_step_is_named(run, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    code, said = run("report", "--bootstrap-servers", "h:1")
    assert code == 1 and "Spark is not installed: run `" in said and "pip install pyspark==4.2.0`" in said


def test_a_standalone_cluster_needs_a_secret(tmp_path, monkeypatch):
    monkeypatch.setattr("spark_jobs.session.jars_of", lambda variable, lock, coordinates: [])
    cluster = SessionSettings("spark://h:7077", host="10.0.0.7")
    with pytest.raises(SettingsError, match="SPARK_SECRET or SPARK_SECRET_FILE is not set"):
        session_options("a", cluster)
    file = tmp_path / "secret"
    with pytest.raises(SettingsError, match="secret: No such file"):
        session_options("a", SessionSettings("spark://h:7077", secret_file=file))
    file.write_text(" \n")
    with pytest.raises(SettingsError, match="is empty"):
        session_options("a", SessionSettings("spark://h:7077", secret_file=file))
    file.write_text("hush\n")
    options = session_options("a", SessionSettings("spark://h:7077", host="10.0.0.7", secret_file=file))
    assert options["spark.authenticate.secret"] == "hush" and options["spark.driver.host"] == "10.0.0.7"
    assert "spark.authenticate.secret" not in session_options("a", SessionSettings())
    assert "spark.cores.max" not in options


def test_a_job_leaves_the_rest_of_a_standalone_cluster_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spark_jobs.session.jars_of", lambda variable, lock, coordinates: [])
    share = {"SPARK_APP_CORES": "1", "SPARK_APP_MEMORY_MB": "512"}
    settings = SessionSettings.from_environ({"SPARK_MASTER": "spark://h:7077", "SPARK_SECRET": "s", **share})
    options = session_options("a", settings)
    assert (options["spark.cores.max"], options["spark.executor.cores"]) == ("1", "1")
    assert options["spark.executor.memory"] == "512m"


def test_settings_of_the_environment():
    assert SessionSettings.from_environ({}) == SessionSettings("local[*]", "768m", "127.0.0.1", None)
    given = {"SPARK_MASTER": "m", "SPARK_DRIVER_MEMORY": "1g", "HOST": "h", "SPARK_SECRET_FILE": "/s"}
    assert SessionSettings.from_environ(given) == SessionSettings("m", "1g", "h", Path("/s"))


def test_java_starts_without_the_module_that_a_small_runtime_lacks(tmp_path):
    """And all else arrives as it was given."""
    real = tmp_path / "java"
    real.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    real.chmod(0o755)
    environ = {**os.environ, **java_environ({"SPARK_JAVA": str(real)})}
    wrapper = Path(environ["JAVA_HOME"]) / "bin" / "java"
    assert wrapper.is_relative_to(Path(spark_jobs.__file__).parent) and wrapper.stat().st_mode & stat.S_IXUSR
    given = ["-cp", "a b:*", "--add-modules=jdk.incubator.vector", "", "$HOME", "-Dx='y'", "Main"]
    said = subprocess.run([wrapper, *given], env=environ, capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == ["-cp", "a b:*", "", "$HOME", "-Dx='y'", "Main"]


def test_a_user_without_a_name_is_told_so(monkeypatch):
    check_user()
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    with pytest.raises(MissingError, match="user 54321, who has no name here; run the image as its own user"):
        check_user()
