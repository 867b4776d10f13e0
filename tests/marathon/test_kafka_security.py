"""Rendering and checks of `kafka.security`."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from marathon.bundle import render
from marathon.errors import Problem
from marathon.settings import Settings

SECRETS = "kafka.security.secrets=volatility/kafka"
FOLDER = "kafka.security.folder=~/kafka"


@pytest.mark.parametrize(
    ("protocol", "variable", "credential"),
    [("SSL", "KAFKA_KEY", "key"), ("SASL_SSL", "KAFKA_PASSWORD", "password")],
)
def test_every_program_logs_in_as_its_own_user_by_secrets(
    settings_of: Callable[..., Settings], protocol: str, variable: str, credential: str
) -> None:
    bundle = render(settings_of("prod", f"kafka.security.protocol={protocol}", SECRETS, FOLDER))
    users = {
        "data-generator": "generator",
        "gatherer": "gatherer",
        "flink-jobmanager": "gatherer",
        "flink-taskmanager": "gatherer",
        "dashboard": "dashboard",
    }
    assert bundle.apps.keys() == users.keys()
    definitions = [(bundle.apps[app].definition, user) for app, user in users.items()]
    definitions += [(job.definition["run"], "jobs") for job in bundle.jobs.values()]
    for definition, user in definitions:
        env, secrets = definition["env"], definition["secrets"]
        assert (env["KAFKA_SECURITY_PROTOCOL"], env["KAFKA_USER"]) == (protocol, user)
        source = secrets[env[variable]["secret"]]["source"]
        assert source == f"volatility/kafka/{user}-{credential}"
        assert secrets[env["KAFKA_CA"]["secret"]]["source"] == "volatility/kafka/ca"
        # Flink's token is still there.
        assert ("FLINK_TOKEN" in env) <= ("flink-token" in secrets)


def test_the_executors_of_a_standalone_cluster_can_log_in(settings_of: Callable[..., Settings]) -> None:
    security = ["kafka.security.protocol=SASL_SSL", SECRETS, FOLDER]
    spark = ["spark.standalone.enabled=true", "spark.secret=volatility/spark", "stores.disk=/mnt/store"]
    bundle = render(settings_of("prod", *security, *spark), with_parts=["spark"])
    worker, stream = (bundle.apps[name].definition for name in ("spark-worker", "stream-to-disk"))
    names = {name for name in stream["env"] if name.startswith("KAFKA_")} - {"KAFKA_BOOTSTRAP_SERVERS"}
    assert names and {name: worker["env"].get(name) for name in names} == {
        name: stream["env"][name] for name in names
    }
    assert worker["secrets"] == stream["secrets"]
    assert "KAFKA_PASSWORD" not in bundle.apps["spark-master"].definition["env"]


def test_what_logs_in_waits_for_its_rights(settings_of: Callable[..., Settings]) -> None:
    settings = settings_of("local", "kafka.security.protocol=SSL")
    bundle = render(settings, with_parts=["spark", "cassandra"])
    waiting = {name for name in bundle.apps if "access" in bundle.components[name].depends_on}
    # The gatherer waits, so what runs its job need not.
    flink = {"flink-jobmanager", "flink-taskmanager"}
    assert waiting == {name for name, app in bundle.apps.items() if "KAFKA_USER" in app.env} - flink
    assert {"source-system", "stream-to-disk"} < waiting


def test_the_package_gets_the_options_of_dcos(settings_of: Callable[..., Settings]) -> None:
    settings = settings_of("prod", "kafka.security.protocol=SSL", SECRETS, FOLDER)
    service = render(settings).packages["kafka"].options["service"]
    assert service["security"] == {
        "transport_encryption": {"enabled": True, "allow_plaintext": False},
        "kerberos": {"enabled": False},
        "ssl_authentication": {"enabled": True},
        "authorization": {
            "enabled": True,
            "super_users": "User:pipectl",
            "allow_everyone_if_no_acl_found": False,
        },
    }
    assert settings.names.bootstrap_servers == "broker-tls.kafka.l4lb.thisdcos.directory:9093"


def test_plaintext_changes_nothing(settings_of: Callable[..., Settings]) -> None:
    bundle = render(settings_of("prod"))
    assert "security" not in bundle.packages["kafka"].options["service"]
    assert "access" not in bundle.components
    everything = json.dumps([app.definition for app in bundle.apps.values()])
    assert "KAFKA_SECURITY" not in everything and "kafka-ca" not in everything


@pytest.mark.parametrize("folder", ["volatility/kafka", "/etc", "../kafka"])
def test_on_local_the_secrets_are_where_the_broker_looks(
    mistakes: Callable[..., list[Problem]], folder: str
) -> None:
    given = [f"kafka.security.secrets={folder}", "kafka.security.protocol=SSL"]
    (problem,) = mistakes("local", overrides=given)
    assert "kafka.security.secrets" in str(problem) and "in the folder kafka only" in str(problem)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ([FOLDER], "kafka.security.protocol: SSL needs the folder of the cluster's secrets"),
        ([SECRETS], "kafka.security.protocol: SSL needs the folder on this machine with pipectl's own login"),
    ],
)
def test_missing_settings_are_named(
    mistakes: Callable[..., list[Problem]], overrides: list[str], words: str
) -> None:
    given = ["flink.state=hdfs://n/v", *overrides, "kafka.security.protocol=SSL"]
    (problem,) = mistakes("prod", overrides=given)
    assert words in str(problem)
