"""The Java classes, asked directly: the format's judgement of awkward JSON, and sums beyond 128 bits."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from py4j.java_gateway import GatewayParameters, JavaGateway, launch_gateway

from flink_scripts.compiling import compiled_jar
from flink_scripts.java import flink_jars, java_home
from gatherer.rows import Input, pane_of

pytestmark = pytest.mark.slow

TICK = '"ts": "2026-03-29 01:00:00.000", "symbol": "ODD"'
BAD = {
    # Exponents that no Java number has.
    f'{{{TICK}, "price": 1e99999999999}}': "bad_price",
    f'{{{TICK}, "price": 1e-99999999999}}': "bad_price",
    f'{{{TICK}, "price": 12.5e-2147483647}}': "bad_price",
    f'{{{TICK}, "price": 1e2147483647}}': "bad_price",
    f'{{{TICK}, "price": 1e99999999999': "not_json",
    f'{{{TICK}, "price": {"1" * 2000}}}': "not_json",
    f'{{{TICK}, "price": 1, "more": {"[" * 5000}}}': "not_json",
    f'{{{TICK}, "price": 1, "{"n" * 60_000}": 1}}': "not_json",
    f'{{{TICK}, "price": {{"price": 3}}, "price": 1}}': "wrong_type",
}


@pytest.fixture(scope="module")
def gateway() -> Iterator[JavaGateway]:
    jars = ":".join(str(jar) for jar in (compiled_jar("gatherer"), *flink_jars()))
    port = launch_gateway(classpath=jars, java_path=str(java_home() / "bin" / "java"), die_on_exit=True)
    gateway = JavaGateway(gateway_parameters=GatewayParameters(port=port))
    yield gateway
    gateway.shutdown()


@pytest.fixture(scope="module")
def decode(gateway: JavaGateway) -> Callable[[bytes], tuple[int | None, str | None]]:
    """A record's units and the reason why it can't be used."""
    constructor = gateway.jvm.java.lang.Class.forName("gatherer.PriceDecoder").getDeclaredConstructors()[0]
    constructor.setAccessible(True)
    decoder = constructor.newInstance(gateway.new_array(gateway.jvm.java.lang.Object, 1))
    decoder.open(None)

    def read(record: bytes) -> tuple[int | None, str | None]:
        row = decoder.deserialize(record)
        reason = row.getField(4)
        return row.getField(3), None if reason is None else reason.toString()

    return read


@pytest.mark.parametrize("record", BAD, ids=range(len(BAD)))
def test_what_is_wrong_is_told(record: str, decode: Any) -> None:
    assert decode(record.encode()) == (None, BAD[record])


def test_the_largest_and_the_smallest_price(decode: Any) -> None:
    assert decode(f'{{{TICK}, "price": 999999999.99999999}}'.encode()) == (10**17 - 1, None)
    assert decode(f'{{{TICK}, "price": 0.000000005}}'.encode()) == (1, None)


def test_no_bytes_make_it_fail(decode: Any) -> None:
    draw = random.Random(1)
    whole = f'{{{TICK}, "price": 12.5e-1, "more": [1, {{"a": null}}, "\\ud83d\\ude00"]}}'
    seeds = [whole.encode(), *map(str.encode, BAD), *(whole.encode(each) for each in ("utf-16", "utf-32"))]
    seeds = [seed for seed in seeds if len(seed) < 500]
    for _ in range(2000):
        record = bytearray(draw.choice(seeds))
        for _ in range(draw.randrange(1, 5)):
            at = draw.randrange(len(record))
            record[at : at + draw.randrange(4)] = draw.choice(
                (draw.randbytes(1), b"9", b'"', b"{", b"\\", b"e")
            )
        units, reason = decode(bytes(record))
        assert (units is None) != (reason is None), bytes(record)


@pytest.mark.parametrize("units", [10**17 - 1, 2**32, 2**48 + 1, 12345])
def test_sums_are_exact_beyond_128_bits(units: int, gateway: JavaGateway) -> None:
    function = gateway.jvm.gatherer.Pane()
    long = gateway.jvm.java.lang.Long
    whole, part = function.createAccumulator(), function.createAccumulator()
    function.accumulate(part, long(1), long(1), long(units), True)
    number = 1
    for _ in range(24):  # doubled again and again, with a tick more each time
        for each in (part, part):
            others = gateway.jvm.java.util.ArrayList()
            others.add(each)
            function.merge(whole, others)
        function.accumulate(whole, long(1), long(1), long(units), True)
        number = 2 * number + 1
        whole, part = function.createAccumulator(), whole
    pane = pane_of(Input("ODD", "pane", bytes(function.getValue(part)), 1, *[None] * 6), 1000)
    assert (pane.n, pane.total, pane.sum_of_squares) == (number, number * units, number * units**2)
    assert pane.histogram == {units: number}
