import itertools
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest

from kafka_topic.consumer import DeadLetterConsumer, MovingAverageConsumer, PriceConsumer, SignalConsumer
from kafka_topic.contracts import DeadLetter, Price, Signal
from kafka_topic.errors import BrokerUnreachableError, ContractError, SymbolError, TopicMissingError


def read(stage, count, **options):
    with MovingAverageConsumer(
        stage.bootstrap_servers, prefix=stage.prefix, timeout=20, **options
    ) as records:
        return [(each.symbol, each.window_end) for each in itertools.islice(records, count)]


@pytest.mark.slow
def test_from_the_beginning_only_committed_records_come(stage, window_end):
    stage.create("movingaverage")
    stage.commit(("AAPL", 1), ("MSFT", 1))
    stage.abort(("AAPL", 98))
    stage.commit(("AAPL", 2))
    stage.begin(("AAPL", 99))
    expected = [("AAPL", window_end(1)), ("MSFT", window_end(1)), ("AAPL", window_end(2))]
    with MovingAverageConsumer(
        stage.bootstrap_servers, prefix=stage.prefix, start="beginning", timeout=8
    ) as records:
        assert [(each.symbol, each.window_end) for each in itertools.islice(records, 3)] == expected
        with pytest.raises(TimeoutError, match=f"no record came in topic '{stage.prefix}movingaverage'"):
            next(records)
        stage.producer.commit_transaction()
        assert next(records).window_end == window_end(99)


@pytest.mark.slow
def test_latest_leaves_out_what_was_written_before_even_if_committed_after(stage, window_end):
    stage.create("movingaverage")
    stage.commit(("AAPL", 1))
    stage.begin(("AAPL", 2))
    with MovingAverageConsumer(stage.bootstrap_servers, prefix=stage.prefix, timeout=20) as records:
        stage.producer.commit_transaction()
        stage.commit(("AAPL", 3))
        assert next(records).window_end == window_end(3)


@pytest.mark.slow
def test_positions_are_picked_from_all_partitions(stage, window_end):
    stage.create("movingaverage", partitions=3)
    stage.commit(*((symbol, n) for n in range(1, 4) for symbol in ("AAPL", "BRK.B", "MSFT")))
    records = read(stage, 6, start="beginning", positions=["AAPL", "BRK.B"])
    assert sorted(records) == sorted((s, window_end(n)) for s in ("AAPL", "BRK.B") for n in range(1, 4))


@pytest.mark.slow
def test_a_start_time_counts_by_record_timestamp(stage, window_end):
    stage.create("movingaverage")
    base = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
    for number in (1, 2, 3):
        at = base + timedelta(seconds=number)
        stage.commit(("AAPL", number), timestamp=int(at.timestamp() * 1000))
    start = base + timedelta(seconds=2)
    assert read(stage, 2, start=start) == [("AAPL", window_end(2)), ("AAPL", window_end(3))]
    with MovingAverageConsumer(
        stage.bootstrap_servers, prefix=stage.prefix, timeout=20, start=base + timedelta(seconds=9)
    ) as records:
        stage.commit(("AAPL", 4))
        assert next(records).window_end == window_end(4)


@pytest.mark.slow
def test_an_empty_topic_waits_for_its_first_record(stage, window_end):
    stage.create("movingaverage")
    with MovingAverageConsumer(
        stage.bootstrap_servers, prefix=stage.prefix, start="beginning", timeout=20
    ) as records:
        writer = threading.Timer(0.3, stage.commit, [("AAPL", 1)])
        writer.start()
        assert next(records).window_end == window_end(1)
        writer.join()


@pytest.mark.slow
def test_unwanted_records_do_not_put_off_the_timeout(stage):
    stage.create("movingaverage")
    stage.commit(*(("AAPL", number) for number in range(1000)))
    with (
        MovingAverageConsumer(
            stage.bootstrap_servers, prefix=stage.prefix, start="beginning", timeout=0.5, positions=["MSFT"]
        ) as records,
        pytest.raises(TimeoutError, match=r"no record of MSFT came .* for 0\.5 s"),
    ):
        next(records)


