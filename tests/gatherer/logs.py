"""Logs of positions with all that makes windows hard, the same each time that they are made.

Every record has the time at which it was appended: a topic with CreateTime takes it as it is.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from tests.gatherer.exact import written
from tests.gatherer.flink import wait_until
from tests.gatherer.model import Outcome, Record, Rules, outcome

START_MS = 1_793_600_000_000
CLOSING_MS = 700_000
"""After the last tick comes one that is so much later: every window before it is due."""
_BURST = 20


@dataclass(frozen=True)
class Entry:
    """One record. An aborted one was written in a transaction that was rolled back."""

    symbol: str
    partition: int
    append_ms: int
    value: bytes
    aborted: bool = False


Log = list[Entry]
POSITIONS = {"STEADY": 1, "WILD": 1, "SPREAD": 3, "BEHIND": 1, "TINY": 1}
"""The positions of `awkward`, and how many partitions each has."""


def awkward(seed: int, ticks: int, rules: Rules) -> Log:
    """About `ticks` ticks a partition: in order and out of it, within the bound and beyond, on borders, twice
    the same; pauses around the idle timeout and far beyond it; backlogs after them; records that are refused
    or rolled back. The entries of each partition are in their order.
    """
    log: Log = []
    for symbol, partitions in POSITIONS.items():
        draw = random.Random(f"{seed}.{symbol}")
        producers = [_Partition(draw, symbol, partition, rules) for partition in range(partitions)]
        partition_logs = [list(producer.run(ticks)) for producer in producers]
        if partitions > 1:
            _tie(partition_logs)
        closing_ms = max(producer.newest_ms for producer in producers) + CLOSING_MS
        for producer, entries in zip(producers, partition_logs, strict=True):
            log += [*entries, producer.close(closing_ms)]
    return log


def owed(log: Iterable[Entry], rules: Rules, start: str = "position.") -> dict[str, Outcome]:
    """What the model says of a log by position, with the offsets that `write` makes.

    start: what stands before the symbol in the names of topics.
    """
    partitions: dict[str, dict[int, list[Record]]] = {}
    offsets: dict[tuple[str, int], int] = {}
    for entry in log:
        place = entry.symbol, entry.partition
        offset = offsets.get(place, 0)
        offsets[place] = offset + 1 + entry.aborted  # behind the record comes the marker
        if not entry.aborted:
            record = Record(start + entry.symbol, entry.partition, offset, entry.append_ms, entry.value)
            partitions.setdefault(entry.symbol, {}).setdefault(entry.partition, []).append(record)
    return {symbol: outcome(symbol, each.values(), rules) for symbol, each in partitions.items()}


def write(log: Iterable[Entry], bootstrap_servers: str, prefix: str) -> None:
    """Append a log to its topics, which exist, are empty and have CreateTime."""
    from confluent_kafka import Consumer, Producer, TopicPartition

    settings: dict[str, Any] = {"bootstrap.servers": bootstrap_servers}
    plain = Producer({**settings, "enable.idempotence": True, "linger.ms": 20, "batch.num.messages": 50})
    rolled_back = Producer({**settings, "transactional.id": f"{prefix}rolled-back"})
    rolled_back.init_transactions(30)
    ends = Consumer({**settings, "group.id": "none"})

    def append(producer: Any, entry: Entry) -> TopicPartition:
        topic = f"{prefix}position.{entry.symbol}"
        place = {"key": entry.symbol, "partition": entry.partition, "timestamp": entry.append_ms}
        producer.produce(topic, entry.value, **place)
        producer.poll(0)
        return TopicPartition(topic, entry.partition)

    try:
        for entry in log:
            if not entry.aborted:
                append(plain, entry)
                continue
            assert plain.flush(30) == 0
            rolled_back.begin_transaction()
            place = append(rolled_back, entry)
            assert rolled_back.flush(30) == 0
            _, end = ends.get_watermark_offsets(place, 30)
            rolled_back.abort_transaction(30)
            # The marker comes a moment later.
            wait_until(
                lambda place=place, end=end: ends.get_watermark_offsets(place, 30)[1] > end, "a marker"
            )
        assert plain.flush(30) == 0
    finally:
        ends.close()


class _Partition:
    """The producer of one partition: `now` is when it appends next."""

    def __init__(self, draw: random.Random, symbol: str, partition: int, rules: Rules) -> None:
        self._draw, self._symbol, self._partition, self._rules = draw, symbol, partition, rules
        self._lag_ms = 3_600_000 if symbol == "BEHIND" else 0
        self._wild = symbol in ("WILD", "SPREAD")
        self._steps = draw.randrange(5_000, 20_000)
        self._step = "0.00000001" if symbol == "TINY" else "0.01"
        self._now = START_MS + draw.randrange(2_000)
        self.newest_ms = 0
        """The latest event time or time of appending."""

    def run(self, ticks: int) -> Iterator[Entry]:
        draw = self._draw
        pauses = set(draw.sample(range(ticks // 10, ticks - ticks // 10), max(6, ticks // 150)))
        for number in range(ticks):
            self._now += draw.randrange(1, 400)
            if number in pauses:
                yield from self._pause()
            if draw.random() < 0.01:
                yield self._entry(self._refused())
            ms = self._moment()
            value = self._value(ms)
            yield self._entry(value)
            if draw.random() < 0.03:  # delivered twice
                self._now += draw.randrange(3) * 50
                yield self._entry(value)

    def close(self, ms: int) -> Entry:
        """The tick after all others."""
        self._now = ms
        return self._entry(self._value(ms - self._lag_ms))

    def _moment(self) -> int:
        """The time of the next tick."""
        draw, rules, now = self._draw, self._rules, self._now - self._lag_ms
        kind = draw.random()
        if kind < 0.08:  # on a border, or so that the clock is on one
            border = now // rules.pane_ms * rules.pane_ms
            return border + draw.choice((0, 0, -1, 1, rules.bound_ms - rules.pane_ms))
        if kind < 0.11:  # beyond the bound
            return now - draw.randrange(rules.bound_ms, 30_000)
        if kind < 0.12 and self._wild:
            return now - draw.randrange(30_000, 700_000)
        if kind < 0.125 and self._wild:
            return now + draw.choice((rules.future_ms, rules.future_ms + 1 + self._lag_ms))
        return now - draw.randrange(min(400, rules.bound_ms))

    def _pause(self) -> Iterator[Entry]:
        """A pause, and what comes at its end."""
        draw, idle = self._draw, self._rules.idle_ms
        kind = draw.choice(("border", "short", "broken", "rolled back", "long", "backlog", "old", "back"))
        begin = self._now
        if kind == "border":
            self._now += idle + draw.choice((-1, 0, 1))
        elif kind in ("short", "backlog"):
            self._now += idle + draw.randrange(1, 30_000)
        elif kind == "broken":  # each part of it is too short, or only the second is long enough
            self._now += idle
            yield self._entry(self._refused())
            self._now += idle + draw.choice((0, 1, 5_000))
        elif kind == "rolled back":
            self._now += idle
            yield self._entry(self._value(self._now - self._lag_ms), aborted=True)
            self._now += 5_000
        elif kind in ("long", "old"):
            self._now += idle + draw.randrange(600_000, 900_000)
        elif kind == "back":  # clocks of producers do go back
            self._now -= 300
        if kind == "long":
            yield self._entry(self._refused())
        if kind in ("backlog", "old"):
            moments = sorted(draw.randrange(begin, self._now) - self._lag_ms for _ in range(_BURST))
            for ms in moments:
                yield self._entry(self._value(ms))
                self._now += draw.randrange(2)

    def _value(self, ms: int) -> bytes:
        self._steps = max(1, self._steps + self._draw.choice((-1, 0, 1)))
        self.newest_ms = max(self.newest_ms, ms, self._now)
        whole = len(self._step) - 2
        price = f"{self._steps / 10**whole:.{whole}f}"
        return f'{{"ts": "{written(ms)}", "symbol": "{self._symbol}", "price": {price}}}'.encode()

    def _refused(self) -> bytes:
        now = self._now - self._lag_ms
        good = self._value(now)
        return self._draw.choice(
            (
                good[:-1],
                b"",
                good.replace(b'"price"', b'"cost"'),
                good.replace(b'"price": ', b'"price": -'),
                good.replace(self._symbol.encode(), b"OTHER"),
                good.replace(written(now).encode(), written(self._now + 2 * self._rules.future_ms).encode()),
                good.replace(written(now).encode(), written(now)[:10].encode()),
            )
        )

    def _entry(self, value: bytes, aborted: bool = False) -> Entry:
        return Entry(self._symbol, self._partition, self._now, value, aborted)


def _tie(partition_logs: list[Log]) -> None:
    """Give all partitions ticks of the same milliseconds, with prices of their own."""
    first, *others = partition_logs
    appended = [entry.append_ms for entry in first]
    for number, log in enumerate(others):
        for at in range(5, len(log) - 1, 11):
            entry, twin = log[at], first[min(bisect(appended, log[at].append_ms), len(first) - 1)]
            if not entry.aborted and abs(entry.append_ms - twin.append_ms) < 1_000:
                value = twin.value.replace(b'"price": ', f'"price": {number + 1}'.encode())
                log[at] = replace(entry, value=value)
