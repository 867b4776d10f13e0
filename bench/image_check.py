"""Builds the image and runs the bundle from it, without a Docker engine and without an image registry.

    sudo make image-check

On Debian, as root. A Debian of its own with Python takes the place of the Dockerfile's base. The
apps are those that `pipectl render` shows, as containers on the host's network, of a user that nobody knows,
without a home, on a read-only file system. A report and a stream run from the image with Spark, as its own
user, on prices that the other image writes. Prints sizes and times; ends with 1 when a position or a price is
missing. Everything is made in one temporary folder, which goes at the end, and on Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from broker import ROOT, broker  # first: it lets the next ones be found
from lent import ended_by_sigterm

from kafka_topic.plan import topic_plan
from stores.disk import DiskStore
from tests.ports import free_ports

PACKAGES = ("buildah", "podman", "runc", "containernetworking-plugins", "mmdebstrap")
TOOLS = ("buildah", "podman", "runc", "mmdebstrap")
POSITIONS = ("AAPL", "AMZN", "GOOG", "MSFT", "TSLA")
BASE = "localhost/debian-python:check"
IMAGE, SPARK_IMAGE = "localhost/pipectl:check", "localhost/pipectl-spark:check"
PRICES = 5000
NOBODY = 54321
OWN_USER = "10001:10001"
# Limits that podman would raise where that isn't allowed; health is looked at by systemd, which isn't needed.
RUN = (
    *("--network", "host", "--user", f"{NOBODY}:{NOBODY}", "--passwd=false", "--read-only"),
    *("--ulimit", "nofile=1024:4096", "--ulimit", "nproc=1024:2048", "--no-healthcheck"),
)
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
BUILD_SECONDS, RECORDS_SECONDS, JOB_SECONDS, END_SECONDS = 2400, 600, 300, 20


def missing() -> str | None:
    """Why this machine can't do it, and what to do; None when it can."""
    absent = [tool for tool in TOOLS if not shutil.which(tool)]
    if absent:
        install = f"apt-get install --no-install-recommends {' '.join(PACKAGES)}"
        return f"{', '.join(absent)} not found; on Debian: {install}"
    return None if os.geteuid() == 0 else "it needs root, for a Debian of its own: sudo make image-check"


def run(*argv: str | Path, seconds: float = 60) -> str:
    """Run a program to its end in a process group of its own, which ends with us. Returns its output."""
    process = subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, start_new_session=True,
    )  # fmt: skip
    try:
        output, _ = process.communicate(timeout=seconds)
    except BaseException as problem:
        _end(process)
        if isinstance(problem, subprocess.TimeoutExpired):
            raise SystemExit(f"{argv[0]} took more than {seconds} s") from None
        raise
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, argv))} failed:\n{output[-4000:]}")
    return output


