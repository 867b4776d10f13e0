"""The flows of the bundle, as its page gets them, with data in their topics and in stores."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import marathon
from kafka_topic.connection import open_producer
from kafka_topic.contracts import Measurement
from stores.base import Batch
from stores.opening import open_store
from stores.tables import GROUPS, STATISTICS, Flow
from tests.settings import load_settings

NAMES = ("cpu", "memory", "network_sent")


def environment(stores: Mapping[str, str], *parts: str, overrides: tuple[str, ...] = ()) -> dict[str, str]:
    """What the bundle puts into the page's environment, with these addresses by kind of store."""
    app = marathon.render(load_settings("local", overrides=overrides)).apps["dashboard"]
    return {"FLOWS": str(app.env["FLOWS"]), "PARTS": ",".join(parts), "STORES": json.dumps(dict(stores))}


def measure(servers: str, topic: str, count: int, names: tuple[str, ...] = NAMES, ago: float = 0) -> None:
    """Write measurements of the last seconds, one of each name a second."""
    producer = open_producer(servers, enable_idempotence=True)
    end = datetime.now(UTC) - timedelta(seconds=ago)
    for second in range(count):
        for name in names:
            record = Measurement(
                end - timedelta(seconds=count - 1 - second), name, 50 + second % 7, "%", "host-1"
            )
            producer.produce(topic, record.to_json(), name)
    assert producer.flush(20) == 0


def store_windows(address: str, flow: str, count: int, ago: float = 0) -> list[dict[str, Any]]:
    """Write windows of ten seconds for two names, as a stream does; returns the rows."""
    end = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=ago)
    rows = [
        {
            "name": name,
            "window": "10s",
            "window_start": end - timedelta(seconds=10 * (count - number)),
            "window_end": end - timedelta(seconds=10 * (count - 1 - number)),
            "count": 10,
            "mean": 50.0 + number % 5,
            "stddev": None if number == 0 else 2.5,
            "min": 40.0,
            "max": 60.0,
        }
        for number in range(count)
        for name in ("cpu", "memory")
    ]
    _write(address, Flow(flow, STATISTICS), rows)
    return rows


def store_groups(address: str, flow: str) -> list[dict[str, Any]]:
    """Write the statistics of three groups, as a batch job does; returns the rows."""
    loaded = datetime(2026, 11, 1, tzinfo=UTC)
    rows = [
        {
            "ts": loaded,
            "name": "population",
            "group": group,
            "unit": "people",
            "count": 10,
            "mean": mean,
            "stddev": 3.0,
            "min": 1.0,
            "max": 99.0,
        }
        for group, mean in (("North", 20.0), ("<b>South</b>", 40.0), ("West", 60.0))
    ]
    _write(address, Flow(flow, GROUPS), rows)
    return rows


def _write(address: str, flow: Flow, rows: list[dict[str, Any]]) -> None:
    columns = {name: [row[name] for row in rows] for name in flow.table.names}
    open_store(address).write(flow, Batch("test", 0), columns)


def state_of(app: Any, name: str) -> dict[str, Any]:
    """How a flow is, as the API says."""
    found: dict[str, Any] = next(one for one in app.get("/api/flows")[1]["flows"] if one["name"] == name)
    return found
