"""Signals, limits and dead letters."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka_topic.contracts import REASONS, DeadLetter, Limits, Signal
from kafka_topic.errors import ContractError

TIME = datetime(2026, 11, 22, 1, 2, 3, 4000, tzinfo=UTC)
REGIME = {
    "kind": "regime",
    "event": "high",
    "symbol": "AAPL",
    "time": "2026-11-22 01:02:03.004",
    "window": "1m",
    "side": None,
    "price": 238.32,
    "value": 1.25,
    "threshold": 1.0,
    "probability": None,
    "horizon_seconds": None,
    "lead_seconds": None,
    "reason": "cv rose to 1.25 %, above 1 %",
}
ANOMALY = {**REGIME, "kind": "anomaly", "event": "below", "window": "10s", "value": 230.0, "threshold": 231.5}
LIKELY = {
    **REGIME,
    "kind": "limit",
    "event": "likely",
    "side": "buy",
    "value": 0.61,
    "threshold": 0.5,
    "probability": 0.61,
    "horizon_seconds": 300,
    "lead_seconds": 75.5,
}
REACHED = {**REGIME, "kind": "limit", "event": "reached", "side": "sell", "window": None}
NO_FORECAST = {**REACHED, "event": "no_forecast", "side": None, "value": None, "threshold": None}
GAP = {**REGIME, "kind": "gap", "event": "silent", "window": "10s", "value": 5.5, "threshold": 5}
LIMITS = {
    "symbol": "BRK.B",
    "set_at": "2026-11-22 01:02:03.004",
    "buy": 95,
    "sell": 110.5,
    "probability": 0.7,
    "horizon_seconds": 60,
    "regime_high": 2,
    "regime_low": 0,
    "anomaly_sigmas": 4.5,
}
LETTER = {
    "topic": "position.AAPL",
    "partition": 0,
    "offset": 17,
    "reason": "not_json",
    "detail": "ends early",
    "time": "2026-11-22 01:02:03.004",
    "bytes": "eyJhIjo=",
}


def encoded(record, **changes):
    return json.dumps({**record, **changes}).encode()


@pytest.mark.parametrize("record", [REGIME, ANOMALY, LIKELY, REACHED, NO_FORECAST, GAP])
def test_a_signal_reads_back_as_written(record):
    signal = Signal.from_json(encoded(record, later="ignored"))
    assert signal.time == TIME
    assert json.loads(signal.to_json()) == record
    assert Signal.from_json(signal.to_json()) == signal


@pytest.mark.parametrize(
    ("field", "record", "changes"),
    [
        ("kind", REGIME, {"kind": "regimes"}),
        ("kind", REGIME, {"kind": ["regime"]}),
        ("event", REGIME, {"event": "above"}),
        ("event", ANOMALY, {"event": "high"}),
        ("symbol", REGIME, {"symbol": "A B"}),
        ("time", REGIME, {"time": "2026-11-22T01:02:03.004"}),
        ("window", REGIME, {"window": "a minute"}),
        ("window", REGIME, {"window": 60}),
        ("window", REGIME, {"window": "60s"}),
        ("window", REGIME, {"window": "1.5m"}),
        ("side", REGIME, {"side": "buy"}),
        ("side", ANOMALY, {"side": "sell"}),
        ("side", GAP, {"side": "sell"}),
        ("event", GAP, {"event": "high"}),
        ("value", GAP, {"value": None}),
        ("probability", GAP, {"probability": 0.5, "horizon_seconds": 300}),
        ("side", LIKELY, {"side": None}),
        ("side", REACHED, {"side": "low"}),
        ("price", REGIME, {"price": "0"}),
        ("price", NO_FORECAST, {"price": None}),
        ("value", REGIME, {"value": None}),
        ("value", LIKELY, {"value": 1e999}),
        ("value", NO_FORECAST, {"value": 0.5}),
        ("threshold", REACHED, {"threshold": None}),
        ("threshold", NO_FORECAST, {"threshold": 0.5}),
        ("probability", LIKELY, {"probability": None, "horizon_seconds": None, "lead_seconds": None}),
        ("probability", LIKELY, {"probability": 1.01}),
        ("probability", LIKELY, {"probability": "0.5"}),
        ("probability", REGIME, {"probability": 0.5, "horizon_seconds": 300}),
        ("probability", NO_FORECAST, {"probability": 0.5, "horizon_seconds": 300}),
        ("horizon_seconds", LIKELY, {"horizon_seconds": None}),
        ("horizon_seconds", LIKELY, {"horizon_seconds": 0}),
        ("horizon_seconds", REACHED, {"horizon_seconds": 300}),
        ("lead_seconds", LIKELY, {"lead_seconds": -1}),
        ("lead_seconds", REACHED, {"lead_seconds": 1}),
        ("reason", REGIME, {"reason": ""}),
    ],
)
def test_a_bad_signal_names_the_field(field, record, changes):
    with pytest.raises(ContractError, match=f"field '{field}'") as caught:
        Signal.from_json(encoded(record, **changes))
    assert caught.value.field == field


@pytest.mark.parametrize("name", REGIME)
def test_a_signal_misses_a_field(name):
    with pytest.raises(ContractError, match=f"field '{name}' is missing"):
        Signal.from_json(json.dumps({key: REGIME[key] for key in REGIME if key != name}).encode())


def test_limits_read_back_as_written():
    limits = Limits.from_json(encoded(LIMITS, later="ignored"))
    assert limits == Limits("BRK.B", TIME, 95, 110.5, 0.7, 60, 2, 0, 4.5)
    assert json.loads(limits.to_json()) == LIMITS


def test_limits_that_are_not_set_come_from_the_settings():
    alone = Limits.from_json(json.dumps({"symbol": "AAPL", "set_at": LIMITS["set_at"], "buy": 9}).encode())
    assert alone == Limits("AAPL", TIME, buy=9)
    assert json.loads(alone.to_json()) == {
        **dict.fromkeys(LIMITS),
        "symbol": "AAPL",
        "set_at": LIMITS["set_at"],
        "buy": 9,
    }


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("symbol", {"symbol": None}),
        ("set_at", {"set_at": None}),
        ("buy", {"buy": 0}),
        ("buy", {"buy": 9e-9}),
        ("sell", {"sell": 1e9}),
        ("buy", {"buy": 110.5}),
        ("sell", {"sell": "110"}),
        ("sell", {"sell": 1e999}),
        ("probability", {"probability": 0}),
        ("probability", {"probability": 1}),
        ("horizon_seconds", {"horizon_seconds": -300}),
        ("regime_high", {"regime_high": True}),
        ("regime_low", {"regime_low": 2}),
        ("regime_low", {"regime_low": -0.1}),
        ("anomaly_sigmas", {"anomaly_sigmas": 0}),
    ],
)
def test_bad_limits_name_the_field(field, changes):
    with pytest.raises(ContractError, match=f"field '{field}'") as caught:
        Limits.from_json(encoded(LIMITS, **changes))
    assert caught.value.field == field


def test_a_dead_letter_has_the_bytes_that_came():
    letter = DeadLetter.from_json(encoded(LETTER, later="ignored"))
    assert letter == DeadLetter("position.AAPL", 0, 17, "not_json", "ends early", TIME, b'{"a":')
    assert json.loads(letter.to_json()) == LETTER


@given(value=st.none() | st.binary(), reason=st.sampled_from(list(REASONS)), detail=st.text())
def test_a_dead_letter_reads_back_as_written(value, reason, detail):
    letter = DeadLetter("position.AAPL", 3, 2**62, reason, detail, TIME, value)
    assert DeadLetter.from_json(letter.to_json()) == letter


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("topic", {"topic": ""}),
        ("partition", {"partition": -1}),
        ("offset", {"offset": 1.0}),
        ("reason", {"reason": "broken"}),
        ("detail", {"detail": None}),
        ("time", {"time": 1700000000000}),
        ("bytes", {"bytes": "{}"}),
        ("bytes", {"bytes": "YQ"}),
        ("bytes", {"bytes": "ä"}),
        ("bytes", {"bytes": [97]}),
    ],
)
def test_a_bad_dead_letter_names_the_field(field, changes):
    with pytest.raises(ContractError, match=f"field '{field}'") as caught:
        DeadLetter.from_json(encoded(LETTER, **changes))
    assert caught.value.field == field


@pytest.mark.parametrize("name", LETTER)
def test_a_dead_letter_misses_a_field(name):
    with pytest.raises(ContractError, match=f"field '{name}' is missing"):
        DeadLetter.from_json(json.dumps({key: LETTER[key] for key in LETTER if key != name}).encode())
