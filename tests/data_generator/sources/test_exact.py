"""When writing exactly gives up, with a topic that can be read and takes nothing."""

from __future__ import annotations

import threading
import time

import pytest
from confluent_kafka import KafkaError, KafkaException

from data_generator.errors import DeliveryError
from data_generator.sources import exact
from data_generator.sources.exact import Record, Target, write_exactly
from data_generator.sources.ledger import Written

PATIENCE = 0.3


class Topic:
    """A topic that takes so many blocks, and then none."""

    def __init__(self, takes: int) -> None:
        self.takes = takes
        self.tries = self.so_far = self.producers = 0
        self.run: str | None = None

    def producer(self, target: Target) -> None:
        self.producers += 1

    def commit(self, producer: object, target: Target, start: int, block: list[Record]) -> None:
        self.tries += 1
        if self.tries > self.takes:
            raise KafkaException(KafkaError(KafkaError.NOT_ENOUGH_REPLICAS))
        self.so_far, self.run = start + len(block), target.run

    def written(self, *_: object, **__: object) -> Written:
        return Written(self.so_far, None, self.run)


@pytest.fixture
def topic_that_takes(monkeypatch):
    def taking(blocks: int) -> Topic:
        topic = Topic(blocks)
        monkeypatch.setattr(exact, "_check_topic", lambda *_: None)
        monkeypatch.setattr(exact, "_producer", topic.producer)
        monkeypatch.setattr(exact, "written", topic.written)
        monkeypatch.setattr(exact, "_commit", topic.commit)
        monkeypatch.setattr(exact, "_PAUSE_SECONDS", 0.05)
        return topic

    return taking


def block(start: int, stop: int, began: Written) -> list[Record]:
    return [Record("k", b"v")] * (stop - start)


@pytest.mark.timeout(30)
def test_it_gives_up_where_the_topic_can_be_read_and_takes_nothing(topic_that_takes):
    topic = topic_that_takes(2)
    with pytest.raises(DeliveryError, match=r"no record was written to t for 0\.3 s, after 2000: .*replicas"):
        write_exactly(5000, block, Target("h:1", "t", "s", PATIENCE), threading.Event())
    assert topic.tries > 3


def test_the_wait_for_records_that_are_due_later_is_no_lack_of_progress(topic_that_takes):
    topic = topic_that_takes(0)

    def seldom(start: int, stop: int, began: Written) -> list[Record]:
        if topic.tries == 1:
            topic.takes = 10
        time.sleep(2 * PATIENCE)
        return [Record("k", b"v")]

    assert write_exactly(2, seldom, Target("h:1", "t", "s", PATIENCE), threading.Event()) == 2


@pytest.mark.parametrize("blocks", [0, 1, 2], ids=lambda blocks: f"{blocks} blocks of ours before it")
def test_a_run_that_retries_does_not_take_the_topic_back_from_a_newer_run(topic_that_takes, blocks):
    topic = topic_that_takes(blocks)

    def newer_run_writes(start: int, stop: int, began: Written) -> list[Record]:
        # The newer run writes the next block, and the commit of this one fails with no word of fencing.
        if topic.tries == blocks:
            topic.so_far, topic.run = start + 1000, "newer"
        return block(start, stop, began)

    with pytest.raises(DeliveryError, match="another run of s has taken over"):
        write_exactly(9000, newer_run_writes, Target("h:1", "t", "s"), threading.Event())
    assert (topic.producers, topic.run) == (1, "newer")


def test_a_run_that_retries_goes_on_from_what_the_run_before_it_wrote(topic_that_takes):
    topic = topic_that_takes(0)
    topic.so_far, topic.run = 2000, "earlier"

    def mended(start: int, stop: int, began: Written) -> list[Record]:
        if topic.tries == 1:
            topic.takes = 10
        return block(start, stop, began)

    assert write_exactly(5000, mended, Target("h:1", "t", "s"), threading.Event()) == 3000
    assert topic.producers == 2
