import time
from datetime import UTC, datetime

import pytest
from confluent_kafka import Producer

from kafka_topic.brokers import Brokers
from kafka_topic.errors import BrokerUnreachableError, SymbolError
from kafka_topic.progress import Progress, progress
from kafka_topic.status import PositionStatus, position_status
from kafka_topic.trouble import Trouble
from tests import group_offsets


def status(stage, *positions, group="volatility.gatherer", **options):
    return position_status(
        stage.bootstrap_servers, positions, prefix=stage.prefix, group=group, timeout=20.0, **options
    )


def write_prices(stage, symbol, count):
    producer = Producer({"bootstrap.servers": stage.bootstrap_servers, "enable.idempotence": True})
    for _ in range(count):
        producer.produce(f"{stage.prefix}position.{symbol}", b"{}", symbol)
    assert producer.flush(20) == 0


def commit(stage, group, symbol, offset, *, partition=0, **problem):
    """What the gatherer's group commits; problem: what it says of the partition."""
    topic = f"{stage.prefix}position.{symbol}"
    group_offsets.commit(
        stage.bootstrap_servers, group, topic, partition, offset, group_offsets.told(**problem)
    )


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
    producer = Producer({"bootstrap.servers": stage.bootstrap_servers, "enable.idempotence": True})
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
def test_before_a_deploy_nothing_is_known_and_nothing_is_created(stage):
    topic = f"{stage.prefix}position.AAPL"
    assert status(stage, "AAPL") == [PositionStatus("AAPL", topic, None, None, Trouble("gone", topic))]
    assert stage.topics() == set()


@pytest.mark.slow
def test_what_the_gatherer_reports_of_a_partition_is_a_problem_of_its_position(stage):
    stage.create("movingaverage", "position.AAPL", "position.MSFT", partitions=2)
    group, topic = stage.prefix + "gatherer", f"{stage.prefix}position.AAPL"
    commit(stage, group, "MSFT", 0)
    commit(stage, group, "AAPL", 0, problem="lost", detail="3 records")
    assert status(stage, "AAPL", group=group)[0].problem == Trouble("lost", topic, 0, "3 records")
    commit(stage, group, "AAPL", 0, partition=1, problem="codec", since="2026-11-22 01:02:03.004")
    since = datetime(2026, 11, 22, 1, 2, 3, 4000, tzinfo=UTC)
    aapl, msft = status(stage, "AAPL", "MSFT", group=group)
    assert (aapl.problem, aapl.lag) == (Trouble("codec", topic, 1, "", since), 0)
    assert msft.problem is None
    commit(stage, group, "AAPL", 0, problem="no code of ours")
    group_offsets.commit(stage.bootstrap_servers, group, topic, 1, 0, b"\xff of others")
    assert status(stage, "AAPL", group=group)[0].problem is None


@pytest.mark.slow
def test_a_deleted_topic_is_one_positions_problem(stage, window_end):
    stage.create("movingaverage", "position.AAPL", "position.MSFT")
    group, gone = stage.prefix + "gatherer", f"{stage.prefix}position.MSFT"
    commit(stage, group, "AAPL", 0)
    commit(stage, group, "MSFT", 0)
    stage.commit(("AAPL", 1), ("MSFT", 1))
    stage.admin.delete_topics([gone])[gone].result()
    assert status(stage, "AAPL", "MSFT", group=group) == [
        PositionStatus("AAPL", f"{stage.prefix}position.AAPL", window_end(1), 0),
        PositionStatus("MSFT", gone, window_end(1), None, Trouble("gone", gone)),
    ]


@pytest.mark.slow
def test_a_partition_whose_broker_hangs_or_is_gone_is_one_positions_problem(
    kafka, second_broker, stage, window_end
):
    first, second = kafka.node_id, second_broker.node_id
    topic = f"{stage.prefix}position.MSFT"
    for name in ("movingaverage", "position.AAPL"):
        kafka.create_on(stage.prefix + name, [first])
    kafka.create_on(topic, [first, second])
    group = stage.prefix + "gatherer"
    records = ((symbol, stage.window(symbol, 1).to_json()) for symbol in ("AAPL", "MSFT"))
    stage.send("movingaverage", *records)
    for symbol, partition in (("AAPL", 0), ("MSFT", 0), ("MSFT", 1)):
        commit(stage, group, symbol, 0, partition=partition)

    def found():
        return position_status(
            kafka.bootstrap_servers, ["AAPL", "MSFT"], prefix=stage.prefix, group=group, timeout=3.0
        )

    aapl, msft = found()
    assert (aapl.problem, msft.problem, msft.lag) == (None, None, 0)
    second_broker.freeze()
    assert found()[0] == aapl
    hung = found()[1]
    assert (hung.last_window_end, hung.lag) == (window_end(1), None)
    assert hung.problem.code in ("unreadable", "leaderless")  # the other once its session has ended
    second_broker.kill()
    kafka.wait_for_leaders(topic, [first, -1])
    assert found() == [
        aapl,
        PositionStatus("MSFT", topic, window_end(1), None, Trouble("leaderless", topic, 1)),
    ]
    commit(stage, group, "MSFT", 0, partition=1, problem="leaderless", detail="Since the gatherer saw it.")
    assert found()[1].problem.detail == "Since the gatherer saw it."
    kafka.delete(topic)


@pytest.mark.slow
def test_positions_may_share_topics_and_have_several(stage):
    stage.create("position.AAPL", "prices", partitions=2)
    stage.create("movingaverage")
    shared, own = stage.prefix + "prices", stage.prefix + "position.AAPL"
    stage.send("prices", *((f"K{number}", b"{}") for number in range(10)))
    group = stage.prefix + "gatherer"
    commit(stage, group, "AAPL", 0, problem="corrupt")
    group_offsets.commit(stage.bootstrap_servers, group, shared, 0, 0)
    brokers = Brokers(stage.bootstrap_servers, timeout=20)
    inputs = [{"topic": shared}]
    (found,) = status(stage, "AAPL", group=group, inputs=inputs)
    assert (found.topic, found.lag, found.problem) == (own, 10, Trouble("corrupt", own, 0))
    topics = {"AAPL": [own, shared], "MSFT": [shared], "TSLA": [shared, "nowhere"]}
    assert progress(brokers, topics, group) == {
        "AAPL": Progress(10, Trouble("corrupt", own, 0)),
        "MSFT": Progress(10, None),
        "TSLA": Progress(10, Trouble("gone", "nowhere")),
    }


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
