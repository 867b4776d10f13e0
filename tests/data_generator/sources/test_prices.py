"""N prices asked for are N prices in the topic, each once, whatever is killed in between."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import numpy as np
import pytest

from data_generator.settings import Settings
from data_generator.sources.ledger import Written, written
from data_generator.sources.prices import SOURCE, Prices
from kafka_topic.brokers import Brokers, read_between
from kafka_topic.connection import open_consumer, open_producer
from kafka_topic.contracts import Price

NOW = 1_795_000_000_000
SYMBOLS = ("AAPL", "AMZN", "GOOG", "MSFT", "TSLA")
NONE = Written(0, None)
# More than is written before a test ends the run, on any machine.
ENDLESS = ("--count", "50000000")


def prices(total: int, **settings) -> Prices:
    return Prices(Settings("x:1", SYMBOLS, 7, model="normal", volatility=0.02, **settings), total, NOW)


def read(records) -> list[Price]:
    return [Price.from_json(record.value) for record in records]


def test_a_message_is_as_the_exercise_asks():
    record = prices(5000).make(0, 1000, NONE)[0]
    message = json.loads(record.value)
    assert message.keys() == {"ts", "symbol", "price"}
    assert message["symbol"] == record.key
    datetime.strptime(message["ts"], "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)
    assert len(message["ts"].rpartition(".")[2]) == 3
    assert len(record.value.rpartition(b".")[2].removesuffix(b"}")) == 2


def test_symbols_are_even_and_prices_normal_around_the_start_price():
    starts = {"AAPL": 230.0, "TSLA": 310.0}
    made = read(prices(50_000, start_prices=starts).make(0, 50_000, NONE))
    for symbol in SYMBOLS:
        ours = np.array([one.price for one in made if one.symbol == symbol]) / starts.get(symbol, 100.0)
        # Five standard errors of the share, the mean and the deviation.
        assert abs(len(ours) - 10_000) < 5 * (50_000 * 0.2 * 0.8) ** 0.5
        assert abs(ours.mean() - 1) < 5 * 0.02 / 100
        assert abs(ours.std(ddof=1) - 0.02) < 5 * 0.02 / (2 * 10_000) ** 0.5
        # The share within one standard deviation of a normal distribution.
        assert abs((abs(ours - 1) < 0.02).mean() - 0.6827) < 0.025


def test_blocks_and_resumptions_change_no_symbol_and_no_price():
    whole = [(one.symbol, one.price) for one in read(prices(5000).make(0, 5000, NONE))]
    some = prices(5000)
    made = [
        *read(some.make(0, 1000, NONE)),
        *read(some.make(1000, 1300, NONE)),
        *read(some.make(1300, 5000, NONE)),
    ]
    assert [(one.symbol, one.price) for one in made] == whole
    again = read(prices(5000).make(3700, 5000, Written(3700, None)))
    assert [(one.symbol, one.price) for one in again] == whole[3700:]
    assert [(one.symbol, one.price) for one in read(some.make(200, 210, NONE))] == whole[200:210]
    # Asking for more is asking for the same and more.
    assert [(one.symbol, one.price) for one in read(prices(9000).make(0, 5000, NONE))] == whole


def test_event_times_end_now_and_never_go_back():
    times = [one.ts for one in read(prices(5000).make(0, 5000, NONE))]
    now = datetime.fromtimestamp(NOW / 1000, UTC)
    assert times[-1] == now
    assert times[0] == now - timedelta(milliseconds=4999 * 20)
    assert times == sorted(set(times))


@pytest.mark.parametrize("ago", [timedelta(hours=1), timedelta(seconds=1), -timedelta(seconds=5)])
def test_a_run_that_goes_on_begins_after_the_last_message(ago):
    last = Price(datetime.fromtimestamp(NOW / 1000, UTC) - ago, "AAPL", 1.0)
    began = Written(4000, last.to_json())
    times = [one.ts for one in read(prices(5000).make(4000, 5000, began))]
    assert times == sorted(times)
    assert times[0] >= last.ts
    assert times[-1] == max(last.ts, datetime.fromtimestamp(NOW / 1000, UTC))


class Topic:
    """A topic of the real broker, and what is in it."""

    started: ClassVar[list[subprocess.Popen[str]]] = []

    def __init__(self, kafka, name: str, partitions: int = 1) -> None:
        kafka.create(name, partitions=partitions)
        self.kafka, self.name = kafka, name

    def run(self, *args: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "data_generator.sources.prices", "--topic", self.name]
        command += ["--bootstrap-servers", self.kafka.bootstrap_servers, "--seed", "7", *args]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.started.append(process)
        return process

    def done(self, *args: str) -> str:
        out, err = self.run(*args).communicate(timeout=120)
        assert " prices are in " in out, err
        return out

    def messages(self, isolation: str = "read_committed"):
        brokers = Brokers(self.kafka.bootstrap_servers, timeout=20)
        partitions = brokers.partitions([self.name])[self.name]
        consumer = open_consumer(
            self.kafka.bootstrap_servers, enable_partition_eof=True, isolation_level=isolation
        )
        try:
            start, end = brokers.earliest(partitions), brokers.latest(partitions)
            return list(read_between(consumer, start, end, deadline=time.monotonic() + 60))
        finally:
            consumer.close()

    def so_far(self) -> int:
        """How many messages are committed."""
        brokers = Brokers(self.kafka.bootstrap_servers, timeout=20)
        return written(brokers, self.name, SOURCE, deadline=time.monotonic() + 60).so_far

    def check(self, count: int) -> None:
        """So many messages, each number once, and those of the seed."""
        numbers, found = [], {}
        for message in self.messages():
            number = int(dict(message.headers())["n"])
            numbers.append(number)
            found[number] = Price.from_json(message.value())
        assert Counter(numbers) == Counter(range(count))
        wanted = read(
            Prices(Settings("x:1", SYMBOLS, 7, model="normal", volatility=0.02), count, NOW).make(
                0, count, NONE
            )
        )
        assert [(found[n].symbol, found[n].price) for n in range(count)] == [
            (p.symbol, p.price) for p in wanted
        ]


@pytest.fixture(autouse=True)
def no_run_is_left():
    yield
    for process in Topic.started:
        with process:
            process.kill()
    Topic.started.clear()


def until(process: subprocess.Popen[str], text: str) -> str:
    """Read the log up to a line with the text; returns the line."""
    for line in process.stderr:
        if text in line:
            return line
    raise AssertionError(f"ended without {text!r}")


def end(process: subprocess.Popen[str], number: int = signal.SIGKILL) -> int:
    process.send_signal(number)
    process.communicate(timeout=60)
    return process.returncode


@pytest.mark.slow
def test_five_thousand_are_five_thousand_however_often_it_is_run(kafka):
    topic = Topic(kafka, "prices-1", partitions=3)
    assert topic.done() == "5000 prices are in prices-1; this run wrote 5000\n"
    topic.check(5000)
    assert topic.done() == "5000 prices are in prices-1; this run wrote 0\n"
    topic.check(5000)
    assert topic.done("--count", "6000").endswith("wrote 1000\n")
    topic.check(6000)


@pytest.mark.slow
def test_killed_again_and_again_each_comes_once(kafka):
    topic = Topic(kafka, "prices-2")
    for lines in (1, 3, 9):
        process = topic.run(*ENDLESS)
        for _ in range(lines):
            until(process, "are in")
        assert end(process) == -signal.SIGKILL
    process = topic.run(*ENDLESS)
    until(process, "are in")
    assert end(process, signal.SIGTERM) == 1
    count = topic.so_far() + 5000
    assert topic.done("--count", str(count)).endswith("wrote 5000\n")
    topic.check(count)
    # What was cut off lies there, aborted: readers of what is committed do not see it.
    assert len(topic.messages("read_uncommitted")) >= count


@pytest.mark.slow
def test_of_two_runs_at_once_the_newer_takes_over_and_each_comes_once(kafka):
    topic = Topic(kafka, "prices-3")
    first = topic.run(*ENDLESS)
    until(first, "are in")
    # The first run sleeps in the middle, and wakes as a zombie.
    first.send_signal(signal.SIGSTOP)
    second = topic.run(*ENDLESS)
    until(second, "are in")
    first.send_signal(signal.SIGCONT)
    _, said = first.communicate(timeout=120)
    assert first.returncode == 1, said
    assert "another run of produce-prices has taken over" in said
    until(second, "are in")
    assert end(second, signal.SIGTERM) == 1
    topic.check(topic.so_far())


@pytest.mark.slow
def test_a_broker_that_is_killed_in_the_middle_costs_nothing(kafka):
    topic = Topic(kafka, "prices-4")
    process = topic.run(*ENDLESS)
    until(process, "are in")
    kafka.kill()
    kafka.start()
    after = topic.so_far()
    while int(re.search(r"(\d+) of \d+ are in", until(process, "are in"))[1]) <= after:
        pass
    assert end(process, signal.SIGTERM) == 1
    topic.check(topic.so_far())


@pytest.mark.slow
def test_messages_of_others_behind_ours_are_no_end_and_no_message_of_ours(kafka):
    topic = Topic(kafka, "prices-5")
    topic.done("--count", "100")
    other = open_producer(kafka.bootstrap_servers, linger_ms=5)
    for _ in range(15_000):
        other.produce(topic.name, b"{}", "AAPL")
        other.poll(0)
    # Some say that they are of this source, but have no number.
    source = dict(topic.messages()[0].headers())["source"]
    for numbers in ([], [("n", b"")], [("n", b"x")]):
        other.produce(topic.name, b"{}", "AAPL", headers=[("source", source), *numbers])
    assert other.flush(30) == 0
    assert topic.done("--count", "150").endswith("wrote 50\n")
    ours = [int(dict(m.headers())["n"]) for m in topic.messages() if m.headers() and m.value() != b"{}"]
    assert sorted(ours) == list(range(150))


@pytest.mark.slow
def test_a_topic_that_is_not_there_is_named(kafka):
    process = subprocess.run(
        [sys.executable, "-m", "data_generator.sources.prices", "--topic", "none",
         "--bootstrap-servers", kafka.bootstrap_servers, "--patience", "1"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert process.returncode == 1
    assert "there is no topic none" in process.stderr


def test_bad_settings_are_bad_usage():
    command = [sys.executable, "-m", "data_generator.sources.prices", "--bootstrap-servers", "x:1"]
    done = subprocess.run([*command, "--volatility", "-1"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "volatility" in done.stderr
