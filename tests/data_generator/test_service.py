"""The service: slow, absent and forgetful brokers, signals, health."""

import itertools
import json
import re
import signal
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest

from data_generator.encoding import to_cents
from data_generator.models import MODELS, position_random
from data_generator.pages import UNHEALTHY_SECONDS, pages_of
from data_generator.service import Service
from data_generator.settings import Settings
from kafka_topic.contracts import Price
from task_runtime.pages import serve_pages


def ticks(kafka, topic):
    return [Price.from_json(record.value()) for record in kafka.records(topic)]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_flushes_and_ends_with_0(kafka, prefix, generate, number):
    kafka.create(f"{prefix}position.AAPL")
    run = generate("--positions", "AAPL", "--rate", "5000", "--port", "0")
    run.wait_for_count("delivered", 1000)
    assert run.page("/health") == {"healthy": True, "reason": None}
    assert run.terminate(number) == 0
    counts = run.final_counts()
    assert counts["queued"] == counts["failed"] == 0
    assert counts["produced"] == counts["delivered"] == len(kafka.records(f"{prefix}position.AAPL"))


@pytest.mark.slow
def test_the_environment_of_the_app_is_enough(kafka, prefix, generate, monkeypatch):
    kafka.create(f"{prefix}position.AAPL", f"{prefix}position.BRK.B")
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "TOPIC_PREFIX": prefix,
        "POSITIONS": "AAPL,BRK.B",
        "GENERATOR_MODEL": "normal",
        "GENERATOR_RATE": "200",
        "GENERATOR_SEED": "5",
        "GENERATOR_START_PRICE": "1000000",
        "GENERATOR_VOLATILITY": "0",
        "HOST": "127.0.0.1",
        "PORT0": "0",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    run = generate(options=False)
    run.wait_for_count("delivered", 100, symbol="BRK.B")
    assert run.terminate() == 0
    assert "normal of AAPL, BRK.B, seed 5" in run.log
    found = ticks(kafka, f"{prefix}position.AAPL")
    assert {tick.price for tick in found} == {1_000_000.0}
    assert (found[40].ts - found[0].ts).total_seconds() == 0.2


@pytest.mark.slow
def test_a_signal_does_not_wait_for_ever_for_an_absent_broker(kafka, prefix, generate):
    kafka.create(f"{prefix}position.AAPL")
    run = generate("--positions", "AAPL", "--rate", "200", "--flush-timeout", "0.5", "--port", "0")
    run.wait_for_count("delivered", 10)
    kafka.stop()
    try:
        run.wait_for_count("queued", 100)
        assert run.terminate() == 0
    finally:
        kafka.start()
    lost = run.final_counts()["queued"]
    assert lost >= 100
    assert f"{lost} ticks that Kafka did not take in time are lost" in run.log


@pytest.mark.slow
def test_a_full_queue_leaves_a_gap_in_time_but_loses_no_tick_that_was_made(kafka, prefix, generate):
    kafka.create(f"{prefix}position.AAPL")
    run = generate(
        "--positions", "AAPL", "--rate", "500", "--max-queued", "400", "--seed", "3", "--model", "uniform",
        "--port", "0",
    )  # fmt: skip
    run.wait_for_count("delivered", 100)
    early = run.page("/counters")["skipped"]
    kafka.stop()
    try:
        run.wait_for_log("the queue of 400 is full")
        run.wait_for_count("skipped", 200)
        assert run.page("/counters")["queued"] <= 400
        delivered = run.page("/counters")["delivered"]
    finally:
        kafka.start()
    run.wait_for_log("Kafka takes ticks again")
    run.wait_for_count("delivered", delivered + 1000)
    counts = run.page("/counters")
    run.wait_for_count("delivered", counts["delivered"] + counts["queued"] + 100)
    assert run.terminate() == 0
    skipped, counts = counts["skipped"] - early, run.final_counts()
    assert counts["failed"] == counts["queued"] == 0
    found = ticks(kafka, f"{prefix}position.AAPL")
    assert len(found) == counts["produced"] == counts["delivered"]
    path = MODELS["uniform"](position_random(3, "AAPL"), 100.0, 0.2, 1 / 500).next(len(found))
    assert [tick.price for tick in found] == (to_cents(path) / 100).tolist()
    # Each tick follows the one before by its schedule, and skipped ticks are all that is missing.
    steps = [round((b.ts - a.ts).total_seconds() * 500) for a, b in itertools.pairwise(found)]
    assert min(steps) == 1
    # What a busy machine skips before the first tick or after the last leaves no gap that could be seen.
    assert skipped <= sum(step - 1 for step in steps) <= counts["skipped"]


