"""One-off jobs as users run them: on real Kafka, by the built-in client and by PyPI's, over kills."""

import contextlib
import functools
import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
import pytest

from tests.local_dcos.conftest import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]
MANY = ("--set", "sources.prices.count=150000")


@pytest.fixture
def user(pipectl_elsewhere):
    pipectl_elsewhere.run("deploy", "--only", "kafka", "--yes")
    return pipectl_elsewhere


def servers_of(user) -> str:
    servers = user.json("endpoints")["kafka"]
    return servers if isinstance(servers, str) else servers[0]


def in_topic(user, topic="prices") -> int:
    """How many messages a source's topic has, by the transactions that are committed."""
    from kafka_topic.brokers import Brokers, read_between
    from kafka_topic.connection import open_consumer

    servers = servers_of(user)
    brokers = Brokers(servers, timeout=20)
    places = brokers.partitions([topic])[topic]
    consumer = open_consumer(servers, enable_partition_eof=True)
    try:
        records = read_between(
            consumer, brokers.earliest(places), brokers.latest(places), deadline=float("inf")
        )
        numbers = [int(dict(record.headers())["n"]) for record in records]
    finally:
        consumer.close()
    assert sorted(numbers) == list(range(len(numbers)))
    return len(numbers)


def runs_of(user, name: str) -> dict[str, Any]:
    return next(row for row in user.json("jobs") if row["job"] == name)


def processes_with(user, word: str) -> list[psutil.Process]:
    """The processes with this argument, not those that watch them."""
    found = []
    for process in user.processes():
        with contextlib.suppress(psutil.Error):
            words = process.cmdline()
            if word in words and words[0] != "/bin/sh":
                found.append(process)
    return found


def job_processes(user) -> list[psutil.Process]:
    return processes_with(user, "data_generator.sources.prices")


def test_five_thousand_prices_are_written_once_by_either_client_despite_kills(user, dcoscli):
    assert runs_of(user, "produce-prices")["last_run"] == "never"
    done = user.run("run", "produce-prices")
    assert done.stdout == "5000 prices are in prices; this run wrote 5000\n"
    assert "5000 of 5000 are in prices" in done.stderr
    assert "produce-prices succeeded after" in done.stderr
    assert in_topic(user) == 5000
    assert runs_of(user, "produce-prices")["last_run"] == "succeeded"

    again = user.json("run", "produce-prices", "--dcos", str(dcoscli))
    assert (again["exit_code"], again["stdout"]) == (0, ["5000 prices are in prices; this run wrote 0"])

    # The job is killed.
    watching = user.start("run", "produce-prices", *MANY)
    wait_for(lambda: job_processes(user), 60)
    for process in job_processes(user):
        process.kill()
    _, said = watching.communicate(timeout=180)
    assert watching.returncode == 137, said
    assert runs_of(user, "produce-prices")["last_run"] == "failed"

    # Whoever watches it is interrupted; another look attaches to the same run.
    watching = user.start("run", "produce-prices", *MANY, start_new_session=True)
    wait_for(lambda: job_processes(user), 60)
    os.killpg(watching.pid, signal.SIGINT)
    _, said = watching.communicate(timeout=180)
    assert watching.returncode == 130, said
    assert "continues" in said
    assert "pipectl jobs stop produce-prices" in said

    # The cluster's agent is killed, and started by the next command that needs it.
    cluster = json.loads((user.home / "cluster" / "cluster.json").read_text())
    os.kill(cluster["pid"], signal.SIGKILL)
    home = str(user.home / "cluster")
    command = [sys.executable, "-m", "local_dcos", "start", "--home", home]
    subprocess.run(command, env=user.environ, check=True, capture_output=True)
    done = user.run("run", "produce-prices", *MANY, timeout=300)
    assert "150000 prices are in prices" in done.stdout
    assert in_topic(user) == 150_000

    user.run("destroy", "--yes")
    assert runs_of(user, "produce-prices")["last_run"] == "never"


@pytest.mark.long
def test_every_source_ends_at_its_count_though_the_broker_is_killed_in_the_middle(user, tmp_path):
    """All at once. The census, which is written in a moment, has a test of its own (test_broker_kill.py)."""
    from kafka_topic.brokers import Brokers

    file = tmp_path / "prices.csv"
    moments = (datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=n) for n in range(3000))
    lines = "".join(f"{moment.isoformat()},AAPL,{n / 100 + 1}\n" for n, moment in enumerate(moments))
    file.write_text(f"ts,symbol,price\n{lines}")
    # The topic of each job, how much it has in the end, and the settings by which it takes a while.
    jobs = {
        "random-numbers": ("random-numbers", 3000, "random_numbers.count=3000", "random_numbers.rate=20"),
        "system": ("monitoring", 1200, "system.count=1200"),
        "replay": ("replay", 3000, f"replay.files=[{file}]", "replay.speed=20"),
        "produce-prices": ("prices", 600_000, "prices.count=600000"),
    }
    brokers = Brokers(servers_of(user), timeout=20)

    def begun(topic: str) -> bool:
        places = brokers.partitions([topic]).get(topic, [])
        return any(brokers.latest(places).values())

    runs: dict[str, subprocess.Popen[str]] = {}
    for job, (topic, _, *settings) in jobs.items():
        runs[job] = user.start("run", job, *(f"--set=sources.{each}" for each in settings))
        wait_for(functools.partial(begun, topic), 240)
    [broker] = processes_with(user, "kafka.Kafka")
    broker.kill()
    assert [run.poll() for run in runs.values()] == [None] * len(runs), "a run ended before the kill"
    for job, (topic, count, *settings) in jobs.items():
        _, said = runs[job].communicate(timeout=600)
        # A source gives up if the broker takes more than a minute to start.
        assert runs[job].returncode == 0 or "run it again" in said, said
        done = user.run("run", job, *(f"--set=sources.{each}" for each in settings))
        assert done.stdout.startswith(f"{count} ") and f" are in {topic}" in done.stdout, done.stdout
        assert in_topic(user, topic) == count
