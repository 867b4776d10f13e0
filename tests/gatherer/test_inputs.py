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
SYMBOLS = ("EURUSD", "OIL", "GOLD", "AAPL", "ANY")


def test_topics_with_many_symbols(bundle: Any) -> None:
    keyed, keyless = bundle.prefix + "prices", bundle.prefix + "quotes"
    inputs = [
        {
            "topic": keyed,
            "fields": {"time": "at", "price": "quote"},
            "time": "epoch_ms",
            "symbols": {"EUR/USD": "EURUSD"},
            "non_positive": True,
        },
        {"topic": keyless, "symbol": "field", "time": "iso8601"},
    ]
    bundle.create("prices", partitions=3)
    bundle.create("quotes", partitions=4)
    bundle.create("position.AAPL")
    # Of `prices` each symbol is on one partition, as a key does it; of `quotes` on any, one far behind the
    # others, one without records.
    places = {"EUR/USD": 0, "OIL": 1, "GOLD": 1}
    for second in range(SECONDS + 12):
        time = START + timedelta(seconds=second)
        for symbol, partition in places.items():
            quote = -second if symbol == "OIL" else f"{100 + second}.5"
            value = json.dumps({"at": round(time.timestamp() * 1000), "quote": quote})
            bundle.producer.produce(keyed, value, key=symbol, partition=partition)
        bundle.tick("AAPL", time, "50.00")
        for partition in range(3):
            value = json.dumps({"ts": time.isoformat(), "symbol": "ANY", "price": second + partition + 1})
            bundle.producer.produce(keyless, value, partition=partition)
    bundle.producer.produce(keyed, '{"at": 1, "quote": null}', key="GOLD", partition=1)
    bundle.flush()

    bundle.app.start(
        GATHERER_INPUTS=json.dumps(inputs), GATHERER_WINDOWS="10s=1s", GATHERER_IDLE_TIMEOUT_SECONDS="2"
    )
    bundle.app.until_healthy()

    def windows() -> dict[tuple[str, int], dict[str, Any]]:
        found = {}
        for record in bundle.averages():
            symbol, _, end = key_of(record)
            found[symbol, (end - START) // timedelta(seconds=1)] = record
        return found

    due = {(symbol, end) for symbol in SYMBOLS for end in range(1, SECONDS + 1)}
    bundle.wait_until(lambda: windows().keys() >= due, "the windows of every symbol")
    found = windows()
    for symbol, end in due:
        record, seconds = found[symbol, end], range(max(0, end - 10), end)
        assert record["count"] == len(seconds) * (3 if symbol == "ANY" else 1), (symbol, end)
        if symbol == "OIL":
            assert (record["min"], record["max"]) == (-seconds[-1], -seconds[0])
            assert record["realized_vol"] is None
        elif symbol == "AAPL":
            assert record["min"] == record["max"] == 50
        elif symbol == "ANY":
            assert (record["min"], record["max"]) == (seconds[0] + 1, seconds[-1] + 3)
        else:
            assert record["last"] == 100.5 + seconds[-1]
    (letter,) = (json.loads(message.value()) for message in bundle.records("dead_letter"))
    assert (letter["topic"], letter["partition"]) == (keyed, 1)
    assert "quote" in letter["detail"]
