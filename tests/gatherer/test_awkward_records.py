"""Records that are awkward to pass on: the job tells of each once, and goes on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kafka_topic.contracts import DeadLetter

pytestmark = pytest.mark.slow

START = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
AFTER_INTEGERS = datetime(2041, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
LONGEST = 700_000


def test_each_is_a_dead_letter_and_the_job_goes_on(bundle: Any) -> None:
    bundle.create("position.ODD", **{"message.timestamp.after.max.ms": str(2**63 - 1)})
    position, limits = f"{bundle.prefix}position.ODD", f"{bundle.prefix}limits"
    ts = f"{START:%Y-%m-%d %H:%M:%S}.000"
    records = [
        b"x" * LONGEST,
        b"x" * (LONGEST + 1),  # longer than Kafka takes, once it is a letter
        f'{{"ts": "{ts}", "symbol": "{"S" * LONGEST}", "price": 1}}'.encode(),
        f'{{"ts": "{ts}", "symbol": "ODD", "price": 1e99999999999}}'.encode(),
    ]
    for record in records:
        bundle.send("ODD", record)
    bundle.producer.produce(position, b"[]", timestamp=round(AFTER_INTEGERS.timestamp() * 1000))
    bundle.producer.produce(position, b"[]", timestamp=2**63 - 10**6)
    # Keys that are no symbol, and limits that no price reaches.
    for key in (None, b"", b"\xff\xfe", b"K" * 900_000):
        bundle.producer.produce(limits, b"{}", key=key)
    for price in ("1e301", "1e-310"):
        value = f'{{"symbol": "ODD", "set_at": "{ts}", "sell": {price}}}'
        bundle.producer.produce(limits, value, key="ODD")
    for second in range(90):
        bundle.tick("ODD", START + timedelta(seconds=second), f"{100 + second * second % 7}.00")
    bundle.flush()
    bundle.app.start()
    bundle.app.until_healthy()
    letters = bundle.wait_until(
        lambda: len(found := bundle.records("dead_letter")) >= 12 and bundle.averages() and found,
        "the letters",
    )
    assert bundle.app.stop() == 0
    assert len(letters) == 12
    found = {}
    for message in letters:
        letter = DeadLetter.from_json(message.value())
        found[letter.topic, letter.offset] = letter, message.key()
    for offset, record in enumerate(records):
        letter, key = found[position, offset]
        assert letter.value == (record if len(record) <= LONGEST else None), offset
        assert (str(len(record)) in letter.detail) == (letter.value is None), letter.detail
        assert len(letter.detail) < 250 and key == b"ODD"
    reasons = [found[position, offset][0].reason for offset in range(6)]
    assert reasons == ["not_json", "not_json", "unknown_symbol", "bad_price", "not_json", "not_json"]
    assert found[position, 4][0].time == AFTER_INTEGERS
    keys = [found[limits, offset][1] for offset in range(4)]
    assert keys == [None, b"", "\ufffd\ufffd".encode(), b"K" * 249]
    assert all(
        "must be at least 1e-08 and below 1e+09" in found[limits, offset][0].detail for offset in (4, 5)
    )
