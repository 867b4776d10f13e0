"""Runs compose.yaml as it is, without a Docker engine and without an image registry.

    pip install podman-compose
    sudo --preserve-env=PATH make compose-check

On Debian, as root, with the packages of `make image-check`, and netavark and aardvark-dns. Images of its own
stand in for what a registry has: a Debian with Python, and Kafka from the jars of the cluster `local`, with
the variables and scripts of Apache's image. podman-compose runs the commands at the top of compose.yaml in a
network namespace of their own, and the check reads what they print and what the page says. Health checks are
not looked at, which would need systemd; what depends on one starts at once.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from broker import ROOT  # first: it lets the next ones be found
from image_check import BASE, CERTIFICATES, Engine, missing, workplace
from lent import ended_by_sigterm

from jvm.java import java_home
from local_dcos.kafka.jars import JARS, KAFKA_VERSION

UP = ("up", "--remove-orphans", "--force-recreate", "--build")
BUILD_SECONDS, WAIT_SECONDS, DOWN_SECONDS = 2400.0, 900.0, 180.0
KAFKA_IMAGE = f"docker.io/apache/kafka:{KAFKA_VERSION}"
JAVA = 'exec /opt/java/bin/java -cp "/opt/kafka/libs/*"'
# As the entry point of Apache's image: KAFKA_A_B=c becomes a.b=c.
START = f"""#!/bin/sh -e
env | sed -n 's/^KAFKA_//p' | while IFS='=' read -r name value; do
  echo "$(echo "$name" | tr A-Z_ a-z.)=$value"
done > /tmp/server.properties
({JAVA} kafka.tools.StorageTool format --ignore-formatted -t 5L6g3nShT-eMCtK--X86sw -c /tmp/server.properties)
{JAVA} kafka.Kafka /tmp/server.properties
"""
SCRIPTS = {
    "start": START,
    "bin/kafka-topics.sh": f'#!/bin/sh\n{JAVA} org.apache.kafka.tools.TopicCommand "$@"\n',
    "bin/kafka-broker-api-versions.sh": f"#!/bin/sh\n{JAVA} org.apache.kafka.tools.BrokerApiVersionsCommand "
    '"$@"\n',
}

# What podman-compose runs as podman. podman 4 starts no container that requires one that has ended, and waits
# for the end only of one that has started.
WRAPPER = r"""#!/bin/sh
case "$1 $2" in
  build\ *) shift; exec {podman} {build} "$@" ;;
  create\ *)
    for argument; do
      shift
      case $argument in --requires=*) argument=--requires=pipectl-prices_kafka_1 ;; esac
      set -- "$@" "$argument"
    done ;;
  "wait --condition=stopped")
    shift 2
    for name; do
      until [ "$({podman} inspect --format '{{{{.State.Status}}}}' "$name")" = exited ]; do sleep 1; done
    done
    exit ;;
esac
exec {podman} "$@"
"""

ASK = """
import urllib.request
print(urllib.request.urlopen("http://127.0.0.1:3030/api/topics", timeout=20).read().decode())
"""


class Compose:
    """podman-compose with the images of an engine. inside: what lets a command run in another network."""

    def __init__(self, engine: Engine, inside: tuple[str, ...] = ()) -> None:
        self._inside = inside
        podman = ["podman", *map(str, engine.options)]
        volumes = [
            f"--volume={file}:{file}:ro" for file in (CERTIFICATES, Path("/etc/pip.conf")) if file.exists()
        ]
        build = [
            "build",
            "--isolation",
            "chroot",
            "--pull-never",
            "--format",
            "docker",
            "--from",
            BASE,
            *volumes,
        ]
        wrapper = engine.folder / "podman"
        wrapper.write_text(WRAPPER.format(podman=" ".join(podman), build=" ".join(build)))
        wrapper.chmod(0o755)
        limits = engine.folder / "containers.conf"
        # podman would raise these limits, where that may not be allowed.
        limits.write_text('[containers]\ndefault_ulimits = ["nofile=1024:4096", "nproc=1024:2048"]\n')
        self._environ = {**os.environ, "CONTAINERS_CONF": str(limits), "DISABLE_HC_SYSTEMD": "true"}
        file = str(ROOT / "compose.yaml")
        self._argv = [
            *("podman-compose", "--podman-path", str(wrapper)),
            *("--in-pod", "false", "-f", file),
        ]

    def run(self, *args: str, seconds: float) -> str:
        """Run a command to its end; returns what it prints."""
        with self.started(*args) as output:
            output.wait_for_end(seconds)
            return output.text()

    @contextmanager
    def started(self, *args: str) -> Iterator[Output]:
        """A command that runs until it ends by itself, or the block ends."""
        process = subprocess.Popen(
            [*self._inside, *self._argv, *args],
            env=self._environ,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        output = Output(process, " ".join(args))
        try:
            yield output
        finally:
            output.end()


class Output:
    """What a running command prints."""

    def __init__(self, process: subprocess.Popen[str], name: str) -> None:
        self._process, self._name = process, name
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line)

    def text(self) -> str:
        """What it has printed so far."""
        return "".join(self._lines)

    def wait_for(self, pattern: str, seconds: float) -> str:
        """Wait until it has printed what matches; returns that."""
        deadline = time.monotonic() + seconds
        while True:
            ended = self._process.poll() is not None
            if found := re.search(pattern, self.text()):
                return found[0]
            if ended or time.monotonic() > deadline:
                raise SystemExit(f"{self._name} printed no {pattern!r}:\n{self.text()[-6000:]}")
            time.sleep(0.2)

    def wait_for_end(self, seconds: float) -> None:
        """Wait until it has ended well."""
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise SystemExit(f"{self._name} took more than {seconds:g} s:\n{self.text()[-4000:]}") from None
        self._reader.join(10)
        if code != 0:
            raise SystemExit(f"{self._name} ended with {code}:\n{self.text()[-6000:]}")

    def end(self) -> None:
        """End it, if it runs."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()


