"""The brokers' addresses from newer and older Kafka services."""

import json
import os
import sys

import pytest

from cli.engine.dcos.engine import DcosEngine
from cli.engine.dcos.runner import Dcos
from cli.errors import NotLoggedIn, PipectlError

NEW = {
    "address": ["10.0.0.1:1025"],
    "dns": ["kafka-0-broker.kafka.autoip.dcos.thisdcos.directory:1025"],
    "vip": "v",
}
OLD = {"address": ["10.0.0.2:9092"], "zookeeper": "z", "dns": ["broker-0.kafka.mesos:9092"], "vip": "v"}
SCRIPT = """
import sys
if sys.argv[-1] == "broker" and {new!r}: print({new!r})
elif sys.argv[-1] == "connection" and {old!r}: print({old!r})
else: print({error!r}); sys.exit(1)
"""
USAGE = "dcos-kafka: error: expected command but got endpoints, try --help"


def cluster(tmp_path, new="", old="", error=USAGE):
    file = tmp_path / "dcos.py"
    file.write_text(SCRIPT.format(new=new, old=old, error=error))
    return DcosEngine(Dcos((sys.executable, str(file)), os.environ, pause=0.01))


def test_a_new_service_is_asked_for_its_broker_endpoint(tmp_path):
    assert cluster(tmp_path, new=json.dumps(NEW)).kafka.brokers("kafka") == ["10.0.0.1:1025"]


def test_an_old_service_is_asked_for_its_connection(tmp_path):
    assert cluster(tmp_path, old=json.dumps(OLD)).kafka.brokers("kafka") == ["10.0.0.2:9092"]


def test_names_are_used_where_there_are_no_addresses(tmp_path):
    only_dns = json.dumps({"dns": OLD["dns"]})
    assert cluster(tmp_path, old=only_dns).kafka.brokers("kafka") == OLD["dns"]


def test_a_missing_login_is_reported_and_not_taken_for_an_old_service(tmp_path):
    with pytest.raises(NotLoggedIn):
        cluster(tmp_path, old=json.dumps(OLD), error="Got 401 Unauthorized response").kafka.brokers("kafka")


@pytest.mark.parametrize("answer", ["hello", "[]", "{}"])
def test_an_answer_without_addresses_is_named(tmp_path, answer):
    with pytest.raises(PipectlError, match="no broker endpoint"):
        cluster(tmp_path, new=answer).kafka.brokers("kafka")
