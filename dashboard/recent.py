"""The newest values of the topics whose flows are shown live.

Memory is bounded: a number of values of each series, and a number of series of each topic.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from confluent_kafka import Message

from dashboard.following import Following
from dashboard.settings import Settings
from kafka_topic.contracts import Measurement, Price
from kafka_topic.errors import ContractError
from kafka_topic.names import Topics

PAST_SECONDS = 600.0
AT_LEAST = 1000
"""How many records of each partition are read at the start, however old: those of the last run."""
MOST_VALUES = 1500
MOST_SERIES = 40
_PRICES = ("prices", "replay")
"""The sources of prices; those of the others are measurements."""


@dataclass(frozen=True)
class Value:
    """A value of a series. number: its place in the sequence of all values."""

    number: int
    ts: datetime
    value: float


@dataclass
class Series:
    """The newest values of one name."""

    name: str
    unit: str
    host: str
    values: deque[Value] = field(default_factory=lambda: deque(maxlen=MOST_VALUES))


class Recent:
    """The newest values of each topic."""

    def __init__(self, topics: Collection[str]) -> None:
        self._series: dict[str, dict[str, Series]] = {topic: {} for topic in topics}
        self._newest: dict[str, datetime] = {}
        self._lock = threading.Lock()
        self.number = 0
        """The number of the newest value."""

    def add(self, topic: str, record: Measurement | Price) -> None:
        """Take a record. Names beyond MOST_SERIES are left out."""
        if isinstance(record, Price):
            name, value, unit, host = record.symbol, record.price, "", ""
        else:
            name, value, unit, host = record.name, record.value, record.unit, record.host
        with self._lock:
            several = self._series[topic]
            if name not in several and len(several) >= MOST_SERIES:
                return
            series = several.setdefault(name, Series(name, unit, host))
            self.number += 1
            series.values.append(Value(self.number, record.ts, value))
            self._newest[topic] = max(record.ts, self._newest.get(topic, record.ts))

    def newest(self, topic: str) -> datetime | None:
        """The event time of the newest value."""
        return self._newest.get(topic)

    def values(self, topic: str) -> list[tuple[Series, Value]]:
        """All values that are kept of a topic, in the order in which they came."""
        with self._lock:
            found = [(series, value) for series in self._series[topic].values() for value in series.values]
        return sorted(found, key=lambda one: one[1].number)

    def after(self, topic: str, number: int) -> tuple[int, list[dict[str, Any]]]:
        """The series with their values after a number, and the number of the newest one.

        Points are [milliseconds since 1970, value].
        """
        with self._lock:
            found = [
                {
                    "name": one.name,
                    "unit": one.unit,
                    "host": one.host,
                    "points": [
                        [round(value.ts.timestamp() * 1000), value.value]
                        for value in one.values
                        if value.number > number
                    ],
                }
                for one in self._series[topic].values()
            ]
            return self.number, [one for one in found if one["points"]]


class RecentReader:
    """Reads the topics of the flows that are shown live."""

    def __init__(self, settings: Settings, recent: Recent, kinds: Mapping[str, str]) -> None:
        """kinds: the source of each topic, by its name with the prefix."""
        self._recent = recent
        self._kinds = kinds
        self._following = Following(settings.bootstrap_servers, kinds, PAST_SECONDS, at_least=AT_LEAST)

    def close(self) -> None:
        """Disconnect from the brokers."""
        self._following.close()

    def read(self) -> int:
        """Take the records that have come; returns how many broke their contract."""
        return sum(not self._take(message) for message in self._following.batch())

    def _take(self, message: Message) -> bool:
        topic, value = message.topic() or "", message.value()
        contract = Price if self._kinds[topic] in _PRICES else Measurement
        try:
            self._recent.add(topic, contract.from_json(value if isinstance(value, bytes) else b""))
        except ContractError:
            return False
        return True


def live_topics(settings: Settings) -> dict[str, str]:
    """The topics of the flows that are shown live, with the source of each."""
    prefix = Topics(settings.prefix).prefix
    return {
        f"{prefix}{flow.topic}": flow.source
        for flow in settings.flows
        if flow.store is None and flow.topic is not None
    }
