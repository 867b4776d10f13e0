"""N asked is N in the topics: each tick once, in order, with its price."""

import itertools
from datetime import UTC, datetime

import numpy as np
import pytest

from data_generator.encoding import to_cents
from data_generator.models import MODELS, position_random
from kafka_topic.contracts import Price

pytestmark = pytest.mark.slow


def ticks(kafka, topic):
    return [Price.from_json(record.value()) for record in kafka.records(topic)]


def expected_prices(count, *, symbol="AAPL", model="regimes", seed=7, rate=50.0, volatility=0.2):
    path = MODELS[model](position_random(seed, symbol), 100.0, volatility, 1 / rate)
    return (to_cents(path.next(count)) / 100).tolist()


def test_a_count_is_exact_and_spread_over_the_positions(kafka, prefix, generate):
    symbols = ["AAPL", "BRK.B", "TSLA"]
    kafka.create(*(f"{prefix}position.{symbol}" for symbol in symbols))
    before = datetime.now(UTC).replace(microsecond=0)
    run = generate("--positions", "AAPL,BRK.B,TSLA", "--seed", "7", "--volatility", "20", "--count", "100001")
    assert run.end() == 0, run.log
    assert run.final_counts() == {
        "produced": 100_001, "delivered": 100_001, "failed": 0, "queued": 0, "skipped": 0,
    }  # fmt: skip
    for symbol, share in zip(symbols, (33_334, 33_334, 33_333), strict=True):
        records = kafka.records(f"{prefix}position.{symbol}")
        found = [Price.from_json(record.value()) for record in records]
        assert len(found) == share
        assert {record.key() for record in records} == {symbol.encode()}
        assert [tick.price for tick in found] == expected_prices(share, symbol=symbol, volatility=20)
        times = [tick.ts for tick in found]
        assert np.diff(np.array([t.timestamp() for t in times])).min() > 0.0189, "50 a second are 20 ms apart"
        # The schedule ends now: no event time lies in the future. Retention goes by the time of writing.
        assert before <= times[-1] <= datetime.now(UTC)
        assert min(record.timestamp()[1] for record in records) >= before.timestamp() * 1000


def test_same_seed_same_prices_whatever_the_other_positions(kafka, prefix, generate):
    kafka.create(*(f"{prefix}position.{symbol}" for symbol in ("AAPL", "AMZN")))
    for positions, count in (("AAPL", "500"), ("AMZN,AAPL", "1000")):
        run = generate("--positions", positions, "--count", count, "--seed", "9", "--model", "ou")
        assert run.end() == 0, run.log
    prices = [tick.price for tick in ticks(kafka, f"{prefix}position.AAPL")]
    assert len(prices) == 1000
    assert prices[:500] == prices[500:]
    assert len(set(prices)) > 100


@pytest.mark.parametrize("end_broker", ["kill", pytest.param("stop", marks=pytest.mark.long)])
def test_a_broker_restart_in_the_middle_loses_and_repeats_nothing(kafka, prefix, generate, end_broker):
    symbols = ["AAPL", "MSFT"]
    kafka.create(*(f"{prefix}position.{symbol}" for symbol in symbols))
    run = generate(
        "--positions", "AAPL,MSFT", "--seed", "7", "--rate", "4000", "--count", "60000", "--volatility", "20",
        "--port", "0", "--flush-timeout", "120",  # a busy machine takes long to start the broker again
    )  # fmt: skip
    run.wait_for_count("delivered", 5000)
    getattr(kafka, end_broker)()
    kafka.start()
    assert run.process.poll() is None, "the restart was meant to happen in the middle"
    assert run.end() == 0, run.log
    assert run.final_counts()["delivered"] == 60_000
    for symbol in symbols:
        found = ticks(kafka, f"{prefix}position.{symbol}")
        assert [tick.price for tick in found] == expected_prices(
            30_000, symbol=symbol, rate=4000, volatility=20
        )
        assert all(a.ts <= b.ts for a, b in itertools.pairwise(found))


def test_a_count_at_a_rate_takes_its_time(kafka, prefix, generate):
    kafka.create(f"{prefix}position.AAPL")
    run = generate("--positions", "AAPL", "--count", "61", "--rate", "30")
    assert run.end() == 0, run.log
    found = ticks(kafka, f"{prefix}position.AAPL")
    assert len(found) == 61
    assert (found[-1].ts - found[0].ts).total_seconds() == 2
    written = [record.timestamp()[1] for record in kafka.records(f"{prefix}position.AAPL")]
    late = [at - tick.ts.timestamp() * 1000 for at, tick in zip(written, found, strict=True)]
    assert min(late) >= -1, "no tick is written before its time"


def test_an_interrupted_count_says_what_is_missing(kafka, prefix, generate):
    kafka.create(f"{prefix}position.AAPL")
    run = generate("--positions", "AAPL", "--count", "100000", "--rate", "100", "--port", "0")
    run.wait_for_count("delivered", 10)
    assert run.terminate() == 1
    there = len(kafka.records(f"{prefix}position.AAPL"))
    assert f"{100_000 - there} of 100000 ticks are not in Kafka; the run was interrupted" in run.log


def test_a_large_count_is_there_to_the_last_tick(kafka, prefix, generate):
    kafka.create(*(f"{prefix}position.{symbol}" for symbol in ("AAPL", "MSFT")))
    run = generate("--positions", "AAPL,MSFT", "--count", "200000")
    assert run.end() == 0, run.log
    assert [len(kafka.records(f"{prefix}position.{symbol}")) for symbol in ("AAPL", "MSFT")] == [100_000] * 2
