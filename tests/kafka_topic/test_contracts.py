import dataclasses
import json
import math
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka_topic.contracts import MovingAverage, Price, parse_time
from kafka_topic.errors import ContractError
from kafka_topic.statistics import STATISTICS

RECORDS = json.loads((Path(__file__).parents[1] / "price_records.json").read_text(encoding="utf-8"))
TS = datetime(2026, 11, 22, 1, 2, 3, 4000, tzinfo=UTC)
PRICE = {"ts": "2026-11-22 01:02:03.004", "symbol": "AAPL", "price": 238.32}
AVERAGE = {
    "symbol": "AAPL",
    "window_start": "2026-11-22 01:02:00.000",
    "window_end": "2026-11-22 01:02:10.000",
    "count": 3,
    "last": 11.0,
    "min": 10.0,
    "max": 12.0,
    "mean": 11.0,
    "stddev": 1.0,
    "cv": 9.09,
}
OPTIONAL = {
    "median": 11.0,
    "mad": 1.4826,
    "realized_vol": 0.0002,
    "ewma_vol": 0.00001,
    "bollinger_upper": 13.0,
    "bollinger_lower": 9.0,
    "skewness": -0.4,
}
# Of larger ones, a float does not hold all eight decimals.
PRICES = st.integers(1, 10**15).map(lambda units: units / 10**8)
TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2050, 1, 1) - timedelta(microseconds=1)).map(
    lambda time: time.replace(microsecond=time.microsecond // 1000 * 1000, tzinfo=UTC)
)


def encoded(record, **changes):
    return json.dumps({**record, **changes}).encode()


def without(record, name):
    return json.dumps({key: value for key, value in record.items() if key != name}).encode()


def test_a_price_has_the_canonical_form():
    assert Price(TS, "AAPL", 238.32).to_json() == (
        b'{"ts": "2026-11-22 01:02:03.004", "symbol": "AAPL", "price": 238.32}'
    )
    assert Price(TS.replace(microsecond=0), "BRK.B", 5).to_json() == (
        b'{"ts": "2026-11-22 01:02:03.000", "symbol": "BRK.B", "price": 5.00}'
    )


@given(ts=TIMES, price=PRICES)
def test_a_price_reads_back_as_written(ts, price):
    tick = Price(ts, "BTC-USD", price)
    assert Price.from_json(tick.to_json()) == tick


@pytest.mark.parametrize("case", RECORDS, ids=lambda case: case["record"][:90])
def test_a_record_counts_where_the_gatherer_counts_it(case):
    """gatherer/java's RecordParserTest and data_generator's test_ticks.py run the same records."""
    record = case["record"].encode()
    if "reason" in case:
        with pytest.raises(ContractError) as caught:
            Price.from_json(record, "AAPL")
        assert caught.value.field == case["field"]
        return
    tick = Price.from_json(record, "AAPL")
    assert (tick.ts, tick.symbol) == (datetime.fromtimestamp(case["ms"] / 1000, UTC), "AAPL")
    assert tick.price == float(Decimal(case["units"]) / 10**8)
    if case.get("encoded"):
        assert tick.to_json() == record


def test_times_are_turned_to_utc_and_cut_to_milliseconds():
    local = TS.astimezone(timezone(timedelta(hours=-7))) + timedelta(microseconds=999)
    assert Price(local, "AAPL", 1).ts == TS
    assert Price(local, "AAPL", 1).to_json() == Price(TS, "AAPL", 1).to_json()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("price", price) for price in (0, -1.5, "238.32", None, True, [1], 10**400)),
        *(("symbol", symbol) for symbol in (None, 7, "", "A B", "^X")),
        *(
            ("ts", ts)
            for ts in (
                None,
                1700000000000,
                "2026-11-22T01:02:03.004",
                "2026-11-22 01:02:03.004Z",
                "2026-02-30 01:02:03.004",
                "2026-11-22 25:02:03.004",
                "٢٠٢٦-11-22 01:02:03.004",
            )
        ),
    ],
)
def test_a_bad_price_names_field_and_value(field, value):
    with pytest.raises(ContractError) as caught:
        Price.from_json(encoded(PRICE, **{field: value}))
    assert caught.value.field == field
    assert f"field {field!r}" in str(caught.value)


@pytest.mark.parametrize("name", PRICE)
def test_a_price_misses_a_field(name):
    with pytest.raises(ContractError, match=f"field '{name}' is missing"):
        Price.from_json(without(PRICE, name))


@pytest.mark.parametrize("data", [b"", b"AAPL 1 2", b"[1]", b"null", b"\xff", b'{"a":1', b"[" * 100_000])
def test_a_value_that_is_not_a_json_object_is_shown(data):
    with pytest.raises(ContractError, match="the record is not") as caught:
        Price.from_json(data)
    assert caught.value.field is None
    assert len(str(caught.value)) < 300


