"""Outages in which records are lost or cannot be used: a topic is deleted or cut, or a clock is wrong.

Nothing can be compared with the topics after them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import TopicPartition

from kafka_topic.brokers import Brokers
from kafka_topic.config import RETENTION
from kafka_topic.connection import open_admin
from tests.e2e.outages import RESTART_SECONDS, Outage, Site
from tests.gatherer.flink import wait_until

POSITION, CUT = "AAPL", "MSFT"
HOUR = 3600
# The generator, with a clock that the signal sets off by so many seconds, and right again.
CLOCK = """
import runpy, signal, sys, time
off, by, seconds, nanoseconds = 0, int(sys.argv.pop(1)), time.time, time.time_ns
def turn(*_):
    global off
    off = by - off
signal.signal(signal.SIGUSR1, turn)
time.time, time.time_ns = lambda: seconds() + off, lambda: nanoseconds() + off * 10**9
runpy.run_module("data_generator", run_name="__main__", alter_sys=True)
"""
MORE_TICKS = 20


def _topic(site: Site, position: str = POSITION) -> str:
    return f"{site.cluster.prefix}position.{position}"


@contextmanager
def topic_deleted(site: Site) -> Iterator[None]:
    """There is no topic of a position, until somebody deploys."""
    admin = open_admin(site.cluster.bootstrap_servers)  # it must live until its answer is there
    admin.delete_topics([_topic(site)])[_topic(site)].result(60)
    try:
        yield
    finally:
        site.user.run("deploy", "--yes")


@contextmanager
def unread_records_deleted(site: Site) -> Iterator[None]:
    """The records of a position are deleted while there is no TaskManager to read them."""
    servers, partition = site.cluster.bootstrap_servers, TopicPartition(_topic(site), 0)
    brokers, admin = Brokers(servers, timeout=60), open_admin(servers)

    def end() -> int:
        (offset,) = brokers.latest([partition]).values()
        return offset

    with site.away("flink-taskmanager"):
        before = end()
        wait_until(lambda: end() > before + MORE_TICKS, "more ticks")
        (deleted,) = admin.delete_records([TopicPartition(_topic(site), 0, end())]).values()
        deleted.result(60)
    yield


@contextmanager
def retention_cut(site: Site) -> Iterator[None]:
    """Kafka itself deletes the records of a position while there is no TaskManager to read them.

    The gatherer lengthens the retention again.
    """
    brokers, topic = Brokers(site.cluster.bootstrap_servers, timeout=60), _topic(site, CUT)

    def retention() -> str:
        return brokers.configs([topic])[topic][RETENTION]

    kept, cut = retention(), "1"
    with site.away("flink-taskmanager"):
        (unread,) = brokers.latest([TopicPartition(topic, 0)]).values()

        def deleted() -> bool:
            if retention() != cut:
                brokers.set_configs({topic: {RETENTION: cut}})
            (first,) = brokers.earliest([TopicPartition(topic, 0)]).values()
            return first > unread + MORE_TICKS

        wait_until(deleted, "records that Kafka deletes", RESTART_SECONDS)
    wait_until(lambda: retention() == kept, "the retention as it was")
    yield


@contextmanager
def with_clock(site: Site, seconds: int) -> Iterator[None]:
    """The generator has a clock of its own, which can be ahead by so many seconds, or behind (negative)."""
    env = site.cluster.app("data-generator")["definition"]["env"]
    with site.away("data-generator"):
        command = [sys.executable, "-c", CLOCK, str(seconds)]
        site.generator = subprocess.Popen(command, env={**os.environ, **env}, stderr=subprocess.DEVNULL)
        try:
            yield
            assert site.generator.poll() is None, "the generator has ended"
        finally:
            site.generator.terminate()
            site.generator.wait(60)
            site.generator = None


@contextmanager
def clock_off(site: Site) -> Iterator[None]:
    """The clock is set, and set back, while the generator runs."""
    assert site.generator is not None
    site.generator.send_signal(signal.SIGUSR1)
    try:
        yield
    finally:
        site.generator.send_signal(signal.SIGUSR1)


# The clocks are wrong for longer than a position counts as fresh without new windows.
LOSSES = (
    Outage(
        "clock an hour ahead and back",
        120,
        r"^Dead letters: .*\d future",
        clock_off,
        amid=lambda site: with_clock(site, HOUR),
    ),
    Outage(
        "clock an hour behind and back",
        120,
        r"^Dead letters: .*\d late",
        clock_off,
        amid=lambda site: with_clock(site, -HOUR),
    ),
    Outage("topic deleted", 20, rf"position\.{POSITION} does not exist", topic_deleted),
    # It has happened: data flow again, and `status` goes on naming it.
    Outage("unread records deleted", 20, rf"position\.{POSITION} lost records", unread_records_deleted, None),
    Outage("retention cut", 20, rf"position\.{CUT} lost records", retention_cut, None),
)
