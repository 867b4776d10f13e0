"""Topics that others own, beside the positions' own."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.gatherer.exact import key_of

pytestmark = pytest.mark.slow

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
SECONDS = 20
INPUTS = [
    {
        "topic": "prices-of-others",
        "symbol": "key",
        "fields": {"time": "at", "price": "quote"},
        "time": "epoch_ms",
        "symbols": {"EUR/USD": "EURUSD"},
        "non_positive": True,
    }
]


def test_one_topic_with_many_symbols(bundle: Any) -> None:
    topic = INPUTS[0]["topic"] = bundle.prefix + "prices-of-others"
    bundle.create("prices-of-others", partitions=3)
    bundle.create("position.AAPL")
    # Each symbol on one partition, as a producer's key does it.
    places = {"EUR/USD": 0, "OIL": 1, "GOLD": 1, "AAPL": 2}
    for second in range(SECONDS + 12):
        for symbol, partition in places.items():
            at = round((START + timedelta(seconds=second)).timestamp() * 1000)
            quote = -second if symbol == "OIL" else f"{100 + second}.5"
            bundle.producer.produce(
                topic, json.dumps({"at": at, "quote": quote}), key=symbol, partition=partition
            )
        bundle.tick("AAPL", START + timedelta(seconds=second, milliseconds=500), "50.00")
    bundle.producer.produce(topic, '{"at": 1, "quote": null}', key="GOLD", partition=1)
    bundle.flush()

    bundle.app.start(GATHERER_INPUTS=json.dumps(INPUTS), GATHERER_WINDOWS="10s=1s")
    bundle.app.until_healthy()

    def windows() -> dict[tuple[str, int], dict[str, Any]]:
        found = {}
        for record in bundle.averages():
            symbol, _, end = key_of(record)
            found[symbol, (end - START) // timedelta(seconds=1)] = record
        return found

    symbols = {"EURUSD", "OIL", "GOLD", "AAPL"}
    due = {(symbol, end) for symbol in symbols for end in range(1, SECONDS + 1)}
    bundle.wait_until(lambda: windows().keys() >= due, "the windows of every symbol")
    found = windows()
    for symbol, end in due:
        record, seconds = found[symbol, end], range(max(0, end - 10), end)
        count = len(seconds) * (2 if symbol == "AAPL" else 1)
        assert record["count"] == count, (symbol, end)
        if symbol == "OIL":
            assert (record["min"], record["max"]) == (-seconds[-1], -seconds[0])
            assert record["realized_vol"] is None
        elif symbol == "AAPL":
            assert record["min"] == 50 and record["max"] == 100.5 + seconds[-1]
        else:
            assert record["last"] == 100.5 + seconds[-1]
    (letter,) = (json.loads(message.value()) for message in bundle.records("dead_letter"))
    assert (letter["topic"], letter["partition"]) == (topic, 1)
    assert "quote" in letter["detail"]
