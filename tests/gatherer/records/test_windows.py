"""Every window of awkward data, against exact arithmetic."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import repeat
from typing import Any

import pytest

from tests.gatherer.exact import key_of

pytestmark = pytest.mark.slow

START = datetime(2026, 3, 29, 0, 59, 35, tzinfo=UTC)  # over the hour at which European clocks change
SECONDS = 40
CLOSE = START + timedelta(seconds=SECONDS + 30)

WHEN = '"ts": "2026-03-29 01:00:00.000"'
BAD_RECORDS = {
    b"": "not_json",
    b"not json": "not_json",
    b"null": "not_json",
    b"[1, 2]": "not_json",
    b"\xff\xfe\x00": "not_json",
    f'{{{WHEN}, "symbol": "WALK", "price": NaN}}'.encode(): "not_json",
    f'{{{WHEN}, "symbol": "WALK", "price": Infinity}}'.encode(): "not_json",
    f'{{{WHEN}, "symbol": "WALK", "price": 1.00}} {{}}'.encode(): "not_json",
    f'{{{WHEN}, "symbol": "WALK", "price": 1.00'.encode(): "not_json",
    b"{}": "missing_field",
    f'{{{WHEN}, "symbol": "WALK"}}'.encode(): "missing_field",
    f'{{{WHEN}, "price": 1.00}}'.encode(): "missing_field",
    b'{"symbol": "WALK", "price": 1.00}': "missing_field",
    b'{"ts": null, "symbol": "WALK", "price": 1.00}': "wrong_type",
    b'{"ts": 1774746000000, "symbol": "WALK", "price": 1.00}': "wrong_type",
    f'{{{WHEN}, "symbol": 7, "price": 1.00}}'.encode(): "wrong_type",
    f'{{{WHEN}, "symbol": "WALK", "price": null}}'.encode(): "wrong_type",
    f'{{{WHEN}, "symbol": "WALK", "price": "1.00"}}'.encode(): "wrong_type",
    f'{{{WHEN}, "symbol": "WALK", "price": {{"amount": 5}}}}'.encode(): "wrong_type",
    f'{{{WHEN}, "symbol": "WALK", "price": 1e400}}'.encode(): "bad_price",
    f'{{{WHEN}, "symbol": "WALK", "price": 1e999999999}}'.encode(): "bad_price",
    f'{{{WHEN}, "symbol": "WALK", "price": 1000000000}}'.encode(): "bad_price",
    f'{{{WHEN}, "symbol": "WALK", "price": 999999999.999999999}}'.encode(): "bad_price",
    f'{{{WHEN}, "symbol": "WALK", "price": 0}}'.encode(): "bad_price",
    f'{{{WHEN}, "symbol": "WALK", "price": 0.000000001}}'.encode(): "bad_price",
    f'{{{WHEN}, "symbol": "WALK", "price": 1e-999999999}}'.encode(): "bad_price",
    f'{{{WHEN}, "symbol": "WALK", "price": -5.00}}'.encode(): "bad_price",
    b'{"ts": "yesterday", "symbol": "WALK", "price": 1.00}': "bad_time",
    b'{"ts": "2026-02-30 01:00:00.000", "symbol": "WALK", "price": 1.00}': "bad_time",
    b'{"ts": "2026-03-29 24:00:00.000", "symbol": "WALK", "price": 1.00}': "bad_time",
    b'{"ts": "2026-03-29 01:00:00.", "symbol": "WALK", "price": 1.00}': "bad_time",
    b'{"ts": "1999-12-31 23:59:59.999", "symbol": "WALK", "price": 1.00}': "bad_time",
    f'{{{WHEN}, "symbol": "OTHER", "price": 1.00}}'.encode(): "unknown_symbol",
    # In the future: none of them must push the watermark.
    b'{"ts": "2031-01-01 00:00:00.000", "symbol": "WALK", "price": 1.00}': "future",
    b'{"ts": "2031-01-01 00:00:00.000", "symbol": "WALK", "price": -1.00}': "bad_price",
    b'{"ts": "2031-01-01 00:00:00.000", "symbol": "OTHER", "price": 1.00}': "unknown_symbol",
}
# Good ones, however they are written.
ODD_RECORDS = [
    f'{{{WHEN[:-5]}", "symbol": "ODD", "price": 1.25}}',
    f'{{"price":1.25e0,"symbol":"ODD","more":[{{"ts":1}},null],{WHEN.replace(": ", ":")}}}',
    f' {{{WHEN[:-1]}456", "symbol": "O\\u0044D", "price": 12.5E-1}} ',
    f'{{"price": 3, {WHEN}, "symbol": "ODD", "price": 1.250000004}}',
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


def test_windows_are_exact(running: Any) -> None:
    bundle = running
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
                bundle.send(symbol, draw.choice([*BAD_RECORDS]))
    for bad in BAD_RECORDS:
        bundle.send("WALK", bad)
    bundle.create("position.ODD")
    for odd in ODD_RECORDS:
        bundle.send("ODD", odd.encode())
    bundle.tick("ODD", CLOSE, "1.00")
    # A topic of several partitions, each in an order of its own.
    bundle.create("position.SPREAD", partitions=3)
    walk = _walk(draw, "50", "0.01")
    for partition in range(3):
        for moment in _disorder(draw, 300):
            bundle.tick("SPREAD", moment, next(walk), partition)
        bundle.tick("SPREAD", CLOSE, "50.00", partition)
    # One tick in each window, none at all, and one that falls silent.
    bundle.create("position.LONE")
    for second in range(0, SECONDS, 13):
        bundle.tick("LONE", START + timedelta(seconds=second, milliseconds=999), "7.77")
    bundle.create("position.SILENT")
    bundle.create("position.STOPS")
    bundle.tick("STOPS", START, "1.25")
    for symbol in (*prices, "LONE"):
        bundle.tick(symbol, CLOSE, "1.00")
    bundle.flush()

    symbols = [*prices, "ODD", "SPREAD", "LONE", "SILENT", "STOPS"]
    assert bundle.compare(symbols, until=CLOSE - timedelta(seconds=1)) > 9 * SECONDS
    odd = [record for record in bundle.averages() if record["symbol"] == "ODD"]
    assert {record["count"] for record in odd if key_of(record)[2] < CLOSE} == {4}
    # What could not be used is all there, once, as it was.
    refused = {(offset, partition) for _, partition, offset in bundle.owed("WALK").letters}
    bad = {
        (message.offset(), message.partition()): message.value()
        for message in bundle.records("position.WALK")
        if (message.offset(), message.partition()) in refused
    }
    letters = bundle.letters(symbols)
    found = {(each["offset"], each["partition"]): base64.b64decode(each["bytes"]) for each in letters}
    assert len(letters) == len(found) and found == bad
    assert {each["topic"] for each in letters} == {f"{bundle.prefix}position.WALK"}
    for each in letters:
        assert each["reason"] == BAD_RECORDS[base64.b64decode(each["bytes"])], each