def build_kafka(engine: Engine) -> None:
    """An image with the variables and scripts of Apache's."""
    context = engine.folder / "kafka-image"
    (context / "kafka" / "libs").mkdir(parents=True)
    for jar in JARS.fetch():
        shutil.copy(jar, context / "kafka" / "libs")
    shutil.copytree(java_home(), context / "java")
    for name, text in SCRIPTS.items():
        file = context / "kafka" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)
    (context / "Dockerfile").write_text(
        f'FROM {BASE}\nCOPY java /opt/java\nCOPY kafka /opt/kafka\nCMD ["/opt/kafka/start"]\n'
    )
    engine.buildah("bud", "--isolation", "chroot", "--quiet", "--tag", KAFKA_IMAGE, context, seconds=300)
    shutil.rmtree(context)


@contextmanager
def network() -> Iterator[tuple[str, ...]]:
    """A network namespace of its own, in which loopback is up; yields what runs a command in it."""
    argv = ["unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec sleep infinity"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None
            if holder.stdout.readline() != "up\n":
                raise SystemExit("cannot make a network namespace")
            yield ("nsenter", f"--net=/proc/{holder.pid}/ns/net", "--")
        finally:
            holder.kill()


def page_topic(inside: tuple[str, ...]) -> dict[str, Any]:
    """The topic `prices` as the page on port 3030 shows it."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        done = subprocess.run(
            [*inside, sys.executable, "-c", ASK], capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            topics: list[dict[str, Any]] = json.loads(done.stdout)["topics"]
            return next(each for each in topics if each["topic"] == "prices")
        if time.monotonic() > deadline:
            raise SystemExit(f"the page does not answer: {done.stderr[-2000:]}")
        time.sleep(1)


def check(compose: Compose, inside: tuple[str, ...]) -> None:
    """The commands of the exercise, in its order."""
    began = time.monotonic()
    with compose.started(*UP) as up:
        print(up.wait_for(r"5000 prices are in prices; this run wrote 5000", WAIT_SECONDS))
        print(up.wait_for(r"messages: 5000", WAIT_SECONDS))
        topic = page_topic(inside)
        print(f"page: {topic['topic']} holds {topic['offsets']} offsets")
        print(f"up, all services: {time.monotonic() - began:.0f} s", flush=True)
        compose.run("down", seconds=DOWN_SECONDS)
        up.wait_for_end(DOWN_SECONDS)
    for service, said in (
        ("producer", r"5000 prices are in prices; this run wrote 0"),
        ("consumer", r"messages: 5000"),
    ):
        began = time.monotonic()
        with compose.started(*UP, service) as up:
            found = up.wait_for(said, WAIT_SECONDS)
            print(f"up {service}: {found!r} after {time.monotonic() - began:.0f} s", flush=True)
            compose.run("down", seconds=DOWN_SECONDS)
            up.wait_for_end(DOWN_SECONDS)


def main() -> None:
    """Build, run, report."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    reason = missing()
    if reason is None and not shutil.which("podman-compose"):
        reason = "podman-compose not found; it is a package of PyPI"
    if reason is not None:
        print(f"skipped: {reason}")
        return
    with ended_by_sigterm(), workplace() as engine:
        engine.build_base()
        build_kafka(engine)
        began = time.monotonic()
        # One after the other: the later ones find the layers of the first.
        Compose(engine).run("--parallel", "1", "build", seconds=BUILD_SECONDS)
        sizes = {name: f"{engine.size(f'localhost/{name}'):.0f} MB" for name in ("pipectl", "pipectl-spark")}
        print(f"built in {time.monotonic() - began:.0f} s: {sizes}", flush=True)
        with network() as inside:
            compose = Compose(engine, inside)
            try:
                check(compose, inside)
            finally:
                compose.run("down", "--volumes", seconds=DOWN_SECONDS)
    print("everything is as it must be")


if __name__ == "__main__":
    main()
