"""The process that analyses positions, fed as Java feeds it."""

from __future__ import annotations

import gc
import json
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from gatherer.analysis import AnalysisSettings
from gatherer.answers import DEAD_LETTER, MOVING_AVERAGE, SIGNALS
from gatherer.operator import Analysis
from gatherer.panes import UNIT, Histogram, Pane
from gatherer.rows import LETTER, LIMITS, PANES, Row
from gatherer.window import WindowLength
from kafka_topic.contracts import Limits
from kafka_topic.statistics import STATISTICS
from tests.gatherer.batches import Kept, batch_of, pane_bytes

START = 1_774_745_975_000
SETTINGS = AnalysisSettings(
    (WindowLength("3s", 3000, 1000), WindowLength("8s", 8000, 2000)),
    frozenset(STATISTICS),
    5.0,
    {"regime": {"window": "3s", "high": 0.02, "low": 0.01}, "anomaly": {"window": "8s", "sigmas": 3}},
)


class Process:
    """`python -m gatherer.worker`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gatherer.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.send(SETTINGS.to_json().encode())

    def send(self, frame: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(struct.pack(">i", len(frame)) + frame)
        self._process.stdin.flush()

    def answer(self, batch: bytes) -> bytes:
        self.send(batch)
        assert self._process.stdout is not None
        (length,) = struct.unpack(">i", self._process.stdout.read(4))
        return self._process.stdout.read(length)

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def end(self, rest: bytes = b"") -> bytes:
        """Its input ends, and then it. Returns what it still says."""
        said, _ = self._process.communicate(rest, timeout=60)
        assert self._process.returncode == 0
        return said


@pytest.fixture
def process() -> Iterator[Process]:
    process = Process()
    yield process
    process.end()


def _pane(number: int, cents: int, ticks: int = 1) -> Pane:
    price, end = cents * UNIT // 100, START + 1000 * number + 1000
    return Pane(
        end_ms=end,
        n=ticks,
        total=ticks * price,
        sum_of_squares=ticks * price**2,
        low=price,
        high=price,
        low_ms=end - 5,
        high_ms=end - 5,
        last=price,
        last_ms=end - 5,
        last_order=number,
        histogram=Histogram.of({price: ticks}),
    )


def _panes(symbol: str, clock_ms: int, *panes: Pane) -> Row:
    content = b"".join(pane_bytes(pane, max(pane.end_ms, clock_ms)) for pane in panes)
    return Row(PANES, clock_ms, 0, 0, 0, symbol, content, f"position.{symbol}", None, None)


def _rows() -> list[Row]:
    """What a feed of two positions with late ticks, limits and bad records looks like."""
    rows = []
    for number in range(40):
        end = START + 1000 * number + 1000
        for symbol in ("AAPL", "MSFT"):
            panes = [_pane(number, 10_000 + (500 if number == 30 else number * 7 % 13), 3)]
            if number % 5 == 4:
                panes.append(_pane(number - 2, 10_040))
            rows.append(_panes(symbol, end, *panes))
        if number % 9 == 0:
            limits = Limits("AAPL", datetime(2026, 1, 1, tzinfo=UTC), anomaly_sigmas=2.0 + number)
            rows.append(Row(LIMITS, 0, 0, number, START, "AAPL", limits.to_json(), "limits", None, None))
            rows.append(Row(LETTER, 0, 1, number, START, None, b"{", "prices", "not_json", "no object"))
    return rows


def _all(rows: list[Row], sizes: int, *, restart: bool) -> Kept:
    kept, analysis = Kept(), Analysis(SETTINGS)
    for start in range(0, len(rows), sizes):
        batch = rows[start : start + sizes]
        if restart:
            analysis, batch = Analysis(SETTINGS), [*kept.rows(), *batch]
        kept.use(analysis.answer(batch_of(*batch)))
    return kept


def test_the_process_answers_as_the_analysis_does(process: Process) -> None:
    kept, rows = Kept(), _rows()
    for start in range(0, len(rows), 7):
        kept.use(process.answer(batch_of(*rows[start : start + 7])))
    assert kept.records == _all(rows, 7, restart=False).records
    topics = [topic for topic, _, _ in kept.records]
    assert topics.count(DEAD_LETTER) == 5
    assert topics.count(MOVING_AVERAGE) == 2 * (40 + 20)
    assert {json.loads(value)["kind"] for topic, _, value in kept.records if topic == SIGNALS} == {
        "regime",
        "anomaly",
    }


@pytest.mark.parametrize("sizes", [1, 7, 1000])
def test_batches_and_new_processes_change_nothing(sizes: int) -> None:
    rows = _rows()
    by_symbol: Any = lambda kept: sorted(kept.records, key=lambda record: record[1] or "")  # noqa: E731
    wanted = by_symbol(_all(rows, 5, restart=False))
    assert by_symbol(_all(rows, sizes, restart=False)) == wanted
    assert by_symbol(_all(rows, sizes, restart=True)) == wanted


def test_panes_that_no_window_needs_are_dropped() -> None:
    kept = _all(_rows(), 20, restart=False)
    assert {symbol: len(entries) for symbol, entries in kept.state.items()} == {"AAPL": 1 + 2, "MSFT": 1 + 1}


def test_a_failure_is_told_with_its_place(process: Process) -> None:
    kept = Kept()
    kept.use(process.answer(batch_of(_panes("AAPL", 0)._replace(kind=9))))
    (failure,) = kept.failures
    assert "operator.py" in failure
    assert failure.endswith("ValueError: a row has the unknown kind 9\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_all_processes_of_a_taskmanager_does_not_end_it(process: Process, number: int) -> None:
    process.answer(batch_of())
    process.signal(number)
    kept = Kept()
    kept.use(process.answer(batch_of(*_rows())))
    assert kept.records


def test_a_part_of_a_batch_is_not_answered() -> None:
    batch = batch_of(*_rows())
    assert Process().end(struct.pack(">i", len(batch)) + batch[:-1]) == b""


def _bad_limits() -> list[Row]:
    """Each has another key. The last one clears limits that nobody has set."""
    other = Limits("AAPL", datetime(2026, 1, 1, tzinfo=UTC), buy=1.0).to_json()
    contents = [b"{", b"[" * 10_000, b"{}", other, None]
    return [
        Row(LIMITS, 0, 0, number, START, f"key {number}", content, "limits", None, None)
        for number, content in enumerate(contents)
    ]


def test_limits_that_do_not_apply_leave_no_state() -> None:
    kept = Kept()
    kept.use(Analysis(SETTINGS).answer(batch_of(*_bad_limits())))
    assert [topic for topic, _, _ in kept.records] == [DEAD_LETTER] * 4
    assert not kept.state


def test_the_analysis_makes_no_cycles() -> None:
    """The process does not look for them."""
    rows = [*_rows(), *_bad_limits()]
    analysis = Analysis(SETTINGS)
    analysis.answer(batch_of(*rows[:20]))
    gc.collect()
    analysis.answer(batch_of(*rows[20:]))
    assert gc.collect() == 0
