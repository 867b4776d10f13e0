"""A live feed with silences: windows are written during them, and a replay of the log writes the same."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.gatherer.bundle import DATED_BY_BROKER
from tests.gatherer.exact import epoch_ms, key_of, written
from tests.gatherer.logs import Entry, Log
from tests.gatherer.model import check_letters, check_windows
from tests.gatherer.replay import Replay, entries_of

# The short form is in records/test_windows.py, whose log has silences, and in test_determinism.py.
pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(600)]

SETTINGS = {
    "GATHERER_IDLE_TIMEOUT_SECONDS": "2",
    "GATHERER_WINDOWS": "2s=1s,10s=5s",
    "FLINK_PARALLELISM": "2",
}
PARTITIONS = {"AAPL": 2, "GOOG": 1}
BACKLOG = timedelta(seconds=20)


class _Producer:
    """Ticks at the time that they are sent, unless another is given."""

    def __init__(self, bundle: Any) -> None:
        self._bundle, self._cents = bundle, 10_000

    def run(self, seconds: float, *places: tuple[str, int]) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for symbol, partition in places:
                self.tick(symbol, partition, datetime.now(UTC))
            time.sleep(0.05)  # the rate of the feed
        self._bundle.flush()

    def tick(self, symbol: str, partition: int, when: datetime) -> None:
        self._cents += 1
        self._bundle.tick(symbol, when, f"{self._cents / 100:.2f}", partition)


def _written(bundle: Any) -> set[Any]:
    return {key_of(record) for record in bundle.so_far()}


def _all_of(bundle: Any) -> set[Any]:
    """Every window that holds a tick, be it due by the log or by silence alone."""
    return {key for symbol in PARTITIONS for key in bundle.owed(symbol).windows}


def _until_all_is_written(bundle: Any, what: str) -> None:
    wanted = _all_of(bundle)
    bundle.wait_until(lambda: _written(bundle) >= wanted, what)


@pytest.fixture
def replay(flink: Any, kafka: Any) -> Iterator[Callable[..., Replay]]:
    made: list[Replay] = []

    def make(name: str, log: Log, **settings: str) -> Replay:
        made.append(Replay(flink, kafka, name, log, **settings))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_a_replay_of_the_log_writes_what_the_live_run_wrote(
    bundle: Any, replay: Callable[..., Replay]
) -> None:
    for symbol, partitions in PARTITIONS.items():
        bundle.create(f"position.{symbol}", partitions, **DATED_BY_BROKER)
    bundle.app.start(**SETTINGS)
    bundle.app.until_healthy()
    producer = _Producer(bundle)
    everywhere = [("AAPL", 0), ("AAPL", 1), ("GOOG", 0)]

    producer.run(3, *everywhere)
    _until_all_is_written(bundle, "the last windows of a silence of all")
    assert len(_all_of(bundle)) > 12

    # They come back, one of them with what it had from before: part of it is late.
    producer.tick("AAPL", 1, datetime.now(UTC) - BACKLOG)
    for tenth in range(80, 0, -1):
        producer.tick("AAPL", 1, datetime.now(UTC) - timedelta(seconds=tenth / 10))
    producer.run(3, *everywhere)

    # One partition alone is silent, and its position's windows go on.
    producer.run(6, ("AAPL", 0), ("GOOG", 0))
    before = datetime.now(UTC) - timedelta(seconds=3)
    bundle.wait_until(
        lambda: any(symbol == "AAPL" and end > before for symbol, _, end in _written(bundle)),
        "windows that don't wait for the silent partition",
    )
    for second in (1, 3, 5):
        producer.tick("AAPL", 1, datetime.now(UTC) - timedelta(seconds=second))
    bundle.send("GOOG", b"refused")
    producer.run(2, *everywhere)
    _until_all_is_written(bundle, "the last windows")
    assert bundle.app.stop() == 0

    owed = [bundle.owed(symbol) for symbol in PARTITIONS]
    check_windows(bundle.averages(), owed, _all_of(bundle))
    live_letters = [json.loads(message.value()) for message in bundle.records("dead_letter")]
    check_letters(live_letters, owed)
    assert {letter["reason"] for letter in live_letters} == {"late", "not_json"}

    # The same log, closed by a tick on each partition: all is due without any silence.
    log: Log = []
    for symbol in PARTITIONS:
        log += entries_of(symbol, bundle.records(f"position.{symbol}"))
    close_ms = max(entry.append_ms for entry in log) + 60_000
    log.sort(key=lambda entry: (entry.symbol, entry.partition))  # keeps the order within a partition
    for symbol, partition in everywhere:
        value = f'{{"ts": "{written(close_ms)}", "symbol": "{symbol}", "price": 1.00}}'.encode()
        log.append(Entry(symbol, partition, close_ms, value))
    again = replay("again", log, **SETTINGS).run()
    live = {(message.key(), message.value()) for message in bundle.records("movingaverage")}
    due = {key for key in _all_of(bundle) if epoch_ms(key[2]) <= close_ms - 1000}
    assert len(due) == len(live)
    assert {each for each in again.averages if key_of(json.loads(each[1])) in due} == live
    prefix = bundle.prefix.encode()
    assert again.letters == {
        (message.key(), message.value().replace(prefix, b"")) for message in bundle.records("dead_letter")
    }
