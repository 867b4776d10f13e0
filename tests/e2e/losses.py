"""Outages in which records are lost or cannot be used: a topic is deleted, or a clock is wrong.

Nothing can be compared with the topics after them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import TopicPartition

from kafka_topic.brokers import Brokers
from kafka_topic.connection import open_admin
from tests.e2e.outages import Outage, Site
from tests.gatherer.flink import wait_until

POSITION = "AAPL"
HOUR = 3600
# The generator, with a clock that is off by so many seconds.
WRONG_CLOCK = """
import runpy, sys, time
off, seconds, nanoseconds = int(sys.argv.pop(1)), time.time, time.time_ns
time.time, time.time_ns = lambda: seconds() + off, lambda: nanoseconds() + off * 10**9
runpy.run_module("data_generator", run_name="__main__", alter_sys=True)
"""
MORE_TICKS = 20


def _topic(site: Site) -> str:
    return f"{site.cluster.prefix}position.{POSITION}"


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
def clock_off(site: Site, seconds: int) -> Iterator[None]:
    """The clock of the generator is ahead by so many seconds, behind if they are negative."""
    env = site.cluster.app("data-generator")["definition"]["env"]
    with site.away("data-generator"):
        command = [sys.executable, "-c", WRONG_CLOCK, str(seconds)]
        process = subprocess.Popen(command, env={**os.environ, **env}, stderr=subprocess.DEVNULL)
        try:
            yield
        finally:
            process.terminate()
            process.wait(60)


# The clocks are wrong for longer than a position counts as fresh without new windows.
LOSSES = (
    Outage("clock an hour ahead", 120, r"^Dead letters: .*\d future", lambda site: clock_off(site, HOUR)),
    Outage("clock an hour behind", 120, r"^Dead letters: .*\d late", lambda site: clock_off(site, -HOUR)),
    Outage("topic deleted", 20, rf"position\.{POSITION} does not exist", topic_deleted),
    # It has happened: data flow again, and `status` goes on naming it.
    Outage("unread records deleted", 20, rf"position\.{POSITION} lost records", unread_records_deleted, None),
)
