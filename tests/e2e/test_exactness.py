"""Every window that the job wrote, recomputed from the raw topics with exact arithmetic of our own."""

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]

# The defaults, length and slide in milliseconds.
WINDOWS = {"10s": (10_000, 1_000), "1m": (60_000, 5_000), "10m": (600_000, 10_000)}
WINDOW, SLIDE = WINDOWS["10s"]
TOLERANCE = Fraction(1, 10**9)
# A new topic is found within the discovery interval. Ticks older than the watermark by then would be late, so
# those of new positions are dated a little ahead.
AHEAD = timedelta(seconds=15)


@dataclass(frozen=True)
class Tick:
    """A raw price: event time in ms, offset, and the price exactly as its text says."""

    at: int
    offset: int
    price: Fraction


def ms(text: str) -> int:
    whole = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return round(whole.timestamp() * 1000)


def read_all(servers: str, topics: Iterable[str]) -> Iterator[Message]:
    """All committed records that the topics hold now."""
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": "exactness",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    try:
        listed = consumer.list_topics(timeout=10).topics
        parts = [TopicPartition(name, p, 0) for name in topics for p in listed[name].partitions]
        # A topic that grows all the time has no end to meet, one that ends in a commit marker no last record.
        last = {(p.topic, p.partition): consumer.get_watermark_offsets(p)[1] - 1 for p in parts}
        consumer.assign(parts)
        while last:
            message = consumer.poll(10)
            assert message is not None, "the broker stopped answering"
            partition = message.topic(), message.partition()
            if not message.error() and partition in last:
                yield message
            if message.error() or message.offset() >= last.get(partition, 0):
                last.pop(partition, None)
    finally:
        consumer.close()


def raw_ticks(servers: str, topics: Iterable[str]) -> dict[str, list[Tick]]:
    ticks: dict[str, list[Tick]] = {}
    for message in read_all(servers, topics):
        record = json.loads(message.value(), parse_float=Decimal, parse_int=Decimal)
        tick = Tick(ms(record["ts"]), message.offset(), Fraction(record["price"]))
        ticks.setdefault(record["symbol"], []).append(tick)
    return ticks


def written(servers: str, window: str = "10s") -> dict[tuple[str, int], dict[str, Any]]:
    """The job's records of one window length by symbol and end; a second record of one window fails here."""
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for message in read_all(servers, ["movingaverage"]):
        record = json.loads(message.value())
        assert message.key() == record["symbol"].encode()
        if record["window"] != window:
            continue
        key = (record["symbol"], ms(record["window_end"]))
        assert key not in found, f"written twice: {key}"
        found[key] = record
    return found


def windows_of(ticks: list[Tick], until: int, length: int, slide: int) -> dict[int, list[Tick]]:
    """The ticks of every window that has any and ends by `until`."""
    windows: dict[int, list[Tick]] = {}
    for tick in ticks:
        first = tick.at - tick.at % slide + slide
        for end in range(first, first + length, slide):
            if end <= until:
                windows.setdefault(end, []).append(tick)
    return windows


def root(value: Fraction) -> Fraction:
    with localcontext(prec=60):
        return Fraction((Decimal(value.numerator) / Decimal(value.denominator)).sqrt())


def close(got: float, exact: Fraction) -> bool:
    return abs(Fraction(got) - exact) <= abs(exact) * TOLERANCE


def check(record: dict[str, Any], ticks: list[Tick], start: int) -> None:
    prices = [tick.price for tick in ticks]
    n, total = len(prices), sum(prices)
    mean = total / n
    last = max(ticks, key=lambda tick: (tick.at, tick.offset)).price
    assert ms(record["window_start"]) == start
    assert record["count"] == n
    got = [record["min"], record["max"], record["last"]]
    assert got == [float(min(prices)), float(max(prices)), float(last)]
    assert close(record["mean"], mean)
    if n < 2:
        assert record["stddev"] is None
        assert record["cv"] is None
        return
    stddev = root((sum(p * p for p in prices) - total * total / n) / (n - 1))
    assert close(record["stddev"], stddev), (record, float(stddev))
    assert close(record["cv"], 100 * stddev / mean)