def _end(process: subprocess.Popen[str]) -> None:
    """End a process group, hard after a while."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.communicate(timeout=END_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


class Engine:
    """buildah and podman with a store of their own in `folder`. options: podman's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._store = ("--root", folder / "store", "--runroot", folder / "run")
        self.options = (
            *self._store,
            *("--runtime", "runc", "--cgroup-manager", "cgroupfs", "--tmpdir", folder / "tmp"),
            *("--network-config-dir", folder / "networks"),
        )

    def buildah(self, *args: str | Path, seconds: float = 60) -> str:
        return run("buildah", *self._store, *args, seconds=seconds)

    def podman(self, *args: str | Path, seconds: float = 60) -> str:
        return run("podman", *self.options, *args, seconds=seconds)

    def build_base(self) -> None:
        """A Debian with Python, BASE, which takes the place of the Dockerfile's base."""
        context = self.folder / "base"
        context.mkdir()
        packages = "python3,python3-venv,ca-certificates"
        run(
            *("mmdebstrap", "--quiet", "--variant=minbase", f"--include={packages}", "bookworm"),
            context / "rootfs.tar",
            seconds=600,
        )
        # Python's `requests` has certificates of its own, unless it is told to use the system's.
        trust = f"ENV REQUESTS_CA_BUNDLE={CERTIFICATES}\n"
        (context / "Dockerfile").write_text(f"FROM scratch\nADD rootfs.tar /\n{trust}")
        self.buildah("bud", "--isolation", "chroot", "--quiet", "--tag", BASE, context, seconds=300)

    def build(self, name: str, *target: str) -> None:
        """The Dockerfile, from BASE. The build trusts whom this machine trusts; that stays out of the image.

        target: the options that choose a stage. A later build finds the stages of an earlier one.
        """
        mounts = [
            f"--volume={file}:{file}:ro" for file in (CERTIFICATES, Path("/etc/pip.conf")) if file.exists()
        ]
        self.buildah(
            *("bud", "--layers", "--isolation", "chroot", "--pull-never", "--format", "docker", *mounts),
            *("--from", BASE, *target, "--tag", name),
            ROOT,
            seconds=BUILD_SECONDS,
        )

    def size(self, name: str) -> float:
        """The size of an image, MB."""
        return int(self.podman("image", "inspect", "--format", "{{.Size}}", name).split()[-1]) / 1e6

    def start(self, name: str, app: dict[str, Any], state: Path) -> None:
        """Start an app as an agent would, for a user without an entry in passwd, and without a home."""
        wanted = [each["port"] for each in app["portDefinitions"]]
        ports = wanted if app["requirePorts"] else free_ports(len(wanted))
        volumes = app["container"].get("volumes", [])
        environ = {
            "HOST": "127.0.0.1",
            **{f"PORT{n}": str(port) for n, port in enumerate(ports)},
            **app["env"],
        }
        self.podman(
            *("run", "--detach", "--name", name, *RUN),
            *(f"--volume={each['hostPath']}:{each['containerPath']}:ro" for each in volumes),
            *(f"--volume={state}:{state}", *(f"--env={key}={value}" for key, value in environ.items())),
            *(IMAGE, "-u", "HOME", *app["args"]),
        )

    def check_running(self, names: list[str]) -> None:
        """Ends with the log of a container that has ended."""
        for name in names:
            if not self.podman("inspect", "--format", "{{.State.Running}}", name).endswith("true\n"):
                raise SystemExit(f"{name} has ended; its log ends:\n{self.logs(name)}")

    def logs(self, name: str) -> str:
        return self.podman("logs", "--tail", "40", name)

    def remove_all(self) -> None:
        """End every container and remove the store."""
        if (self.folder / "store").exists():
            # Removing a container that is just ending fails, so all are ended first.
            self.podman("stop", "--all", "--time", "5", seconds=120)
            self.podman("rm", "--all", "--force", seconds=120)
            self.buildah("rm", "--all", seconds=120)
            self.buildah("rmi", "--all", "--force", seconds=120)
            # Both mount this on itself, and may leave it so; the folder could not be removed.
            overlay = self.folder / "store" / "overlay"
            subprocess.run(["/usr/bin/umount", overlay], capture_output=True, check=False, timeout=60)


@contextmanager
def workplace() -> Iterator[Engine]:
    """An engine in a temporary folder; containers, images and folder go at the end."""
    folder = Path(tempfile.mkdtemp(prefix="image-check-"))
    folder.chmod(0o755)
    os.environ["TMPDIR"] = str(folder)  # what the tools leave when they are ended goes with it
    engine = Engine(folder)
    try:
        yield engine
    except SystemExit as problem:
        print(problem, flush=True)  # the clearing up may fail too
        raise
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the clearing up is not to be interrupted
        engine.remove_all()
        shutil.rmtree(folder)


def make_token(file: Path) -> None:
    """A token of Flink, in a file that only the user of the containers may read."""
    file.touch(mode=0o600)
    file.write_text(secrets.token_hex(32))
    os.chown(file, NOBODY, NOBODY)


def definitions(servers: str, state: Path, token: Path, results: Path) -> dict[str, dict[str, Any]]:
    """The apps' definitions, for this image and these Kafka brokers.

    state: where Flink keeps its state. token: the file with Flink's token. results: the store on disk.
    """
    rpc, rest = free_ports(2)
    settings = {
        "image": IMAGE,
        "positions": f"[{', '.join(POSITIONS)}]",
        "kafka.bootstrap_servers": servers,
        "flink.state": f"file://{state}",
        "flink.token": f"{{secret: null, file: {token}}}",
        "stores.disk": str(results),
        "flink.jobmanager.rpc_port": str(rpc),
        "flink.jobmanager.rest_port": str(rest),
    }
    changes = [f"--set={key}={value}" for key, value in settings.items()]
    shown = run(sys.executable, "-m", "cli", "render", "--cluster", "local", "--output", "json", *changes)
    apps: dict[str, dict[str, Any]] = json.loads(shown)
    return apps