@pytest.mark.slow
def test_a_topic_that_does_not_exist_is_waited_for_and_not_created(kafka, prefix, generate):
    kafka.create(f"{prefix}position.AAPL")
    run = generate("--positions", "AAPL,MSFT", "--port", "0")
    run.wait_for_log(f"waiting for topics that don't exist yet: {prefix}position.MSFT; create them")
    run.wait_for_count("delivered", 20, symbol="AAPL")
    assert f"{prefix}position.MSFT" not in kafka.topics()
    assert run.page("/counters")["positions"]["MSFT"]["produced"] == 0
    kafka.create(f"{prefix}position.MSFT")
    run.wait_for_log("all topics are there")
    run.wait_for_count("delivered", 20, symbol="MSFT")
    assert run.terminate() == 0


@pytest.mark.slow
def test_a_deleted_topic_stays_deleted_and_others_go_on(kafka, prefix, generate):
    deleted = f"{prefix}position.AAPL"
    kafka.create(deleted, f"{prefix}position.MSFT")
    run = generate("--positions", "AAPL,MSFT", "--rate", "100", "--port", "0")
    run.wait_for_count("delivered", 20, symbol="AAPL")
    kafka.delete(deleted)
    run.wait_for_log(f"waiting for topics that don't exist yet: {deleted}")
    before = run.page("/counters")["positions"]["MSFT"]["delivered"]
    # Long enough for the client to forget the topic and for its metadata refresh to create it, if it did.
    run.wait_for_count("delivered", before + 800, symbol="MSFT")
    assert deleted not in kafka.topics()
    delivered = run.page("/counters")["positions"]["AAPL"]["delivered"]
    kafka.create(deleted)
    run.wait_for_count("delivered", delivered + 20, symbol="AAPL")
    assert run.terminate() == 0
    counts = run.final_counts()
    assert counts["produced"] == counts["delivered"] + counts["failed"]
    after = ticks(kafka, deleted)
    assert len(after) >= 20
    assert all(a.ts < b.ts for a, b in itertools.pairwise(after))


@contextmanager
def running(bootstrap_servers, *, unhealthy_seconds):
    """A service in this process and its web server; yields what gets (status, JSON) of a page."""
    stop = threading.Event()
    service = Service(Settings(bootstrap_servers, ("AAPL",), seed=1, flush_timeout=0.1), stop)
    thread = threading.Thread(target=service.run)
    thread.start()

    def get(path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    try:
        with serve_pages(pages_of(service, unhealthy_seconds), "127.0.0.1", 0) as port:
            yield get
    finally:
        stop.set()
        thread.join()


def test_health_of_a_service_that_just_started_is_good():
    with running("127.0.0.1:1", unhealthy_seconds=UNHEALTHY_SECONDS) as get:
        assert get("/health") == (200, {"healthy": True, "reason": None})
        status, counters = get("/counters")
        assert status == 200
        assert counters["positions"]["AAPL"] == {
            "produced": 0, "delivered": 0, "failed": 0, "queued": 0, "skipped": counters["skipped"],
        }  # fmt: skip


@pytest.mark.parametrize(
    ("servers", "said"),
    [
        ("127.0.0.1:1", "no Kafka broker answered at 127.0.0.1:1"),
        ("nowhere.invalid:9092", "the name nowhere.invalid cannot be resolved"),
    ],
)
def test_health_of_a_service_that_does_not_deliver_gives_the_reason(servers, said):
    with running(servers, unhealthy_seconds=0.0) as get:
        deadline = time.monotonic() + 60
        while said not in ((content := get("/health")[1])["reason"] or ""):
            assert time.monotonic() < deadline, content
            time.sleep(0.1)
        assert get("/health")[0] == 503
        assert content["healthy"] is False
        assert re.match(r"nothing delivered for \d+ s: ", content["reason"])
