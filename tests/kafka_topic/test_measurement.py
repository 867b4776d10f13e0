"""Measurements: what they hold, and what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from kafka_topic.contracts import Measurement
from kafka_topic.errors import ContractError

TS = datetime(2026, 11, 22, 1, 2, 3, 4000, UTC)
GIVEN = {"ts": "2026-11-22 01:02:03.004", "name": "cpu", "value": 12.5, "unit": "%", "host": "laptop"}


def test_its_bytes():
    expected = (
        b'{"ts": "2026-11-22 01:02:03.004", "name": "cpu", "value": 12.5, "unit": "%", "host": "laptop"}'
    )
    assert Measurement(TS, "cpu", 12.5, "%", "laptop").to_json() == expected


def test_what_is_written_reads_back():
    measurement = Measurement(TS, "cpu", 12.5, "%", "laptop")
    assert json.loads(measurement.to_json()) == GIVEN
    assert Measurement.from_json(measurement.to_json()) == measurement
    assert Measurement.from_json(json.dumps({**GIVEN, "more": 1, "value": 3}).encode()).value == 3.0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ts", "2026-11-22T01:02:03"),
        ("ts", "9999-12-31 23:59:59.999"),
        ("name", ""),
        ("name", "é" * 65),
        ("host", "\ud800"),
        ("value", "12.5"),
        ("value", True),
        ("value", float("nan")),
        ("unit", None),
        ("host", 7),
    ],
)
def test_what_is_refused_is_named(field: str, value: Any):
    with pytest.raises(ContractError) as caught:
        Measurement.from_json(json.dumps({**GIVEN, field: value}).encode())
    assert caught.value.field == field
    without = {name: each for name, each in GIVEN.items() if name != field}
    with pytest.raises(ContractError, match=f"{field!r} is missing"):
        Measurement.from_json(json.dumps(without).encode())
