"""Topics of ticks for a benchmark, and the windows that jobs make of them."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any

SYMBOLS = ("AAPL", "AMZN", "GOOG", "MSFT", "TSLA")
PREFIX = "bench."
START = datetime(2026, 1, 5, 9, tzinfo=UTC)
TOLERANCE = 1e-6  # the peers add doubles


def topics() -> list[str]:
    """The topics of the ticks."""
    return [f"{PREFIX}position.{symbol}" for symbol in SYMBOLS]


def create(bootstrap_servers: str, *names: str, partitions: int = 1) -> None:
    """Create topics with as many partitions each."""
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient({"bootstrap.servers": bootstrap_servers})
    for future in admin.create_topics([NewTopic(name, partitions, 1) for name in names]).values():
        future.result(30)


def preload(bootstrap_servers: str, ticks: int, spacing_ms: int) -> None:
    """Random walks of one tick every `spacing_ms` and symbol."""
    from confluent_kafka import Producer

    others = [PREFIX + name for name in ("movingaverage", "signals", "dead_letter", "limits")]
    create(bootstrap_servers, *topics(), *others)
    producer = Producer(
        {
            "bootstrap.servers": bootstrap_servers,
            "linger.ms": 50,
            "compression.type": "lz4",
            "enable.idempotence": True,
        }
    )
    draw = random.Random(1)  # noqa: S311
    cents = dict.fromkeys(SYMBOLS, 10_000)
    for number in range(ticks // len(SYMBOLS)):
        ts = (START + timedelta(milliseconds=number * spacing_ms)).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        for symbol in SYMBOLS:
            cents[symbol] = max(1, cents[symbol] + draw.choice((-1, 0, 1)))
            value = f'{{"ts": "{ts}", "symbol": "{symbol}", "price": {cents[symbol] / 100:.2f}}}'
            producer.produce(f"{PREFIX}position.{symbol}", value, key=symbol)
        if number % 5000 == 0:
            producer.flush()
    assert producer.flush(60) == 0


@dataclass(frozen=True)
class Log:
    """What `preload` has written. ticks: all together. spacing_ms: between those of a symbol."""

    ticks: int
    spacing_ms: int

    @property
    def start_ms(self) -> int:
        return round(START.timestamp() * 1000)

    @property
    def end_ms(self) -> int:
        """The time of the last tick of each symbol."""
        return self.start_ms + (self.ticks // len(SYMBOLS) - 1) * self.spacing_ms

    def ticks_between(self, first_ms: float, last_ms: float) -> float:
        """How many ticks there are from one event time to another."""
        return len(SYMBOLS) * (last_ms - first_ms) / self.spacing_ms


class Windows:
    """The windows of ten seconds that a topic holds, by symbol and end."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        from confluent_kafka import Consumer, TopicPartition

        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap_servers,
                "group.id": "bench",
                # A broker may say of a topic just made that there is no offset 0.
                "auto.offset.reset": "earliest",
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 50,
            }
        )
        self._consumer.assign([TopicPartition(topic, 0, 0)])
        self._end = itemgetter("window_end") if topic != f"{PREFIX}movingaverage" else _milliseconds
        self.found: dict[tuple[str, int], Any] = {}
        self._latest: dict[str, int] = {}
        self.are_revised = False  # whether the writer takes windows back

    def read(self, patience: float = 0.2) -> None:
        """Read to the end, or until nothing comes for `patience` seconds."""
        while message := self._consumer.poll(patience):
            if message.error():
                break
            window = json.loads(message.value())
            # Pathway takes a window back before it writes it again, at a later time of its own.
            if window.get("diff") == -1:
                self.are_revised = True
            elif window.get("window", "10s") == "10s":
                symbol, end = window["symbol"], self._end(window)
                if window.get("time", 0) >= self.found.get((symbol, end), {}).get("time", 0):
                    self.found[symbol, end] = window
                self._latest[symbol] = max(end, self._latest.get(symbol, 0))

    @property
    def reached(self) -> int:
        """The end that the windows of every symbol have reached, epoch ms; 0 until each has one."""
        return min(self._latest.values()) if len(self._latest) == len(SYMBOLS) else 0

    def close(self) -> None:
        self._consumer.close()


def _milliseconds(window: Any) -> int:
    return round(datetime.fromisoformat(window["window_end"] + "+00:00").timestamp() * 1000)


def windows(bootstrap_servers: str, topic: str) -> dict[tuple[str, int], Any]:
    """All windows of ten seconds in a topic, by symbol and end."""
    reader = Windows(bootstrap_servers, topic)
    reader.read(30)
    reader.close()
    return reader.found


class DifferentError(Exception):
    """A peer has not written the same windows."""


def same(ours: dict[tuple[str, int], Any], theirs: dict[tuple[str, int], Any], until: int) -> int:
    """How many windows end until `until`. Raises DifferentError unless both have the same."""

    def part(all_windows: dict[tuple[str, int], Any]) -> dict[tuple[str, int], Any]:
        return {key: window for key, window in all_windows.items() if key[1] <= until}

    mine, others = part(ours), part(theirs)
    missing, extra = sorted(mine.keys() - others.keys()), sorted(others.keys() - mine.keys())
    if missing or extra:
        raise DifferentError(f"of {len(mine)} windows, missing: {missing[:3]}, extra: {extra[:3]}")
    for key, window in mine.items():
        for name in ("count", "min", "max", "mean", "stddev"):
            a, b = window[name], others[key][name]
            if (a is None) != (b is None) or (a is not None and abs(a - b) >= TOLERANCE):
                raise DifferentError(f"{name} of the window {key} is {b}, but {a} in ours")
    return len(mine)
