"""Every window of awkward data, against exact arithmetic."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import repeat
from typing import Any

import pytest

pytestmark = pytest.mark.slow

START = datetime(2026, 3, 29, 0, 59, 35, tzinfo=UTC)  # over the hour at which European clocks change
SECONDS = 40
CLOSE = START + timedelta(seconds=SECONDS + 30)

BAD_RECORDS = [
    b"",
    b"not json",
    b"null",
    b"[1, 2]",
    b"{}",
    b'{"ts": "2026-03-29 01:00:00.000", "symbol": "WALK"}',
    b'{"ts": null, "symbol": "WALK", "price": 1.00}',
    b'{"ts": "yesterday", "symbol": "WALK", "price": 1.00}',
    b'{"ts": "2026-03-29 01:00:00.000", "symbol": "WALK", "price": null}',
    b'{"ts": "2026-03-29 01:00:00.000", "symbol": "WALK", "price": NaN}',
    b'{"ts": "2026-03-29 01:00:00.000", "symbol": "WALK", "price": "NaN"}',
    b'{"ts": "2026-03-29 01:00:00.000", "symbol": "WALK", "price": Infinity}',
    b'{"ts": "2026-03-29 01:00:00.000", "symbol": "WALK", "price": 1e400}',
    b'{"ts": "2026-03-29 01:00:00.000", "symbol": "WALK", "price": 0}',
    b'{"ts": "2026-03-29 01:00:00.000", "symbol": "WALK", "price": -5.00}',
    b'{"ts": "2026-03-29 01:00:00.000", "symbol": "WALK", "price": {"amount": 5}}',
    b'{"ts": "2026-03-29 01:00:00.000", "symbol": "OTHER", "price": 1.00}',
    b'{"ts": "2026-03-29 01:00:00.000", "price": 1.00}',
    # Unusable, and in the future: they must not push the watermark either.
    b'{"ts": "2031-01-01 00:00:00.000", "symbol": "WALK", "price": -1.00}',
    b'{"ts": "2031-01-01 00:00:00.000", "symbol": "OTHER", "price": 1.00}',
    b"\xff\xfe\x00",
]


def _walk(draw: random.Random, start: str, tick: str) -> Iterator[str]:
    price, step = Decimal(start), Decimal(tick)
    while True:
        price = max(step, price + step * draw.choice((-1, 0, 1)))
        yield f"{price:f}"


def _disorder(draw: random.Random, number: int) -> list[datetime]:
    """Instants in an order that the watermark's bound of 0.5 s allows; many are the same."""
    moments = [START + timedelta(milliseconds=10 * draw.randrange(SECONDS * 100)) for _ in range(number)]
    return sorted(moments, key=lambda moment: moment + timedelta(milliseconds=draw.randrange(400)))


def test_windows_are_exact(bundle: Any) -> None:
    draw = random.Random(7)
    prices: dict[str, Iterator[str]] = {
        "WALK": _walk(draw, "100", "0.01"),
        "MILLION": _walk(draw, "1000000", "0.01"),
        "HUGE": _walk(draw, "100000000", "0.02"),
        "TINY": _walk(draw, "0.0001", "0.000001"),
        "FINE": _walk(draw, "1234567.12345678", "0.00000001"),
        "JUMPS": iter(lambda: draw.choice(("0.01", "99999999.99")), None),
        "CONSTANT": repeat("23.79"),
        "BRK.B": _walk(draw, "512.5", "0.01"),
    }
    for symbol, walk in prices.items():
        bundle.create(f"position.{symbol}")
        for moment in _disorder(draw, 800):
            bundle.tick(symbol, moment, next(walk))
            if symbol == "WALK" and draw.random() < 0.2:
                bundle.send(symbol, draw.choice(BAD_RECORDS))
    for bad in BAD_RECORDS:
        bundle.send("WALK", bad)
    # A topic of several partitions, each in an order of its own.
    bundle.create("position.SPREAD", partitions=3)
    walk = _walk(draw, "50", "0.01")
    for partition in range(3):
        for moment in _disorder(draw, 300):
            bundle.tick("SPREAD", moment, next(walk), partition)
        bundle.tick("SPREAD", CLOSE, "50.00", partition)
    # One tick in each window, none at all, and one that falls silent: the others must not wait for them for
    # good.
    bundle.create("position.LONE")
    for second in range(0, SECONDS, 13):
        bundle.tick("LONE", START + timedelta(seconds=second, milliseconds=999), "7.77")
    bundle.create("position.SILENT")
    bundle.create("position.STOPS")
    bundle.tick("STOPS", START, "1.25")
    for symbol in (*prices, "LONE"):
        bundle.tick(symbol, CLOSE, "1.00")
    bundle.flush()

    bundle.app.start()
    bundle.app.until_healthy()
    compared = bundle.verify(
        [*prices, "SPREAD", "LONE", "SILENT", "STOPS"], until=CLOSE - timedelta(seconds=1)
    )
    assert compared > 9 * SECONDS
    # What could not be used is all there, once, as it was.
    good = {tick.place for tick in bundle.ticks("WALK")}
    bad = {
        (message.offset(), message.partition()): message.value()
        for message in bundle.records("position.WALK")
        if (message.offset(), message.partition()) not in good
    }
    letters = [json.loads(message.value()) for message in bundle.records("dead_letter")]
    found = {(each["offset"], each["partition"]): base64.b64decode(each["bytes"]) for each in letters}
    assert len(letters) == len(found) and found == bad
    assert {each["topic"] for each in letters} == {f"{bundle.prefix}position.WALK"}
