"""The model of the rule itself, on logs that are worked out by hand."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from tests.gatherer.exact import moment, written
from tests.gatherer.model import Outcome, Record, Rules, outcome

START = 1_772_000_000_000  # windows of all lengths end there
RULES = Rules((("4s", 4_000, 1_000), ("20s", 20_000, 10_000)), bound_ms=500, idle_ms=2_000, future_ms=60_000)


def tick(second: float, price: str = "10", *, symbol: str = "X") -> bytes:
    ts = written(START + round(second * 1000))
    return f'{{"ts": "{ts}", "symbol": "{symbol}", "price": {price}}}'.encode()


def log(*records: tuple[float, bytes], partition: int = 0) -> list[Record]:
    """Records by the second after START at which they were appended."""
    return [
        Record("position.X", partition, offset, START + round(second * 1000), value)
        for offset, (second, value) in enumerate(records)
    ]


def owed(*partitions: list[Record]) -> Outcome:
    return outcome("X", partitions, RULES)


def counts(found: Outcome, label: str) -> dict[int, int]:
    """Ticks by the window's end, in seconds after START."""
    start = moment(START)
    return {
        round((end - start).total_seconds()): window.n
        for (_, of, end), window in found.windows.items()
        if of == label
    }


def clock(found: Outcome) -> float | None:
    return None if found.clock is None else (found.clock - START) / 1000


def test_a_tick_counts_from_its_start_to_before_its_end() -> None:
    found = owed(log((1, tick(1)), (1, tick(1.999))))
    assert counts(found, "4s") == {2: 2, 3: 2, 4: 2, 5: 2}
    assert counts(found, "20s") == {10: 2, 20: 2}
    assert clock(found) == pytest.approx(1.499)
    assert not found.due()
    assert len(owed(log((1, tick(1)), (3, tick(2.5)))).due()) == 1, "a clock at the end has reached it"


def test_late_for_one_window_and_in_time_for_another() -> None:
    # The clock is at 5.0 when the tick of 2.5 comes: windows that end at 5 have ended, that at 6 has not.
    found = owed(log((5.5, tick(5.5)), (5.6, tick(2.5))))
    assert counts(found, "4s") == {6: 2, 7: 1, 8: 1, 9: 1}
    assert counts(found, "20s") == {10: 2, 20: 2}
    # One millisecond less, and the window that ends at 5 has it.
    assert counts(owed(log((5.5, tick(5.499)), (5.6, tick(2.5)))), "4s")[5] == 1
    # In none of the short windows, but in a long one; then in none at all.
    found = owed(log((10.5, tick(10.49)), (10.6, tick(2))))
    assert counts(found, "20s")[10] == 1
    found = owed(log((20.5, tick(20.5)), (20.6, tick(9.999)), (20.7, tick(10))))
    assert [place[2] for place in found.letters] == [1]
    assert set(found.letters.values()) == {"late"}


def test_silence_moves_the_clock_and_a_bad_record_ends_it() -> None:
    def clock_after(*records: tuple[float, bytes]) -> float | None:
        return clock(owed(log((1, tick(1)), *records)))

    assert clock_after((3, b"bad")) == 0.5, "for as long as the timeout, a partition is not silent"
    assert clock_after((3.001, b"bad")) == pytest.approx(0.501)
    assert clock_after((11, b"bad")) == 8.5
    assert clock_after((3, b"bad"), (5, b"bad"), (7, b"bad")) == 0.5
    assert clock_after((11, b"bad"), (14, b"bad")) == 8.5, "a silence begins where ticks have ended"
    assert clock_after((11, b"bad"), (30, b"bad")) == 17.5
    assert clock_after((0.5, b"bad"), (0.6, b"bad")) == 0.5, "times of producers may go back"
    assert clock(owed(log((1, b"bad"), (11, b"bad")))) is None, "without a tick there is no clock"
    # The record that ends a silence is judged by the clock at its end.
    found = owed(log((1, tick(1)), (11, tick(3))))
    assert counts(found, "4s") == {2: 1, 3: 1, 4: 1, 5: 1}
    assert counts(found, "20s") == {10: 2, 20: 2}


def test_a_late_tick_is_the_latest_all_the_same() -> None:
    found = owed(log((1, tick(1)), (61, tick(21)), (71, b"bad")))
    assert set(found.letters.values()) == {"late", "not_json"}
    assert clock(found) == 58.5
    found = owed(log((1, tick(1)), (61, tick(21)), (161, b"bad")))
    assert clock(found) == 118.5


