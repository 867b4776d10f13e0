import time

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from kafka_topic.errors import BrokerUnreachableError, SymbolError
from kafka_topic.status import PositionStatus, position_status


def status(stage, *positions, group="volatility.gatherer", **options):
    return position_status(
        stage.bootstrap_servers, positions, prefix=stage.prefix, group=group, timeout=20.0, **options
    )


def write_prices(stage, symbol, count):
    producer = Producer({"bootstrap.servers": stage.bootstrap_servers})
    for _ in range(count):
        producer.produce(f"{stage.prefix}position.{symbol}", b"{}", symbol)
    assert producer.flush(20) == 0


def commit(stage, group, symbol, offset):
    consumer = Consumer({"bootstrap.servers": stage.bootstrap_servers, "group.id": group})
    topic = f"{stage.prefix}position.{symbol}"
    consumer.commit(offsets=[TopicPartition(topic, 0, offset)], asynchronous=False)
    consumer.close()


@pytest.mark.slow
def test_last_window_and_lag_of_each_position(stage, window_end):
    stage.create("movingaverage", "position.AAPL", "position.MSFT", "position.TSLA")
    write_prices(stage, "AAPL", 12)
    write_prices(stage, "MSFT", 5)
    group = stage.prefix + "gatherer"
    commit(stage, group, "AAPL", 9)
    commit(stage, group, "TSLA", 0)
    stage.commit(*((symbol, number) for number in range(1, 5) for symbol in ("AAPL", "MSFT")))
    stage.abort(("AAPL", 77))
    stage.begin(("MSFT", 88))
    assert status(stage, "AAPL", "MSFT", "TSLA", group=group) == [
        PositionStatus("AAPL", f"{stage.prefix}position.AAPL", window_end(4), 3),
        PositionStatus("MSFT", f"{stage.prefix}position.MSFT", window_end(4), None),
        PositionStatus("TSLA", f"{stage.prefix}position.TSLA", None, 0),
    ]


@pytest.mark.slow
def test_a_position_silent_for_long_is_found_far_back_and_quickly(stage, window_end):
    stage.create("movingaverage")
    stage.commit(("TSLA", 1), ("MSFT", 1), ("MSFT", 2))
    for first in range(0, 20_000, 1000):
        stage.commit(*(("AAPL", number) for number in range(first, first + 1000)))
    found = {each.symbol: each.last_window_end for each in status(stage, "AAPL", "TSLA", "MSFT", "AMZN")}
    assert found == {"AAPL": window_end(19_999), "TSLA": window_end(1), "MSFT": window_end(2), "AMZN": None}


@pytest.mark.slow
def test_broken_records_in_the_tail_are_passed_over(stage, window_end):
    stage.create("movingaverage")
    stage.commit(("AAPL", 1))
    producer = Producer({"bootstrap.servers": stage.bootstrap_servers})
    for value in (b"", b"AAPL 1", b"\xff", None):
        producer.produce(stage.prefix + "movingaverage", value, "AAPL")
    assert producer.flush(20) == 0
    assert status(stage, "AAPL")[0].last_window_end == window_end(1)


@pytest.mark.slow
def test_one_window_of_several_counts(stage, window_end):
    stage.create("movingaverage")
    for number, seconds in ((1, 10), (2, 60), (3, 600)):
        stage.send("movingaverage", ("AAPL", stage.window("AAPL", number, seconds).to_json()))
    assert [status(stage, "AAPL", window=window)[0].last_window_end for window in ("10s", "1m", None)] == [
        window_end(1),
        window_end(2),
        window_end(3),
    ]


@pytest.mark.slow
def test_before_anything_is_deployed_nothing_is_known_and_nothing_is_created(stage):
    assert status(stage, "AAPL") == [PositionStatus("AAPL", f"{stage.prefix}position.AAPL", None, None)]
    assert stage.topics() == set()


@pytest.mark.slow
def test_a_healthy_cluster_answers_within_a_second_from_all_partitions(stage, window_end):
    symbols = [f"S{number}" for number in range(20)]
    stage.create("movingaverage", partitions=3)
    stage.create(*(f"position.{symbol}" for symbol in symbols))
    stage.commit(*((symbol, number) for number in range(100) for symbol in symbols))
    status(stage, *symbols)
    durations = []
    for _ in range(3):
        started = time.monotonic()
        assert {each.last_window_end for each in status(stage, *symbols)} == {window_end(99)}
        durations.append(time.monotonic() - started)
    assert min(durations) < 1


def test_an_unreachable_broker_is_named_and_nothing_is_printed(unused_address, capfd):
    with pytest.raises(BrokerUnreachableError, match=unused_address):
        position_status(unused_address, ["AAPL"], group="g", timeout=0.5)
    assert capfd.readouterr() == ("", "")


def test_an_impossible_symbol_is_refused(unused_address):
    with pytest.raises(SymbolError, match="'A B'"):
        position_status(unused_address, ["A B"], group="g")