@pytest.mark.slow
def test_a_broken_record_is_named_and_can_be_skipped(stage, window_end):
    stage.create("movingaverage")
    stage.producer.begin_transaction()
    stage.producer.produce(stage.prefix + "movingaverage", b"AAPL 1 2", "AAPL")
    stage.producer.commit_transaction()
    stage.commit(("AAPL", 2))
    with MovingAverageConsumer(
        stage.bootstrap_servers, prefix=stage.prefix, start="beginning", timeout=20
    ) as records:
        with pytest.raises(ContractError, match=r"movingaverage' partition 0 offset 0: .*not JSON"):
            next(records)
        assert next(records).window_end == window_end(2)


@pytest.mark.slow
def test_a_missing_topic_is_an_error_and_stays_missing(stage):
    with pytest.raises(TopicMissingError, match=f"'{stage.prefix}movingaverage' does not exist .*deploy"):
        MovingAverageConsumer(stage.bootstrap_servers, prefix=stage.prefix)
    assert stage.topics() == set()


@pytest.mark.slow
def test_a_topic_deleted_while_read_is_an_error_and_stays_deleted(stage):
    stage.create("movingaverage")
    with MovingAverageConsumer(stage.bootstrap_servers, prefix=stage.prefix, timeout=60) as records:
        for future in stage.admin.delete_topics([stage.prefix + "movingaverage"]).values():
            future.result()
        with pytest.raises(TopicMissingError, match="is gone"):
            next(records)
    assert stage.topics() == set()


@pytest.mark.slow
def test_a_broker_restart_is_waited_out(kafka, stage, window_end):
    stage.create("movingaverage")
    stage.commit(("AAPL", 1))
    with MovingAverageConsumer(
        stage.bootstrap_servers, prefix=stage.prefix, start="beginning", timeout=60
    ) as records:
        assert next(records).window_end == window_end(1)
        kafka.restart()
        stage.commit(("AAPL", 2))
        assert next(records).window_end == window_end(2)


def test_an_unreachable_broker_is_named_and_nothing_is_printed(unused_address, capfd):
    with pytest.raises(
        BrokerUnreachableError, match=f"no Kafka broker answered at {unused_address} within 0.5 s"
    ):
        MovingAverageConsumer(unused_address, connect_timeout=0.5)
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_one_window_of_several_is_picked(stage):
    stage.create("movingaverage")
    windows = [stage.window("AAPL", number, seconds) for number in (1, 2) for seconds in (10, 60, 600)]
    stage.send("movingaverage", *(("AAPL", each.to_json()) for each in windows))
    for wanted in ("1m", "60s"):
        with MovingAverageConsumer(
            stage.bootstrap_servers, prefix=stage.prefix, start="beginning", timeout=20, window=wanted
        ) as records:
            assert list(itertools.islice(records, 2)) == [windows[1], windows[4]]


def everything(consumer, stage, count, **options):
    with consumer(
        stage.bootstrap_servers, prefix=stage.prefix, start="beginning", timeout=20, **options
    ) as records:
        return list(itertools.islice(records, count))


@pytest.mark.slow
def test_signals(stage, window_end):
    stage.create("signals")
    signals = [
        Signal(
            "regime", "high", symbol, window_end(1), "1m", None, 5.0, 2.0, 1.0, None, None, None, "It rose."
        )
        for symbol in ("AAPL", "MSFT", "AAPL")
    ]
    stage.send("signals", *((each.symbol, each.to_json()) for each in signals))
    assert everything(SignalConsumer, stage, 3) == signals
    assert everything(SignalConsumer, stage, 1, positions=["MSFT"]) == [signals[1]]