def test_each_partition_has_its_clock_and_all_must_reach_the_end() -> None:
    first = log((1, tick(1)), (2, tick(9.5)))
    second = log((1, tick(1.5)), (2, tick(2.5)), (3, tick(1)), partition=1)
    found = owed(first, second)
    assert clock(found) == 2
    assert {(label, round((end - moment(START)).total_seconds())) for _, label, end in found.due()} == {
        ("4s", 2)
    }
    # The last tick of the second partition is late by its own clock alone, which is at 2.
    assert counts(found, "4s") == {2: 2, 3: 4, 4: 4, 5: 4, 6: 1, 10: 1, 11: 1, 12: 1, 13: 1}
    assert clock(owed(first, log(partition=1))) == 9


def test_the_last_is_the_latest_by_time_then_offset_then_partition() -> None:
    first = log((1, tick(1.5, "1")), (1, tick(1.5, "2")), (1, tick(1.4, "3")))
    second = log((1, tick(1.5, "4")), partition=1)
    (window,) = (w for (_, _, end), w in owed(first, second).windows.items() if end == moment(START + 2000))
    assert (window.n, window.last) == (4, 2 * 10**8)
    third = log((1, tick(1.5, "4")), (1, tick(1.5, "5")), partition=1)
    (window,) = (w for (_, _, end), w in owed(first, third).windows.items() if end == moment(START + 2000))
    assert window.last == 5 * 10**8


def test_a_window_has_the_returns_of_what_was_judged_before_its_end() -> None:
    # A late tick changes the last price of the second that ends at 2, for windows from 5 on.
    records = log((1, tick(1, "10")), (2, tick(2, "20")), (4.5, tick(4.5, "20")), (5, tick(1.9, "40")))
    windows = {
        (label, round((end - moment(START)).total_seconds())): window
        for (_, label, end), window in owed(records).windows.items()
    }
    assert windows["4s", 2].realized is None and windows["4s", 2].ewma is None
    assert windows["4s", 3].realized == pytest.approx(math.log(2))
    assert windows["4s", 3].ewma == pytest.approx(math.log(2))
    assert windows["4s", 4].n == 2 and windows["4s", 4].last == 20 * 10**8
    assert windows["4s", 5].realized == pytest.approx(math.log(2))
    assert windows["4s", 5].n == 4
    # In what the weights are of, a return stays as it was.
    assert windows["4s", 4].ewma == windows["4s", 3].ewma
    weight = [1 - 0.5 ** (seconds / 60) for seconds in (1, 2.5)]
    first = math.log(2) ** 2
    total = first * weight[0] * (1 - weight[1])
    assert windows["4s", 5].ewma == pytest.approx(
        math.sqrt(total / (weight[0] * (1 - weight[1]) + weight[1]))
    )


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "not_json"),
        (b"", "not_json"),
        (b"[1]", "not_json"),
        (tick(1) + b" {}", "not_json"),
        (tick(1, "NaN"), "not_json"),
        (b'{"symbol": "X", "price": 1}', "missing_field"),
        (tick(1, '"10"'), "wrong_type"),
        (tick(1, "0.000000004"), "bad_price"),
        (tick(1, "1000000000"), "bad_price"),
        (tick(1, "1e999999999"), "bad_price"),
        (tick(1).replace(b"-25 ", b"-25T"), "bad_time"),
        (tick(1).replace(b"2026", b"1999"), "bad_time"),
        (tick(1, symbol="Y"), "unknown_symbol"),
        (tick(61.001), "future"),
        (tick(61), None),
        (tick(1, "0.000000005"), None),
    ],
)
def test_a_record_is_a_tick_or_refused(value: bytes | None, reason: str | None) -> None:
    found = owed(log((1, value)))  # type: ignore[arg-type]
    assert list(found.letters.values()) == ([] if reason is None else [reason])
    assert bool(found.windows) == (reason is None)


def test_a_window_is_exact() -> None:
    found = owed(log(*((1, tick(1, price)) for price in ("0.1", "0.2", "0.4", "0.8"))))
    (window,) = (w for (_, of, end), w in found.windows.items() if of == "4s" and end == moment(START + 2000))
    assert (window.total, window.low, window.high) == (150_000_000, 10_000_000, 80_000_000)
    assert Fraction(window.median2, 2) == 30_000_000
    assert Fraction(window.mad4, 4) == 15_000_000
    assert window.squares == sum((price * 10**7) ** 2 for price in (1, 2, 4, 8))
