"""The logs of the other tests, written and read on a real broker, through a slow network too."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest

from tests.gatherer.bundle import CREATE_TIME, committed, create
from tests.gatherer.logs import POSITIONS, awkward, owed, write
from tests.gatherer.model import Record, Rules, outcome
from tests.gatherer.slow_broker import SlowBroker

pytestmark = pytest.mark.slow


def test_a_log_is_read_as_it_was_made(kafka: Any) -> None:
    log = awkward(seed=2, ticks=200, rules=Rules())
    assert any(entry.aborted for entry in log)
    for symbol, count in POSITIONS.items():
        create(kafka.bootstrap_servers, f"made.position.{symbol}", count, **CREATE_TIME)
    write(log, kafka.bootstrap_servers, "made.")
    expected = owed(log, Rules(), "made.position.")
    reasons = Counter(reason for each in expected.values() for reason in each.letters.values())
    assert reasons.keys() >= {"late", "future", "not_json", "missing_field", "bad_price", "unknown_symbol"}
    for symbol in POSITIONS:
        partitions: dict[int, list[Record]] = {}
        for message in committed(kafka.bootstrap_servers, f"made.position.{symbol}"):
            place = message.topic(), message.partition(), message.offset()
            partitions.setdefault(message.partition(), []).append(
                Record(*place, message.timestamp()[1], message.value())
            )
        assert outcome(symbol, partitions.values(), Rules()) == expected[symbol]
        assert expected[symbol].due()


def test_a_slow_broker_holds_records_back(kafka: Any, slow_broker: SlowBroker) -> None:
    from confluent_kafka import Consumer, Producer, TopicPartition

    create(kafka.bootstrap_servers, "slow", 2)
    producer = Producer(
        {"bootstrap.servers": kafka.bootstrap_servers, "batch.num.messages": 10, "enable.idempotence": True}
    )
    for number in range(400):
        producer.produce("slow", bytes(100), key=str(number), partition=number % 2)
    assert producer.flush(30) == 0
    slow_broker.hold("slow", 1)
    consumer = Consumer(
        {
            "bootstrap.servers": kafka.by_proxy,
            "group.id": "slow",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    try:
        consumer.assign([TopicPartition("slow", 0, 0), TopicPartition("slow", 1, 0)])

        def read(records: int) -> tuple[Counter[int], float]:
            found: Counter[int] = Counter()
            begin = time.monotonic()
            while found.total() < records:
                for message in consumer.consume(100, timeout=0.1):
                    assert message.error() is None
                    found[message.partition()] += 1
                assert time.monotonic() < begin + 60, found
            return found, time.monotonic() - begin

        assert read(200)[0] == {0: 200}
        slow_broker.bytes_per_second = 20_000
        slow_broker.release("slow", 1)
        found, seconds = read(200)
        assert found == {1: 200}
        assert seconds > 1, "20 kB have taken no time"
    finally:
        consumer.close()