def check_all(servers: str, topics: list[str]) -> int:
    """Compare every window of these symbols with what the job wrote; returns how many of 10 s there were."""
    output = {label: written(servers, label) for label in WINDOWS}
    # After them, so that every tick of what was written is there.
    ticks = raw_ticks(servers, topics)
    compared = {}
    for label, (length, slide) in WINDOWS.items():
        # Each position has a clock of its own: its windows are there up to its newest.
        newest: dict[str, int] = {}
        for symbol, end in output[label]:
            newest[symbol] = max(end, newest.get(symbol, end))
        assert label != "10s" or ticks.keys() <= newest.keys()
        expected = {
            (symbol, end): inside
            for symbol, of_symbol in ticks.items()
            for end, inside in windows_of(of_symbol, newest.get(symbol, 0), length, slide).items()
        }
        assert {(symbol, end) for symbol, end in output[label] if symbol in ticks} == expected.keys()
        for (symbol, end), inside in expected.items():
            check(output[label][symbol, end], inside, end - length)
        compared[label] = len(expected)
    return compared["10s"]


def position_topics(servers: str) -> list[str]:
    names = AdminClient({"bootstrap.servers": servers}).list_topics(timeout=10).topics
    return [name for name in names if name.startswith("position.")]


def wait_for_window(servers: str, symbol: str, end: int, timeout: float = 90) -> None:
    deadline = time.monotonic() + timeout
    while (symbol, end) not in written(servers):
        assert time.monotonic() < deadline, f"no window of {symbol} that ends at {end}"
        time.sleep(0.5)


class Feed:
    """Prices of one's own making, into positions of one's own: topics that appear while the job runs."""

    def __init__(self, servers: str, *symbols: str) -> None:
        admin = AdminClient({"bootstrap.servers": servers})
        for future in admin.create_topics([NewTopic(f"position.{s}", 1, 1) for s in symbols]).values():
            future.result(30)
        self.producer = Producer({"bootstrap.servers": servers, "enable.idempotence": True})

    def send(self, symbol: str, at: datetime, price: str) -> None:
        ts = at.strftime("%Y-%m-%d %H:%M:%S.") + f"{at.microsecond // 1000:03d}"
        value = f'{{"ts": "{ts}", "symbol": "{symbol}", "price": {price}}}'
        self.producer.produce(f"position.{symbol}", key=symbol, value=value)

    def flush(self) -> None:
        assert self.producer.flush(30) == 0


@pytest.fixture(scope="module")
def servers(bundle: dict[str, Any]) -> str:
    kafka: str = bundle["endpoints"]["kafka"]
    return kafka


def test_every_window_is_there_once_and_exact(servers):
    topics = [f"position.{record}" for record in ("AAPL", "AMZN", "GOOG", "MSFT", "TSLA")]
    newest = max(end for _, end in written(servers))
    wait_for_window(servers, "AAPL", newest + 15_000)
    assert check_all(servers, topics) > 5 * 15


def test_new_positions_are_picked_up_and_large_and_constant_prices_are_exact(servers):
    feed = Feed(servers, "MILLION", "CONST", "ONE", "TINY")
    began = datetime.now(UTC).replace(microsecond=0) + AHEAD
    for step in range(400):
        at = began + timedelta(milliseconds=20 * step)
        feed.send("MILLION", at, f"{1_000_000 + (step * 7 % 13) / 100:.2f}")
        feed.send("CONST", at, "23.79")
        feed.send("TINY", at, f"0.000{step % 7 + 1}")
        if step == 0:
            feed.send("ONE", at, "42.5")
    feed.flush()
    end = round(began.timestamp() * 1000) + 8_000
    for symbol in ("MILLION", "CONST", "TINY", "ONE"):
        wait_for_window(servers, symbol, end)
    check_all(servers, [f"position.{s}" for s in ("MILLION", "CONST", "ONE", "TINY")])
    output = written(servers)
    assert output["CONST", end]["stddev"] == 0
    assert output["CONST", end]["count"] == 400
    assert output["ONE", end]["stddev"] is None


def test_a_silent_position_holds_up_nobody(servers):
    feed = Feed(servers, "QUIET")
    feed.send("QUIET", datetime.now(UTC) + AHEAD, "10.00")
    feed.flush()
    newest = max(end for _, end in written(servers))
    wait_for_window(servers, "AAPL", newest + 30_000)
    back = datetime.now(UTC) + AHEAD
    feed.send("QUIET", back, "11.00")
    feed.flush()
    wait_for_window(servers, "QUIET", ms(back.strftime("%Y-%m-%d %H:%M:%S")) + WINDOW)
    wait_for_window(servers, "AAPL", ms(back.strftime("%Y-%m-%d %H:%M:%S")) + WINDOW)
    assert check_all(servers, ["position.QUIET"]) == 20
    check_all(servers, ["position.AAPL"])
