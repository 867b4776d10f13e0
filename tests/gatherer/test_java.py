"""The Java classes: their own tests; asked directly, awkward JSON, sums beyond 128 bits, watermarks."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from py4j.java_gateway import (
    CallbackServerParameters,
    GatewayParameters,
    JavaGateway,
    launch_gateway,
    set_field,
)

from flink_scripts import building
from flink_scripts.connectors import connector_jars
from flink_scripts.java import flink_jars, java_home
from flink_scripts.java_project import JavaProject, job_jar
from gatherer.rows import Input, pane_of

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


def test_the_java_tests_pass() -> None:
    failure = building.test(JavaProject(ROOT / "gatherer" / "java"), quiet=True)
    if failure is not None:
        pytest.fail(failure, pytrace=False)


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
    jars = ":".join(str(jar) for jar in (job_jar("gatherer"), *flink_jars(), *connector_jars()))
    port = launch_gateway(classpath=jars, java_path=str(java_home() / "bin" / "java"), die_on_exit=True)
    gateway = JavaGateway(
        gateway_parameters=GatewayParameters(port=port, auto_field=True),
        callback_server_parameters=CallbackServerParameters(port=0),
    )
    callbacks = gateway.get_callback_server().get_listening_port()
    server = gateway.java_gateway_server
    server.resetCallbackClient(server.getCallbackClient().getAddress(), callbacks)
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


class Watermarks:
    """What comes out of a source: its watermark, None before there is one, and whether it is idle."""

    class Java:
        implements = ("org.apache.flink.api.common.eventtime.WatermarkOutput",)

    def __init__(self) -> None:
        self.at: int | None = None
        self.idle = False

    def emitWatermark(self, watermark: Any) -> None:  # noqa: N802 - Java's name
        self.at, self.idle = watermark.getTimestamp(), False

    def markIdle(self) -> None:  # noqa: N802
        self.idle = True

    def markActive(self) -> None:  # noqa: N802
        self.idle = False


class Source:
    """Partitions whose watermarks Flink puts together, at a clock that is ours."""

    def __init__(self, gateway: JavaGateway, disorder_ms: int, idle_ms: int, return_ms: int) -> None:
        jvm = gateway.jvm
        flink = jvm.org.apache.flink
        self.out = Watermarks()
        self._clock = flink.util.clock.ManualClock()
        self._combined = flink.api.common.eventtime.WatermarkOutputMultiplexer(self.out)
        context = flink.streaming.api.operators.source.TimestampsAndWatermarksContext(
            flink.metrics.groups.UnregisteredMetricsGroup(), self._clock
        )
        strategy = jvm.gatherer.EventTime(disorder_ms, idle_ms, return_ms)
        self._reading, self._millis = jvm.gatherer.Reading, jvm.java.time.Duration.ofMillis
        self._partitions = {}
        listener = getattr(
            flink.api.common.eventtime, "WatermarkOutputMultiplexer$NoOpWatermarkUpdateListener"
        )
        for name in "AB":
            self._combined.registerNewOutput(name, listener())
            self._partitions[name] = strategy.createWatermarkGenerator(context)

    def tick(self, partition: str, ms: int, kind: int = 0) -> None:
        reading = self._reading()
        set_field(reading, "ms", ms)
        set_field(reading, "kind", kind)
        out = self._combined.getImmediateOutput(partition)
        self._partitions[partition].onEvent(reading, 0, out)

    def pass_ms(self, ms: int) -> int | None:
        """Let time go by, after which Flink asks for watermarks, as it does every 200 ms."""
        self._clock.advanceTime(self._millis(ms))
        for name, generator in self._partitions.items():
            generator.onPeriodicEmit(self._combined.getDeferredOutput(name))
        self._combined.onPeriodicEmit()
        return self.out.at


BAD_KIND = 1
BEFORE_ALL = -(2**63) + 1


@pytest.fixture
def source(gateway: JavaGateway) -> Source:
    """Disorder up to 500 ms, idle after 3 s, 400 ms for all to come back."""
    return Source(gateway, 500, 3000, 400)


def test_the_slowest_partition_that_goes_on_tells_the_time(source: Source) -> None:
    source.tick("A", 10_000)
    source.tick("B", 90_000, BAD_KIND)
    assert source.pass_ms(200) == BEFORE_ALL, "B may have older ticks"
    source.tick("B", 5_000)
    source.tick("A", 9_800)  # out of order
    assert source.pass_ms(200) == 5_000 - 501
    source.tick("A", 11_000)
    assert source.pass_ms(2900) == 5_000 - 501
    source.tick("A", 12_000)
    assert source.pass_ms(200) == 12_000 - 501, "B is idle"


@pytest.mark.parametrize(("ms", "kind"), [(5_000, 0), (4_000, 0), (90_000, BAD_KIND)])
def test_what_does_not_go_on_in_time_holds_nobody_up(source: Source, ms: int, kind: int) -> None:
    """The same tick again and again, older ones, or records that can't be used."""
    source.tick("B", 5_000)
    for second in range(10, 16):
        source.tick("A", second * 1000)
        source.tick("B", ms, kind)
        source.pass_ms(1000)
    assert source.out.at == 15_000 - 501


@pytest.mark.parametrize("ms", [10_200, 11_200])
def test_partitions_that_come_back_after_silence_of_all_are_all_heard(source: Source, ms: int) -> None:
    for partition in "AB":
        source.tick(partition, 10_000)
    source.pass_ms(200)
    source.pass_ms(3500)
    assert source.out.idle
    # A comes back with all that it has; B's, older or not, is read a while later.
    for second in range(11, 70):
        source.tick("A", second * 1000)
    assert source.pass_ms(200) == 10_000 - 501
    assert source.pass_ms(50) == 10_000 - 501
    source.tick("B", ms)
    time.sleep(0.45)
    assert source.pass_ms(500) == ms - 501, "the moment is over"
    source.tick("B", 69_000)
    assert source.pass_ms(1000) == 69_000 - 501


def test_a_partition_that_comes_back_alone_stops_nothing(source: Source) -> None:
    source.tick("A", 10_000)
    source.tick("B", 10_000)
    for second in range(11, 20):
        source.tick("A", second * 1000)
        source.pass_ms(1000)
    assert source.out.at == 19_000 - 501
    source.tick("B", 19_500)
    source.tick("A", 20_000)
    assert source.pass_ms(200) == 19_500 - 501
    source.tick("B", 20_500)
    assert source.pass_ms(200) == 20_000 - 501


def test_a_partition_that_flink_stops_reading_is_not_idle(gateway: JavaGateway) -> None:
    source = Source(gateway, 500, 100, 400)
    source.tick("A", 10_000)
    source.tick("B", 20_000)
    source.pass_ms(10)
    time.sleep(0.3)  # while its own clock, which stops with it, goes on by half as much
    source.pass_ms(150)
    assert not source.out.idle
    source.pass_ms(1)
    assert source.out.idle
