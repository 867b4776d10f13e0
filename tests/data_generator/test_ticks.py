import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_generator.encoding import MAX_CENTS, encode, to_cents
from data_generator.models import MODELS, position_random
from data_generator.ticks import TickSource
from kafka_topic.contracts import Price

START_MS = 1_795_309_323_004  # 2026-11-22 01:02:03.004
YEARS_MS = [int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * 1000 for year in (2000, 2050)]
TICKS = st.lists(
    st.tuples(st.integers(YEARS_MS[0], YEARS_MS[1] - 1), st.integers(1, MAX_CENTS)), min_size=1, max_size=50
)
RECORDS = json.loads((Path(__file__).parents[1] / "price_records.json").read_text(encoding="utf-8"))


def source(rate=50.0, *, model="gbm", volatility=0.2, start=100.0):
    prices = MODELS[model](position_random(1, "AAPL"), start, volatility, 1 / rate)
    return TickSource("AAPL", prices, rate=rate, start_ms=START_MS)


def times_ms(records):
    return [int(Price.from_json(record).ts.timestamp() * 1000 + 0.5) for record in records]


@given(TICKS)
def test_encoded_ticks_are_what_the_contract_writes(ticks):
    epoch_ms, cents = (np.array(column, dtype=np.int64) for column in zip(*ticks, strict=True))
    expected = [
        Price(datetime.fromtimestamp(ms // 1000, UTC).replace(microsecond=ms % 1000 * 1000), "BRK.B", c / 100)
        for ms, c in ticks
    ]
    records = encode("BRK.B", epoch_ms, cents)
    assert [Price.from_json(record) for record in records] == expected
    assert records == [tick.to_json() for tick in expected]


def test_encoded_ticks_are_records_of_the_contract():
    cases = [case for case in RECORDS if case.get("encoded")]
    epoch_ms = np.array([case["ms"] for case in cases])
    cents = np.array([case["units"] // 10**6 for case in cases])
    assert encode("AAPL", epoch_ms, cents) == [case["record"].encode() for case in cases]


def test_prices_are_rounded_to_cents_and_stay_above_zero():
    assert to_cents(np.array([1.004, 1.006, 0.004, 0.0, -5.0, 1e300])).tolist() == [
        100, 101, 1, 1, 1, MAX_CENTS,
    ]  # fmt: skip


@pytest.mark.parametrize("model", MODELS)
def test_ticks_of_every_model_keep_the_contract(model):
    for record in source(model=model, volatility=0.5).take(5000):
        tick = Price.from_json(record)
        assert tick.symbol == "AAPL"
        assert tick.price == round(tick.price, 2)


def test_normal_prices_far_below_zero_become_the_least_price():
    drawn = [Price.from_json(record).price for record in source(model="normal", volatility=5).take(1000)]
    assert min(drawn) == 0.01


@pytest.mark.parametrize("rate", [0.5, 3, 50, 333.3, 999.999, 1000])
def test_event_times_strictly_increase_up_to_a_thousand_a_second(rate):
    times = times_ms(source(rate).take(5000))
    assert np.diff(times).min() >= 1
    assert times[0] == START_MS
    assert times[-1] == START_MS + int(4999 * 1000 / rate)


def test_event_times_never_decrease_above():
    times = times_ms(source(25_000).take(5000))
    assert np.diff(times).min() == 0
    assert times[-1] - times[0] == 199


def test_the_sizes_of_blocks_make_no_difference():
    pieces = source()
    assert [r for size in (1, 10, 300, 89) for r in pieces.take(size)] == source().take(400)


def test_ticks_are_due_at_their_time_and_not_before():
    ticks = source(50)
    assert ticks.due(START_MS - 1) == 0
    assert ticks.due(START_MS) == 1
    assert ticks.due(START_MS + 19.9) == 1
    assert ticks.due(START_MS + 1000) == 51
    ticks.take(51)
    assert ticks.due(START_MS + 1000) == 0
    assert ticks.due(START_MS - 3_600_000) == 0  # the clock was set back: wait, don't repeat times
    assert ticks.due(START_MS + 1020) == 1


def test_event_times_follow_a_clock_that_is_set_back_by_more_than_a_minute():
    ticks = source(50)
    ticks.take(51)
    ticks.follow(START_MS - 59_000)
    assert ticks.due(START_MS - 59_000) == 0
    ticks.follow(START_MS - 3_600_000)
    assert ticks.due(START_MS - 3_600_000) == 1
    assert times_ms(ticks.take(2)) == [START_MS - 3_600_000, START_MS - 3_599_980]


@pytest.mark.parametrize("rate", [0.01, 50])
def test_a_slow_schedule_is_not_ahead_of_the_clock(rate):
    ticks = source(rate)
    ticks.take(1)
    ticks.follow(START_MS)
    assert ticks.due(START_MS) == 0


def test_skipped_ticks_leave_a_gap_in_time_but_not_in_the_price_path():
    whole, gapped = source(50), source(50)
    expected = [Price.from_json(record).price for record in whole.take(20)]
    first = gapped.take(10)
    gapped.skip(100)
    second = gapped.take(10)
    assert [Price.from_json(record).price for record in first + second] == expected
    assert times_ms(second)[0] == START_MS + 110 * 20
