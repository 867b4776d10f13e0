from contextlib import suppress

import pytest

from kafka_topic.contracts import DeadLetter
from kafka_topic.dead_letters import DeadLetterCounts, count_dead_letters
from kafka_topic.errors import BrokerUnreachableError


def letter(reason, end, number=0):
    return DeadLetter("position.AAPL", 0, number, reason, "", end, b"x").to_json()


def count(stage, timeout=20.0):
    return count_dead_letters(stage.bootstrap_servers, prefix=stage.prefix, timeout=timeout)


@pytest.mark.slow
def test_letters_are_counted_by_reason_over_all_partitions(stage, window_end):
    stage.create("dead_letter", partitions=3)
    assert count(stage) == DeadLetterCounts({}, True)
    reasons = ["late", "not_json", "late", "bad_price", "late", "not_json"]
    stage.send("dead_letter", *((f"S{n}", letter(r, window_end(1))) for n, r in enumerate(reasons)))
    # What is no dead letter itself is not counted.
    stage.send("dead_letter", ("AAPL", b"{}"), ("AAPL", None))
    counts = count(stage)
    assert counts == DeadLetterCounts({"not_json": 2, "bad_price": 1, "late": 3}, True)
    assert list(counts.by_reason) == ["not_json", "bad_price", "late"]
    assert counts.total == 6


@pytest.mark.slow
def test_only_committed_letters_count(stage, window_end):
    stage.create("dead_letter")
    for end in (stage.producer.abort_transaction, stage.producer.commit_transaction):
        stage.producer.begin_transaction()
        stage.producer.produce(stage.prefix + "dead_letter", letter("future", window_end(1)), "AAPL")
        end()
    assert count(stage) == DeadLetterCounts({"future": 1}, True)


@pytest.mark.slow
def test_a_count_that_ran_out_of_time_is_a_lower_bound(stage, window_end):
    stage.create("dead_letter")
    stage.send("dead_letter", *(("AAPL", letter("late", window_end(1), n)) for n in range(100_000)))
    counts = None
    for timeout in (0.3, 0.6, 1.2, 2.4):  # on a busy machine, the broker's first answer takes longer
        with suppress(BrokerUnreachableError):
            counts = count(stage, timeout=timeout)
            break
    assert counts is not None and not counts.complete
    assert counts.total < 100_000
    assert count(stage) == DeadLetterCounts({"late": 100_000}, True)


@pytest.mark.slow
def test_a_topic_that_is_not_there_has_none_and_is_not_created(stage):
    assert count(stage) == DeadLetterCounts({}, True)
    assert stage.topics() == set()


def test_an_unreachable_broker_is_named(unused_address):
    with pytest.raises(BrokerUnreachableError, match=unused_address):
        count_dead_letters(unused_address, timeout=0.5)
