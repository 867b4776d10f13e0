"""The Java classes, asked directly: judgement of awkward JSON, and sums beyond 128 bits."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from py4j.java_gateway import GatewayParameters, JavaGateway, launch_gateway

from flink_scripts.compiling import compiled_jar
from flink_scripts.connectors import connector_jars
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
    jars = ":".join(str(jar) for jar in (compiled_jar("gatherer"), *flink_jars(), *connector_jars()))
    port = launch_gateway(classpath=jars, java_path=str(java_home() / "bin" / "java"), die_on_exit=True)
    gateway = JavaGateway(gateway_parameters=GatewayParameters(port=port, auto_field=True))
    yield gateway
    gateway.shutdown()


@pytest.fixture(scope="module")
def read(gateway: JavaGateway) -> Callable[[bytes], tuple[int | None, str | None]]:
    """A record's units, or the reason why it can't be used."""
    jvm = gateway.jvm
    reader = jvm.gatherer.PriceReader("position.", 60_000)
    reader.open(None)
    kafka = jvm.org.apache.flink.kafka.shaded.org.apache.kafka.common
    record_of = jvm.org.apache.flink.kafka.shaded.org.apache.kafka.clients.consumer.ConsumerRecord
    written = (1_774_746_000_000, kafka.record.TimestampType.LOG_APPEND_TIME)  # the second of TICK
    headers, epoch = kafka.header.internals.RecordHeaders(), jvm.java.util.Optional.empty()
    collector_of = jvm.org.apache.flink.api.common.functions.util.ListCollector

    def of(value: bytes) -> Any:
        return record_of("position.ODD", 0, 0, *written, -1, -1, None, value, headers, epoch)

    def read(record: bytes) -> tuple[int | None, str | None]:
        found = jvm.java.util.ArrayList()
        reader.deserialize(of(record), collector_of(found))
        (reading,) = found
        return (reading.units or None), reading.reason

    return read


@pytest.mark.parametrize("record", BAD, ids=range(len(BAD)))
def test_what_is_wrong_is_told(record: str, read: Any) -> None:
    assert read(record.encode()) == (None, BAD[record])


def test_the_largest_and_the_smallest_price(read: Any) -> None:
    assert read(f'{{{TICK}, "price": 999999999.99999999}}'.encode()) == (10**17 - 1, None)
    assert read(f'{{{TICK}, "price": 0.000000005}}'.encode()) == (1, None)


def test_no_bytes_make_it_fail(read: Any) -> None:
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
        units, reason = read(bytes(record))
        assert (units is None) != (reason is None), bytes(record)


@pytest.mark.parametrize("units", [10**17 - 1, 2**32, 2**48 + 1])
def test_sums_are_exact_beyond_128_bits(units: int, gateway: JavaGateway) -> None:
    ticks, number = gateway.jvm.gatherer.Ticks(True), 40_000
    for _ in range(number):
        ticks.add(1, 1, units)
    pane = pane_of(Input("ODD", "pane", bytes(ticks.toBytes()), 1, *[None] * 6), 1000)
    assert (pane.n, pane.total, pane.sum_of_squares) == (number, number * units, number * units**2)
    assert pane.histogram == {units: number}
