"""The contract of measurements."""

from datetime import UTC, datetime

import pytest

from kafka_topic.contracts import Measurement
from kafka_topic.errors import ContractError

GOOD = Measurement(datetime(2026, 11, 22, 1, 2, 3, 4567, UTC), "cpu", 12.5, "%", "here")
BYTES = b'{"ts": "2026-11-22 01:02:03.004", "name": "cpu", "value": 12.5, "unit": "%", "host": "here"}'


def test_its_bytes():
    assert GOOD.to_json() == BYTES
    assert Measurement.from_json(BYTES) == GOOD
    assert Measurement.from_json(BYTES.replace(b"}", b', "more": 1}')) == GOOD
    assert Measurement.from_json(BYTES.replace(b"12.5", b"12")).value == 12.0


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        (b'"cpu"', b'""', "name"),
        (b'"cpu"', b"null", "name"),
        (b'"%"', b"1", "unit"),
        (b"12.5", b"NaN", "value"),
        (b"12.5", b'"12.5"', "value"),
        (b"12.5", b"true", "value"),
        (b' 01:02:03.004"', b'T01:02:03Z"', "ts"),
        (b'"host": "here"', b'"hots": "here"', "host"),
    ],
)
def test_what_breaks_it_is_named(old, new, field):
    with pytest.raises(ContractError) as caught:
        Measurement.from_json(BYTES.replace(old, new))
    assert caught.value.field == field
