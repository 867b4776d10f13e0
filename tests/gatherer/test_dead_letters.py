"""Malformed records among many good ones, and ticks that come late: nothing is lost, nothing counts twice."""

from __future__ import annotations

import base64
import json
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

START = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
SYMBOLS = ("AAPL", "AMZN", "GOOG", "MSFT", "TSLA")
# However long a test waits for something, the clock is that of the ticks.
NEVER_SILENT = {"GATHERER_IDLE_TIMEOUT_SECONDS": "600"}
TICKS, BAD = 200_000, 4_000  # of each symbol


def _bad(draw: random.Random, symbol: str, ts: str) -> tuple[bytes, str]:
    """A record that can't be used, unlike any other, and why."""
    good = f'{{"ts": "{ts}", "symbol": "{symbol}", "price": {draw.random() * 100 + 1:.8f}}}'
    number = f"{draw.random() * 100:.8f}"
    return draw.choice(
        (
            (good[: draw.randrange(len(good))].encode(), "not_json"),
            (draw.randbytes(draw.randrange(1, 60)), "not_json"),
            (f"[{good}]".encode(), "not_json"),
            (good.replace('"ts"', f'"t{draw.randrange(10**9)}"').encode(), "missing_field"),
            (good.replace('"price"', f'"cost{draw.randrange(10**9)}"').encode(), "missing_field"),
            (good.replace('"price": ', '"price": -').encode(), "bad_price"),
            (f'{{"ts": "{ts}", "symbol": "{symbol}", "price": "{number}"}}'.encode(), "wrong_type"),
            (f'{{"ts": "{ts}", "symbol": "{symbol}", "price": {number}e99}}'.encode(), "bad_price"),
            (good.replace(f'"{symbol}"', f'"X{draw.randrange(10**9)}"').encode(), "unknown_symbol"),
            (good.replace(ts, f"{ts[:10]}T{ts[11:]}").encode(), "bad_time"),
            (good.replace(ts, f"2049{ts[4:]}").encode(), "future"),
        )
    )


