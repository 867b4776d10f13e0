"""What listens on the machine while a bundle runs."""

import psutil
import pytest

from tests import memory, strangers
from tests.strangers import listening

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]


def test_every_process_listens_on_loopback_only(pipectl, bundle):
    processes = pipectl.processes()
    (taskmanager,) = (p for p in processes if "TaskManagerRunner" in " ".join(p.cmdline()))
    ports = [each for each in taskmanager.net_connections("tcp") if each.status == psutil.CONN_LISTEN]
    assert len(ports) >= 2
    by_process = {
        " ".join(p.cmdline())[:200]: {address.removeprefix("::ffff:") for address, _ in listening(p)}
        for p in processes
    }
    assert sum(map(bool, by_process.values())) >= 6
    workers = {name: found for name, found in by_process.items() if "gatherer.worker" in name}
    assert workers and not any(workers.values()), workers
    elsewhere = {name: found for name, found in by_process.items() if not found <= {"127.0.0.1", "::1"}}
    assert elsewhere == {}


def test_every_http_port_refuses_foreign_names_and_strangers(pipectl, bundle):
    ports = {port for process in pipectl.processes() for _, port in listening(process)}
    # Agent, Kafka's scheduler, Flink, page, generator, gatherer.
    assert len(strangers.serving_only_who_may(ports)) >= 6


@pytest.mark.long
def test_the_http_ports_of_hdfs_and_spark_refuse_them_too(pipectl_elsewhere):
    memory.need(memory.BUNDLE_MB + memory.STANDALONE_MB, "a bundle with Spark and HDFS")
    user = pipectl_elsewhere
    user.run("deploy", "--yes", "--with", "spark", "--with", "hdfs", "--set=spark.standalone.enabled=true")
    header = (user.home / "cluster" / "secrets" / "hdfs-header").read_text().strip()
    ports = {}
    for process in user.processes():
        try:
            words = " ".join(process.cmdline())
        except psutil.Error:
            continue  # it has just ended
        assert header not in words
        for name in ("NameNode", "DataNode", "deploy.master.Master", "deploy.worker.Worker", ""):
            if name in words:
                ports.setdefault(name, set()).update(port for _, port in listening(process))
    served = strangers.serving_only_who_may(ports[""])
    # RPC of HDFS answers HTTP with an explanation. The data node has two web servers.
    count = {"NameNode": 2, "DataNode": 3, "deploy.master.Master": 1, "deploy.worker.Worker": 1}
    assert {name: len(ports[name] & served) for name in count} == count
    logs = [file for file in (user.home / "cluster" / "sandboxes").rglob("std*") if file.is_file()]
    assert logs and not [file for file in logs if header.encode() in file.read_bytes()]


def test_flinks_token_is_on_no_command_line_and_only_its_owner_reads_it(pipectl, bundle):
    file = pipectl.home / "cluster" / "secrets" / "flink-token"
    token = file.read_text().strip()
    assert (len(token), file.stat().st_mode & 0o777) == (64, 0o600)
    for process in pipectl.processes():
        try:
            assert token not in " ".join(process.cmdline())
        except psutil.Error:
            continue  # it has just ended
    logs = [file for file in (pipectl.home / "cluster" / "sandboxes").rglob("std*") if file.is_file()]
    assert logs
    assert not [file for file in logs if token.encode() in file.read_bytes()]
