"""The secrets of a secured Kafka on `local`, and pipectl's own login."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.errors import PipectlError
from cli.kafka_login import keep_kafka_secrets, login_to_kafka
from kafka_topic.security import Security
from marathon.kafka_security import USERS, KafkaSecurity


def security(protocol: str, folder: str | None = None) -> KafkaSecurity:
    return KafkaSecurity.model_validate({"protocol": protocol, "secrets": "kafka", "folder": folder})


def contents(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in folder.iterdir()}


def test_secrets_are_made_once_for_their_owner_only(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    keep_kafka_secrets(security("PLAINTEXT"), secrets)
    assert not secrets.exists()
    keep_kafka_secrets(security("SASL_SSL"), secrets)
    made = contents(secrets / "kafka")
    logins = {f"{user}-{kind}" for user in ("pipectl", *USERS) for kind in ("key", "password")}
    assert made.keys() == {"ca", "broker-key"} | logins
    assert len({made[name] for name in logins}) == len(logins)
    assert {file.stat().st_mode & 0o777 for file in (secrets / "kafka").iterdir()} == {0o600}
    assert "PRIVATE KEY" not in made["ca"]
    keep_kafka_secrets(security("SSL"), secrets)
    assert contents(secrets / "kafka") == made
    assert [*secrets.iterdir()] == [secrets / "kafka"]


@pytest.mark.parametrize("protocol", ["SSL", "SASL_SSL"])
def test_pipectl_logs_in_with_the_files(tmp_path: Path, protocol: str) -> None:
    keep_kafka_secrets(security(protocol), tmp_path)
    login = Security.from_environ(login_to_kafka(security(protocol), tmp_path))
    assert (login.protocol, login.user) == (protocol, "pipectl")
    assert bool(login.key) == (protocol == "SSL")
    elsewhere = login_to_kafka(security(protocol, str(tmp_path / "kafka")), None)
    assert Security.from_environ(elsewhere) == login
    assert login_to_kafka(security("PLAINTEXT"), tmp_path) == {}


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("in the way")
    with pytest.raises(PipectlError, match="cannot write the keys of Kafka"):
        keep_kafka_secrets(security("SSL"), tmp_path / "secrets")
