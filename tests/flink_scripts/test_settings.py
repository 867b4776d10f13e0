"""Reading the task's environment."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from flink_scripts.__main__ import main
from flink_scripts.config import LOG4J_FILE, write_config
from flink_scripts.connectors import connector_jars
from flink_scripts.java import flink_jars
from flink_scripts.memory import jobmanager_memory, taskmanager_memory
from flink_scripts.processes import command, jobmanager_options, taskmanager_options
from flink_scripts.settings import Environment, file_uri, local_path
from jvm.errors import JarError

WORK = Path("/sandbox")
BASE = {
    "FLINK_JOBMANAGER_RPC": "jm.example:6123",
    "FLINK_JOBMANAGER_REST": "jm.example:8081",
    "FLINK_STATE": "file:///shared/flink/",
    "PORT_RPC": "31001",
    "PORT_REST": "31002",
    "PORT_DATA": "31003",
}


def test_advertised_and_bound_addresses_differ() -> None:
    env = Environment({**BASE, "HOST": "10.0.0.7"})
    manager = jobmanager_options(env, jobmanager_memory(1024), WORK)
    assert manager["jobmanager.rpc.address"] == manager["rest.address"] == "jm.example"
    assert (manager["jobmanager.rpc.port"], manager["jobmanager.rpc.bind-port"]) == ("6123", "31001")
    assert (manager["rest.port"], manager["rest.bind-port"]) == ("8081", "31002")
    assert manager["jobmanager.bind-host"] == manager["rest.bind-address"] == "0.0.0.0"  # noqa: S104
    worker = taskmanager_options(env, taskmanager_memory(1536, 1, 256), Path("/sandbox"))
    assert (worker["taskmanager.host"], worker["taskmanager.bind-host"]) == ("10.0.0.7", "0.0.0.0")  # noqa: S104
    assert (worker["taskmanager.rpc.port"], worker["taskmanager.data.port"]) == ("31001", "31003")
    assert worker["execution.checkpointing.dir"] == "file:///shared/flink/checkpoints"


def test_every_flink_process_reaches_the_same_store(tmp_path: Path) -> None:
    store = {"FLINK_S3_ENDPOINT": "http://minio:9000", "FLINK_S3_PATH_STYLE": "true"}
    env = Environment({**BASE, **store})
    options = {"s3.endpoint": "http://minio:9000", "s3.path.style.access": "true"}
    manager = jobmanager_options(env, jobmanager_memory(1024), WORK)
    worker = taskmanager_options(env, taskmanager_memory(1536, 1, 256), tmp_path)
    assert options.items() <= manager.items() and options.items() <= worker.items()
    plain = jobmanager_options(
        Environment({**BASE, "FLINK_S3_PATH_STYLE": "false"}), jobmanager_memory(1024), WORK
    )
    assert not options.keys() & plain.keys()


def test_on_loopback_nothing_listens_elsewhere() -> None:
    env = Environment({**BASE, "HOST": "127.0.0.1"})
    assert jobmanager_options(env, jobmanager_memory(1024), WORK)["jobmanager.bind-host"] == "127.0.0.1"
    assert (
        taskmanager_options(env, taskmanager_memory(1536, 1, 256), Path("/s"))["taskmanager.bind-host"]
        == "127.0.0.1"
    )


def test_local_path() -> None:
    assert local_path("file:///a b/100%20 #1?") == Path("/a b/100%20 #1?")
    assert local_path(file_uri(Path("/a b/%"))) == Path("/a b/%")
    assert local_path("/plain") == Path("/plain")
    assert local_path("s3://bucket/flink") is None


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err


def test_a_missing_variable_ends_with_its_name(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FLINK_JOBMANAGER_RPC", raising=False)
    assert main(["jobmanager"]) == 2
    assert "FLINK_JOBMANAGER_RPC is not set" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TOPIC_RETENTION_MS", "prices=7d"),
        ("TOPIC_PREFIX", "a b."),
        ("TOPIC_ALLOW_RETENTION_DECREASE", "yes"),
    ],
)
def test_settings_of_topics_that_cannot_work_are_named(
    name: str, value: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setenv(name, value)
    assert main(["job", "gatherer"]) == 2
    assert f"{name}={value}: " in capsys.readouterr().err


def test_connector_of_an_image(tmp_path: Path) -> None:
    jar = tmp_path / "connector.jar"
    jar.write_bytes(b"cut off")
    with pytest.raises(JarError, match=r"connector\.jar"):
        connector_jars({"FLINK_CONNECTOR_JARS": str(jar)})


def test_connector_without_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("M2_REPO", raising=False)
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    with pytest.raises(JarError, match="connect to the network once"):
        connector_jars({})


def test_loggers_that_are_kept_quiet_exist(tmp_path: Path) -> None:
    write_config(tmp_path, {})
    lines = (tmp_path / LOG4J_FILE).read_text().splitlines()
    settings = dict(line.split(" = ") for line in lines if " = " in line)
    loggers = {key.split(".")[1] for key in settings if key.startswith("logger.")}
    names = {settings[f"logger.{logger}.name"] for logger in loggers}
    assert {settings[f"logger.{logger}.level"] for logger in loggers} == {"WARN", "ERROR"}
    assert settings["logger.metrics.name"] == "org.apache.flink.metrics.MetricGroup"
    assert len(names) == len(loggers)
    found: set[str] = set()
    for jar in (*flink_jars(), *connector_jars({})):
        with zipfile.ZipFile(jar) as archive:
            inside = archive.namelist()
        for name in names - found:
            path = name.replace(".", "/")
            if any(entry in (f"{path}.class", f"{path}/") for entry in inside):
                found.add(name)
    assert found == names


def test_hadoop_is_left_out_where_the_state_is_in_a_folder(tmp_path: Path) -> None:
    hadoop = {"HADOOP_CLASSPATH": "/jars/hadoop/*", "HADOOP_CONF_DIR": "/etc/hadoop"}

    def class_path(state: str) -> str:
        env = Environment({**BASE, **hadoop, "FLINK_STATE": state})
        argv = command("Main", env, jobmanager_memory(1024), tmp_path)
        return argv[argv.index("-cp") + 1]

    assert "/jars/hadoop" not in class_path("file:///state")
    assert "/etc/hadoop" not in class_path("file:///state")
    assert class_path("hdfs://node/state").endswith(":/jars/hadoop/*:/etc/hadoop")