def seconds_of(*argv: str, engine: Engine) -> float:
    """How long a container of the image takes from start to end."""
    began = time.monotonic()
    engine.podman("run", "--rm", *RUN, IMAGE, *argv)
    return time.monotonic() - began


def wait_for_records(kafka: Any, engine: Engine, names: list[str]) -> float:
    """Wait until every position has a record in `movingaverage`. Returns how long it took, seconds."""
    began = time.monotonic()
    while True:
        waited = time.monotonic() - began
        found = {message.key().decode() for message in kafka.records("movingaverage")}
        if found >= {*POSITIONS}:
            return waited
        engine.check_running(names)
        if waited > RECORDS_SECONDS:
            logs = "\n".join(f"--- {name}\n{engine.logs(name)}" for name in names)
            raise SystemExit(f"waited {waited:.0f} s for records of every position; found {found}\n{logs}")
        time.sleep(0.5)


def check_spark(engine: Engine, servers: str, results: Path) -> None:
    """A report and a stream in the image with Spark, on prices from the other image."""
    environ = [f"--env=KAFKA_BOOTSTRAP_SERVERS={servers}", "--env=TOPIC=prices", f"--env=COUNT={PRICES}"]
    store = [f"--volume={results}:{results}", f"--env=STORE=disk:{results}"]

    def printed(image: str, *argv: str) -> str:
        began = time.monotonic()
        # A later option replaces an earlier one. Spark needs a user with a name.
        user = ("--user", OWN_USER) if image == SPARK_IMAGE else ()
        said = engine.podman("run", "--rm", *RUN, *user, *environ, *store, image, *argv, seconds=JOB_SECONDS)
        print(f"        {time.monotonic() - began:6.1f} s for {' '.join(argv[2:])}", flush=True)
        return said

    printed(IMAGE, "python", "-m", "data_generator.sources.prices")
    report = printed(SPARK_IMAGE, "python", "-m", "spark_jobs", "report", "--topic", "prices")
    if f"messages: {PRICES}\n" not in report:
        raise SystemExit(f"the report does not count {PRICES} messages:\n{report[-4000:]}")
    stream = printed(SPARK_IMAGE, "python", "-m", "spark_jobs", "stream", "--flow", "prices", "--once")
    stored = {each.flow: each.rows for each in DiskStore(results).describe()}
    if stored.get("prices") != PRICES:
        raise SystemExit(f"the stream stored {stored}, not {PRICES} prices:\n{stream[-4000:]}")


def main() -> None:
    """Build, run, report."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    if (reason := missing()) is not None:
        print(f"skipped: {reason}")
        return
    os.environ["PYTHONPATH"] = str(ROOT)
    with ended_by_sigterm(), workplace() as engine:
        began = time.monotonic()
        engine.build_base()
        based = time.monotonic()
        print(f"base    {engine.size(BASE):6.0f} MB, made in {based - began:.0f} s", flush=True)
        engine.build(IMAGE)
        built = time.monotonic()
        took = built - based
        print(f"image   {engine.size(IMAGE):6.0f} MB with its base, built in {took:.0f} s", flush=True)
        engine.build(SPARK_IMAGE, "--target", "spark")
        took = time.monotonic() - built
        print(f"        {engine.size(SPARK_IMAGE):6.0f} MB with Spark, built in {took:.0f} s", flush=True)
        print(
            f"start   {seconds_of('true', engine=engine):6.1f} s for a container that does nothing",
            flush=True,
        )
        print(
            f"        {seconds_of('pipectl', '--help', engine=engine):6.1f} s for pipectl --help", flush=True
        )
        state, data, results, token = (
            engine.folder / name for name in ("state", "kafka", "results", "token")
        )
        for folder in (state, data, results):
            folder.mkdir()
        state.chmod(0o777)
        make_token(token)
        with broker(data) as kafka:
            kafka.create(*(topic.name for topic in topic_plan(POSITIONS)), "prices")
            results.chmod(0o777)
            check_spark(engine, kafka.bootstrap_servers, results)
            apps = definitions(kafka.bootstrap_servers, state, token, results)
            for name, app in apps.items():
                engine.start(name, app, state)
            waited = wait_for_records(kafka, engine, list(apps))
            engine.check_running(list(apps))
        print(f"records {waited:6.1f} s until every position had one, from {', '.join(apps)}")


if __name__ == "__main__":
    main()