def test_a_price_cannot_be_built_without_time_zone_or_value():
    with pytest.raises(ContractError, match="'ts' must be a datetime with a time zone"):
        Price(TS.replace(tzinfo=None), "AAPL", 1.0)
    with pytest.raises(ContractError, match="'price' must be finite; it is nan"):
        Price(TS, "AAPL", math.nan)


def test_a_moving_average_reads_back_as_written():
    record = MovingAverage.from_json(encoded(AVERAGE))
    assert record.window_end == datetime(2026, 11, 22, 1, 2, 10, tzinfo=UTC)
    assert json.loads(record.to_json()) == {**AVERAGE, "window": "10s"}
    assert MovingAverage.from_json(record.to_json()) == record


def test_fields_added_later_are_ignored():
    assert MovingAverage.from_json(encoded(AVERAGE, later=7)) == MovingAverage.from_json(encoded(AVERAGE))


def test_a_record_has_the_window_that_its_ends_make():
    assert MovingAverage.from_json(encoded(AVERAGE)).window == "10s"
    assert MovingAverage.from_json(encoded(AVERAGE, window="10s")).window == "10s"
    long = encoded(AVERAGE, window="1m", window_end="2026-11-22 01:03:00.000")
    assert MovingAverage.from_json(long).window == "1m"
    for wrong in ("1m", "10000ms", 10, None):
        with pytest.raises(ContractError, match="field 'window' must be \"10s\""):
            MovingAverage.from_json(encoded(AVERAGE, window=wrong))


def test_statistics_that_are_on_are_written_whether_defined_or_not():
    record = MovingAverage.from_json(encoded(AVERAGE, **OPTIONAL))
    assert json.loads(record.to_json()) == {**AVERAGE, "window": "10s", **OPTIONAL}
    assert record.statistics == STATISTICS.keys()
    undefined = MovingAverage.from_json(encoded(AVERAGE, median=10.5, ewma_vol=None))
    assert undefined.statistics == {"median", "ewma_vol"}
    assert undefined.ewma_vol is None and undefined.realized_vol is None
    assert json.loads(undefined.to_json()) == {**AVERAGE, "window": "10s", "median": 10.5, "ewma_vol": None}
    assert MovingAverage.from_json(undefined.to_json()) == undefined


def test_a_statistic_with_a_value_is_on():
    start = datetime(2026, 11, 22, tzinfo=UTC)
    made = MovingAverage(
        "AAPL", start, start + timedelta(minutes=1), 1, 2.0, 2.0, 2.0, 2.0, None, None, {"median": 2.0}
    )
    assert made.statistics == {"median"}
    assert json.loads(made.to_json())["window"] == "1m"
    with pytest.raises(ContractError, match="may hold median, mad"):
        dataclasses.replace(made, values={"skew": 1.0})


def test_one_tick_has_no_spread():
    one = MovingAverage.from_json(encoded(AVERAGE, count=1, stddev=None, cv=None))
    assert one.stddev is None and one.cv is None
    assert json.loads(one.to_json())["stddev"] is None


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("count", {"count": 0}),
        ("count", {"count": 2.0}),
        ("count", {"count": True}),
        ("last", {"last": 12.5}),
        ("last", {"last": None}),
        ("min", {"min": "10"}),
        ("max", {"max": 1e999}),
        ("mean", {"mean": None}),
        ("stddev", {"stddev": -0.1}),
        ("stddev", {"stddev": None}),
        ("stddev", {"count": 1}),
        ("cv", {"cv": None}),
        ("cv", {"count": 1, "stddev": None}),
        ("window_end", {"window_end": AVERAGE["window_start"]}),
        ("window_start", {"window_start": "yesterday"}),
        ("symbol", {"symbol": "A/B"}),
        ("median", {"median": 9.99}),
        ("median", {"median": "11"}),
        ("mad", {"mad": -0.1}),
        ("realized_vol", {"realized_vol": 1e999}),
        ("ewma_vol", {"ewma_vol": True}),
        ("bollinger_upper", {"bollinger_upper": None, "bollinger_lower": 9.0}),
        ("bollinger_upper", {"bollinger_upper": 8.0, "bollinger_lower": 9.0}),
        ("bollinger_lower", {"bollinger_upper": 13.0}),
        (
            "bollinger_lower",
            {"count": 1, "stddev": None, "cv": None, "bollinger_upper": None, "bollinger_lower": 9.0},
        ),
    ],
)
def test_a_bad_moving_average_names_the_field(field, changes):
    with pytest.raises(ContractError) as caught:
        MovingAverage.from_json(encoded(AVERAGE, **changes))
    assert caught.value.field == field


@pytest.mark.parametrize("name", AVERAGE)
def test_a_moving_average_misses_a_field(name):
    with pytest.raises(ContractError, match=f"field '{name}' is missing"):
        MovingAverage.from_json(without(AVERAGE, name))


def test_parse_time_knows_its_format_only():
    assert parse_time("ts", "2026-11-22 01:02:03.004") == TS


def test_the_light_modules_load_no_kafka_client():
    code = (
        "import sys, kafka_topic, kafka_topic.contracts, kafka_topic.plan;"
        "sys.exit('confluent_kafka' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