@pytest.mark.slow
def test_dead_letters_are_of_the_position_whose_topic_they_were_found_in(stage, window_end):
    stage.create("dead_letter")
    letters = [
        DeadLetter(f"{stage.prefix}position.{symbol}", 0, 7, "not_json", "", window_end(1), b"\xff")
        for symbol in ("AAPL", "BRK.B")
    ]
    # With the key as it should be, and without one.
    stage.send("dead_letter", ("AAPL", letters[0].to_json()), ("BRK.B", letters[1].to_json()))
    stage.send("dead_letter", (None, letters[0].to_json()), (None, letters[1].to_json()))
    assert everything(DeadLetterConsumer, stage, 4) == letters * 2
    assert everything(DeadLetterConsumer, stage, 2, positions=["BRK.B"]) == [letters[1]] * 2
    # A topic of others may hold several positions: the key tells which.
    others = DeadLetter("prices", 0, 7, "not_json", "", window_end(1), b"\xff")
    stage.send("dead_letter", *((key, others.to_json()) for key in ("AAPL", "BRK.B", None)))
    assert everything(DeadLetterConsumer, stage, 3, positions=["BRK.B"]) == [*[letters[1]] * 2, others]


@pytest.mark.slow
def test_prices_of_the_positions_wanted_and_of_all(stage, window_end):
    stage.create("position.AAPL", "position.BRK.B", "movingaverage")
    apple, berkshire = Price(window_end(1), "AAPL", 1.5), Price(window_end(2), "BRK.B", 2.5)
    # The topic tells whose a price is, whatever key its writer chose.
    stage.send("position.AAPL", ("any", apple.to_json()), ("AAPL", berkshire.to_json()))
    stage.send("position.BRK.B", (None, berkshire.to_json()))
    assert everything(PriceConsumer, stage, 1, positions=["BRK.B"]) == [berkshire]
    with PriceConsumer(
        stage.bootstrap_servers, prefix=stage.prefix, start="beginning", timeout=20, positions=["AAPL"]
    ) as records:
        assert next(records) == apple
        with pytest.raises(ContractError, match=r"position\.AAPL' .* offset 1: .*that of the topic, AAPL"):
            next(records)
    stage.send("position.AAPL", ("AAPL", apple.to_json()))
    broken = []
    assert everything(PriceConsumer, stage, 2, positions=["AAPL"], on_broken=broken.append) == [apple] * 2
    assert [str(error).partition(":")[0] for error in broken] == [
        f"topic '{stage.prefix}position.AAPL' partition 0 offset 1"
    ]
    with PriceConsumer(stage.bootstrap_servers, prefix=stage.prefix, timeout=20) as records:
        stage.send("position.AAPL", ("AAPL", apple.to_json()))
        stage.send("position.BRK.B", ("BRK.B", berkshire.to_json()))
        assert {each.symbol for each in itertools.islice(records, 2)} == {"AAPL", "BRK.B"}


@pytest.mark.slow
def test_prices_of_positions_without_a_topic(stage):
    with pytest.raises(TopicMissingError, match=rf"no topic {stage.prefix}position\.\* exists"):
        PriceConsumer(stage.bootstrap_servers, prefix=stage.prefix)
    stage.create("position.AAPL")
    with pytest.raises(TopicMissingError, match=rf"'{stage.prefix}position\.MSFT' does not exist"):
        PriceConsumer(stage.bootstrap_servers, prefix=stage.prefix, positions=["AAPL", "MSFT"])


def test_wrong_arguments_are_refused_before_anything_is_contacted(unused_address):
    with pytest.raises(SymbolError, match="'A B'"):
        MovingAverageConsumer(unused_address, positions=["A B"])
    with pytest.raises(ValueError, match="start is 'newest'"):
        MovingAverageConsumer(unused_address, start="newest")
    with pytest.raises(ValueError, match="'a minute' is not the length of a window"):
        MovingAverageConsumer(unused_address, window="a minute")
    with pytest.raises(ValueError, match="no time zone"):
        MovingAverageConsumer(unused_address, start=datetime(2026, 11, 22))


@pytest.mark.slow
def test_ctrl_c_ends_a_waiting_consumer_at_once(stage):
    stage.create("movingaverage")
    code = (
        "import sys; from kafka_topic.consumer import MovingAverageConsumer\n"
        "try:\n"
        "    with MovingAverageConsumer(sys.argv[1], prefix=sys.argv[2]) as records:\n"
        "        print('waiting', flush=True)\n"
        "        next(records)\n"
        "except KeyboardInterrupt:\n"
        "    sys.exit(7)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, stage.bootstrap_servers, stage.prefix], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"waiting\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 7
