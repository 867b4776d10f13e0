"""Sinks on a broker that takes TLS only and asks for logins: they write, or say why they may not."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from stores.disk import DiskStore
from tests.ports import free_ports
from tests.secured_kafka import SecuredKafka
from tests.stores.sinks.secured import CENSUS, SECONDS, broker, health, started, until, write
from tests.stores.sinks.test_sink import counts

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    with broker(tmp_path_factory.mktemp("secured")) as made:
        yield made


def ended(process: subprocess.Popen[str], code: int, *secrets: str) -> str:
    """What a program has said, which is none of these secrets."""
    said, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == code, said
    assert "Traceback" not in said
    assert not any(secret in said for secret in secrets)
    return said


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"KAFKA_PASSWORD": "not-the-password"}, "refuses the login of the user jobs: the password is wrong"),
        ({"GROUP": "other.sink"}, "does not allow this to jobs: "),
        ({"TOPIC_PREFIX": "elsewhere."}, "topic elsewhere.movingaverage does not exist"),
    ],
    ids=["password", "group", "topic"],
)
def test_a_sink_that_may_not_says_why(secured, tmp_path, changes, reason):
    sink = started(secured, tmp_path, **changes)
    assert reason in ended(sink, 1, secured.passwords["jobs"], "not-the-password")
    assert counts(DiskStore(tmp_path)) == []


def test_the_census_comes_once_or_says_why_not(secured, tmp_path):
    census = ("data_generator.sources.census", "--topic", CENSUS)
    refused = ended(started(secured, tmp_path, *census, KAFKA_PASSWORD="wrong-one"), 1, "wrong-one")
    assert f"cannot read what is in {CENSUS}: Kafka at" in refused
    assert "refuses the login of the user jobs: the password is wrong" in refused
    for wrote in (255, 0):
        assert f"this run wrote {wrote}" in ended(started(secured, tmp_path, *census), 0)


def test_a_sink_writes_each_record_to_a_disk_once(secured, tmp_path):
    [port] = free_ports(1)
    store, password = DiskStore(tmp_path), secured.passwords["jobs"]
    app = started(secured, tmp_path, "stores.sinks", PORT0=str(port))
    try:
        until(lambda: counts(store) == list(range(90)), "90 records in the store")
        assert health(port) == (200, None)
    finally:
        app.terminate()
    ended(app, 0, password)
    write(secured, 90, 120)
    assert "wrote 30 records" in ended(started(secured, tmp_path), 0, password)
    assert counts(store) == list(range(120))