def test_twenty_thousand_among_a_million(bundle: Any) -> None:
    draw = random.Random(5)
    sent: dict[tuple[str, int], tuple[bytes, str]] = {}
    sums: dict[tuple[str, int], list[int]] = {}
    for symbol in SYMBOLS:
        bundle.create(f"position.{symbol}")
        bad_at = set(draw.sample(range(TICKS), BAD))
        cents, offset = 10_000, 0
        for number in range(TICKS):
            ms = number // 4  # 4 ticks a millisecond: 50 s in all
            moment = START + timedelta(milliseconds=ms)
            ts = f"{moment:%Y-%m-%d %H:%M:%S}.{ms % 1000:03d}"
            if number in bad_at:
                value, reason = _bad(draw, symbol, ts)
                sent[symbol, offset] = value, reason
                bundle.send(symbol, value)
                offset += 1
            cents = max(1, cents + draw.choice((-1, 0, 1)))
            value = f'{{"ts": "{ts}", "symbol": "{symbol}", "price": {cents / 100:.2f}}}'.encode()
            bundle.send(symbol, value)
            offset += 1
            pane = sums.setdefault((symbol, ms // 1000), [0, 0, 0])
            pane[0], pane[1], pane[2] = pane[0] + 1, pane[1] + cents, pane[2] + cents * cents
        bundle.tick(symbol, START + timedelta(seconds=80), "100.00")
        bundle.flush()

    bundle.app.start()
    bundle.app.until_healthy()

    def last_second(record: dict[str, Any]) -> int:
        ended = datetime.strptime(record["window_end"], "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)
        return (ended - START) // timedelta(seconds=1)

    def averages() -> dict[tuple[str, int], dict[str, Any]]:
        found = {}
        for record in bundle.averages():
            if record["window"] == "10s":
                key = record["symbol"], last_second(record)
                assert key not in found, f"{key} came twice"
                found[key] = record
        return found

    due = {(symbol, end) for symbol in SYMBOLS for end in range(1, 60)}
    bundle.wait_until(lambda: averages().keys() >= due, "all windows", 200)
    bundle.wait_until(lambda: len(bundle.records("dead_letter")) >= len(sent), "all dead letters")
    assert bundle.app.stop() == 0
    for (symbol, end), record in averages().items():
        panes = [sums.get((symbol, second), (0, 0, 0)) for second in range(end - 10, end)]
        n, total, squares = (sum(column) for column in zip(*panes, strict=True))
        assert record["count"] == n, record
        assert record["mean"] == pytest.approx(total / n / 100, rel=1e-15)
        variance = (n * squares - total * total) / (n * (n - 1)) / 10_000
        assert record["stddev"] == pytest.approx(variance**0.5, rel=1e-12)
    letters = [json.loads(message.value()) for message in bundle.records("dead_letter")]
    found = {
        (letter["topic"].rpartition(".")[2], letter["offset"]): (
            base64.b64decode(letter["bytes"]),
            letter["reason"],
        )
        for letter in letters
    }
    assert len(letters) == len(found) == len(SYMBOLS) * BAD
    assert found == sent
    assert len(Counter(reason for _, reason in found.values())) == 7


def _ticks(bundle: Any, symbol: str, seconds: Iterator[float] | list[float], price: str = "10.00") -> None:
    for second in seconds:
        bundle.tick(symbol, START + timedelta(seconds=second), price)
    bundle.flush()


def test_late_ticks_count_where_they_still_can(bundle: Any) -> None:
    """One partition, so that order decides: ticks 5 s and 20 s late, and one too late for every window."""
    bundle.create("position.LATE")
    bundle.app.start(**NEVER_SILENT)
    bundle.app.until_healthy()

    def counts(window: str) -> dict[int, int]:
        found: dict[int, int] = bundle.counts(window, START)
        return found

    _ticks(bundle, "LATE", [second + 0.5 for second in range(42)])
    bundle.wait_until(lambda: counts("10s").get(41), "the windows up to second 41")
    # 5 s late: still in the windows that end from 42 on. 20 s late: in no window of 10 s, but in the others.
    _ticks(bundle, "LATE", [36.7, 21.7])
    _ticks(bundle, "LATE", [second + 0.5 for second in range(42, 700)])
    bundle.wait_until(lambda: counts("10s").get(699), "the windows up to second 699")
    before = counts("10s"), counts("1m"), counts("10m")
    assert [before[0][end] for end in (41, 42, 46, 47, 48)] == [10, 11, 11, 10, 10]
    assert [before[1][end] for end in (40, 45, 80, 85, 95, 100)] == [40, 47, 62, 61, 61, 60]
    assert [before[2][end] for end in (40, 50, 600, 620, 630, 640)] == [40, 52, 602, 602, 601, 600]
    assert not bundle.records("dead_letter")

    _ticks(bundle, "LATE", [30.0], price="77.00")
    bundle.wait_until(lambda: bundle.records("dead_letter"), "a dead letter")
    (letter,) = (json.loads(message.value()) for message in bundle.records("dead_letter"))
    assert (letter["reason"], letter["offset"]) == ("late", 702)
    assert b'"price": 77.00' in base64.b64decode(letter["bytes"])
    assert (counts("10s"), counts("1m"), counts("10m")) == before


def test_what_was_late_is_late_after_a_restart(bundle: Any) -> None:
    bundle.create("position.AAPL")
    bundle.app.start(**NEVER_SILENT)
    bundle.app.until_healthy()
    _ticks(bundle, "AAPL", [float(second) for second in range(700)])
    bundle.wait_until(lambda: 698 in bundle.counts("10s", START), "the windows up to second 698")
    assert bundle.app.stop() == 0
    # The first that the new job reads. Only its state can tell it that their windows have been written.
    _ticks(bundle, "AAPL", [30.0, 650.5])
    bundle.app.start()
    bundle.app.until_healthy()
    assert "resuming from" in bundle.app.output()
    _ticks(bundle, "AAPL", [float(second) for second in range(700, 761)])
    bundle.wait_until(lambda: 759 in bundle.counts("10s", START), "the windows up to second 759")
    (letter,) = (json.loads(message.value()) for message in bundle.records("dead_letter"))
    assert (letter["reason"], letter["offset"]) == ("late", 700)
    counts = {window: bundle.counts(window, START) for window in ("10s", "1m", "10m")}
    assert {counts["10s"][end] for end in range(10, 760)} == {10}
    assert [counts["1m"][end] for end in (695, 700, 705, 710, 715)] == [60, 61, 61, 61, 60]
    assert [counts["10m"][end] for end in (690, 700, 750)] == [600, 601, 601]
