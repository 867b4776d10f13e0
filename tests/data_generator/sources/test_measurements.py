"""Random numbers and how the machine is: measurements in order, each once, at their pace."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from data_generator.sources.ledger import Written
from data_generator.sources.measurements import Paced, health
from data_generator.sources.random_numbers import DISTRIBUTIONS, Numbers
from data_generator.sources.system import UNITS, Machine
from kafka_topic.contracts import Measurement
from task_runtime.errors import SettingsError
from tests.ports import free_ports

NONE = Written(0, None)
NOW = datetime(2026, 11, 22, 1, 2, 3, 4000, UTC)


@pytest.mark.parametrize(
    ("name", "mean", "deviation"),
    [("normal", 0, 1), ("uniform", 0.5, 12**-0.5), ("exponential", 1, 1), ("lognormal", np.exp(0.5), 2.1612)],
)
def test_numbers_are_of_their_distribution(name, mean, deviation):
    numbers = Numbers(name, 7)
    values = np.array([numbers.sample(n, NOW)[0].value for n in range(20_000)])
    assert abs(values.mean() - mean) < 5 * deviation / 20_000**0.5
    assert abs(values.std() / deviation - 1) < 0.15
    # Neighbours have nothing to do with one another.
    assert abs(np.corrcoef(values[1:], values[:-1])[0, 1]) < 5 / 20_000**0.5


def test_a_number_is_the_same_whichever_run_makes_it():
    assert set(DISTRIBUTIONS) == {"normal", "uniform", "exponential", "lognormal"}
    (first,), (again,), (other,) = (Numbers("normal", seed).sample(5, NOW) for seed in (7, 7, 8))
    assert first == again != other
    assert (first.name, first.unit, first.ts) == ("normal", "1", NOW)


def test_the_machine_is_measured_with_units_and_sane_values():
    machine = Machine()
    first = {each.name: each for each in machine.sample(0, NOW)}
    assert first.keys() == UNITS.keys() - {"disk_read", "disk_written", "network_received", "network_sent"}
    second = {each.name: each for each in machine.sample(5, NOW + timedelta(seconds=1))}
    assert second.keys() == UNITS.keys()
    for name, one in second.items():
        assert one.unit == UNITS[name]
        assert one.value >= 0
        assert one.unit != "%" or one.value <= 100
        assert Measurement.from_json(one.to_json()) == one


def test_rates_are_those_since_the_sample_before(monkeypatch):
    class Counters:
        def __init__(self, total):
            self.read_bytes = self.write_bytes = self.bytes_recv = self.bytes_sent = total

    machine = Machine()
    for total, after, rate in ((1000, 0, None), (5000, 2, 2000.0), (100, 3, 0.0)):
        monkeypatch.setattr("psutil.disk_io_counters", lambda total=total: Counters(total))
        monkeypatch.setattr("psutil.net_io_counters", lambda total=total: Counters(total))
        found = {one.name: one.value for one in machine.sample(0, NOW + timedelta(seconds=after))}
        assert found.get("disk_read") == found.get("network_sent") == rate


def sample(number: int, moment: datetime) -> list[Measurement]:
    return [Measurement(moment, "m", number, "1", "here")]


def test_samples_come_at_their_pace_and_each_at_its_time():
    began, records = time.monotonic(), []
    paced = Paced(sample, 0.05, threading.Event())
    while len(records) < 11:
        records += paced.make(len(records), 11, NONE)
    assert time.monotonic() - began >= 0.5
    made = [Measurement.from_json(record.value) for record in records]
    assert [one.value for one in made] == list(range(11))
    gaps = [(b.ts - a.ts).total_seconds() for a, b in pairwise(made)]
    assert abs(sum(gaps) - 0.5) < 0.1


def test_what_was_due_long_ago_is_left_out(monkeypatch):
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    paced = Paced(sample, 0.05, threading.Event())
    paced._due -= 60
    assert len(paced.make(0, 1000, NONE)) == 1
    # Within a second, nothing is.
    paced._due -= 0.5
    assert 9 <= len(paced.make(1, 1000, NONE)) <= 10
    paced._due -= 0.5
    assert len(paced.make(0, 3, NONE)) == 3


def test_a_late_look_at_the_clock_swaps_no_samples_and_a_clock_that_was_set_counts(monkeypatch):
    real = time.time()
    base = real - time.monotonic()

    def clock(ahead: float) -> None:
        monkeypatch.setattr(time, "time", lambda: base + ahead + time.monotonic())

    clock(0)
    paced, times = Paced(sample, 0.01, threading.Event()), []
    for ahead in (0, 0.3, 0, 3600, 3600.3, 0):
        clock(ahead)
        records = paced.make(0, 1, NONE)
        times.append(Measurement.from_json(records[0].value).ts.timestamp() - real)
    assert times[0] < times[1] < times[2] < 60
    assert 3600 <= times[3] < times[4] < 3660
    assert times[2] < times[5] < 60


def test_a_source_is_unhealthy_when_it_is_late_by_more_than_its_pace(caplog):
    caplog.set_level("INFO", "data_generator")
    paced = Paced(sample, 100.0, threading.Event())
    (port,) = free_ports(1)

    def answer() -> tuple[int, dict[str, Any]]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=30) as found:
                return found.status, json.load(found)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    with health(paced, {"PORT0": str(port)}):
        paced.asked_at = time.monotonic() - 100
        assert answer() == (200, {"healthy": True, "reason": None})
        paced.asked_at -= 40
        status, body = answer()
        with pytest.raises(SettingsError, match="choose another port"), health(paced, {"PORT0": str(port)}):
            pass
    assert (status, body["healthy"]) == (503, False)
    # `pipectl status` shows this line.
    assert f"not healthy: {body['reason']}" in caplog.messages


def test_a_stop_ends_the_wait():
    stop = threading.Event()
    paced = Paced(sample, 1000, stop)
    assert len(paced.make(0, 10, NONE)) == 1
    stop.set()
    assert paced.make(1, 10, NONE) == []


@pytest.fixture
def start(kafka: Any) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts sources: start(source, topic, *args). Whatever still runs after the test is killed."""
    with ExitStack() as stack:

        def run(source: str, topic: str, *args: str) -> subprocess.Popen[str]:
            command = [sys.executable, "-m", f"data_generator.sources.{source}", "--topic", topic, *args]
            command += ["--bootstrap-servers", kafka.bootstrap_servers]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            # The last callback runs first: kill, then wait and close the pipes.
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield run


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "more"),
    [("random_numbers", ["--rate", "100"]), pytest.param("system", [], marks=pytest.mark.long)],
)
def test_the_count_is_exact_despite_a_kill_and_an_outage(kafka, start, source, more):
    topic = f"measured-{source}"
    kafka.create(topic)
    count = 300 if source == "random_numbers" else 40
    endless = start(source, topic, *more)
    for line in endless.stderr:
        if "are in" in line:
            break
    kafka.kill()
    kafka.start()
    deadline = time.monotonic() + 60
    while len(kafka.records(topic)) < 15:
        assert endless.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.2)
    endless.kill()
    endless.communicate()
    done = start(source, topic, *more, "--count", str(count))
    out, said = done.communicate(timeout=120)
    assert out.startswith(f"{count} measurements are in {topic}"), said
    records = kafka.records(topic)
    assert [int(dict(record.headers())["n"]) for record in records] == list(range(count))
    made = [Measurement.from_json(record.value()) for record in records]
    assert [one.ts for one in made] == sorted(one.ts for one in made)
    assert [record.key().decode() for record in records] == [one.name for one in made]


@pytest.mark.slow
def test_a_stream_ends_well_when_it_is_stopped(kafka, start):
    kafka.create("stopped")
    running = start("random_numbers", "stopped")
    for line in running.stderr:
        if "are in" in line:
            break
    running.terminate()
    _, said = running.communicate(timeout=30)
    assert running.returncode == 0, said
