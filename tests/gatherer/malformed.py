"""Malformed records among many good ones, and what the job owes for them."""

from __future__ import annotations

import base64
import random
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.gatherer.bundle import Bundle
from tests.gatherer.exact import key_of

REASONS = 7
"""How many reasons there are among many malformed records."""


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


class Malformed:
    """Ticks of some positions, 4 a millisecond of event time, with records among them that can't be used.

    ticks, bad: how many of each position. The windows of 10 s are recomputed from sums of whole cents.
    """

    def __init__(self, bundle: Bundle, symbols: list[str], start: datetime, *, ticks: int, bad: int) -> None:
        self._bundle, self._symbols, self._start = bundle, symbols, start
        self._sent: dict[tuple[str, int], tuple[bytes, str]] = {}
        self._sums: dict[tuple[str, int], list[int]] = {}
        self._last = ticks // 4000 + 10
        draw = random.Random(5)
        for symbol in symbols:
            bundle.create(f"position.{symbol}")
            self._send(draw, symbol, ticks, set(draw.sample(range(ticks), bad)))
        bundle.flush()

    def check(self, patience: float) -> None:
        """Wait for every window and dead letter, and compare them. patience: seconds for each."""
        due = {(symbol, end) for symbol in self._symbols for end in range(1, self._last)}
        self._bundle.wait_until(lambda: self._averages().keys() >= due, "all windows", patience)
        letters = self._bundle.wait_until(
            lambda: len(found := self._bundle.letters(self._symbols)) >= len(self._sent) and found,
            "all dead letters",
            patience,
        )
        for (symbol, end), record in self._averages().items():
            panes = [self._sums.get((symbol, second), (0, 0, 0)) for second in range(end - 10, end)]
            n, total, squares = (sum(column) for column in zip(*panes, strict=True))
            assert record["count"] == n, record
            assert record["mean"] == pytest.approx(total / n / 100, rel=1e-15)
            variance = (n * squares - total * total) / (n * (n - 1)) / 10_000
            assert record["stddev"] == pytest.approx(variance**0.5, rel=1e-12)
        found = {
            (letter["topic"].rpartition(".")[2], letter["offset"]): (
                base64.b64decode(letter["bytes"]),
                letter["reason"],
            )
            for letter in letters
        }
        assert len(letters) == len(found)
        assert found == self._sent
        assert len(Counter(reason for _, reason in found.values())) == REASONS

    def _send(self, draw: random.Random, symbol: str, ticks: int, bad_at: set[int]) -> None:
        cents, offset = 10_000, 0
        for number in range(ticks):
            ms = number // 4
            moment = self._start + timedelta(milliseconds=ms)
            ts = f"{moment:%Y-%m-%d %H:%M:%S}.{ms % 1000:03d}"
            if number in bad_at:
                value, reason = _bad(draw, symbol, ts)
                self._sent[symbol, offset] = value, reason
                self._bundle.send(symbol, value)
                offset += 1
            cents = max(1, cents + draw.choice((-1, 0, 1)))
            value = f'{{"ts": "{ts}", "symbol": "{symbol}", "price": {cents / 100:.2f}}}'.encode()
            self._bundle.send(symbol, value)
            offset += 1
            pane = self._sums.setdefault((symbol, ms // 1000), [0, 0, 0])
            pane[0], pane[1], pane[2] = pane[0] + 1, pane[1] + cents, pane[2] + cents * cents
        self._bundle.tick(symbol, self._start + timedelta(seconds=self._last + 20), "100.00")

    def _averages(self) -> dict[tuple[str, int], dict[str, Any]]:
        found = {}
        for record in self._bundle.so_far():
            symbol, label, ended = key_of(record)
            if label == "10s" and symbol in self._symbols:
                key = symbol, (ended - self._start) // timedelta(seconds=1)
                assert key not in found, f"{key} came twice"
                found[key] = record
        return found
