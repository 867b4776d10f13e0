"""Every window that the deployed job wrote, recomputed from the raw topics by the model of the rule."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from tests.gatherer.bundle import DATED_BY_BROKER, committed, create
from tests.gatherer.exact import TIME_FORMAT, key_of
from tests.gatherer.flink import wait_until
from tests.gatherer.model import Outcome, Record, Rules, check_letters, check_windows, outcome

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]

POSITIONS = ("AAPL", "AMZN", "GOOG", "MSFT", "TSLA")
# A new topic is found within the discovery interval. Ticks older than the watermark by then would be late, so
# those of new positions are dated a little ahead.
AHEAD = timedelta(seconds=15)
NEW = ("MILLION", "CONST", "TINY", "ONE")


@pytest.fixture
def servers(bundle: dict[str, Any]) -> str:
    kafka: str = bundle["endpoints"]["kafka"]
    return kafka


@pytest.fixture
def rules(pipectl) -> Rules:
    """The settings that the job was deployed with."""
    return Rules.of(pipectl.api("service/marathon/v2/apps//volatility/gatherer")["app"]["env"])


@pytest.fixture
def feed(servers):
    """Sends made-up prices to new positions, whose topics appear while the job runs."""
    topics = [f"position.{symbol}" for symbol in NEW]
    for topic in topics:
        create(servers, topic, **DATED_BY_BROKER)
    with Producer({"bootstrap.servers": servers, "enable.idempotence": True}) as producer:

        def send(symbol: str, when: datetime, price: str) -> None:
            ts = when.strftime(TIME_FORMAT)[:-3]
            value = f'{{"ts": "{ts}", "symbol": "{symbol}", "price": {price}}}'
            producer.produce(f"position.{symbol}", key=symbol, value=value)

        yield send
    # The client must live until its answers are there.
    admin = AdminClient({"bootstrap.servers": servers})
    for future in admin.delete_topics(topics).values():
        future.result(30)


def averages(servers: str, symbols: tuple[str, ...]) -> list[dict[str, Any]]:
    found = committed(servers, "movingaverage")
    assert all(json.loads(each.value())["symbol"].encode() == each.key() for each in found)
    return [record for each in found if (record := json.loads(each.value()))["symbol"] in symbols]


def owed(servers: str, symbol: str, rules: Rules) -> Outcome:
    partitions: dict[int, list[Record]] = {}
    for message in committed(servers, f"position.{symbol}"):
        place = message.topic(), message.partition(), message.offset()
        record = Record(*place, message.timestamp()[1], message.value())
        partitions.setdefault(record.partition, []).append(record)
    return outcome(symbol, partitions.values(), rules)


def check_all(servers: str, symbols: tuple[str, ...], rules: Rules) -> int:
    """Compare all that the job wrote of these symbols with the model; how many windows of 10 s there were."""
    written = averages(servers, symbols)
    letters = [json.loads(each.value()) for each in committed(servers, "dead_letter")]
    # Read after them: every tick of what was written is there.
    outcomes = {symbol: owed(servers, symbol, rules) for symbol in symbols}
    # Each position has a clock of its own: its windows are there up to its newest.
    newest: dict[str, datetime] = {}
    for symbol, _, end in map(key_of, written):
        newest[symbol] = max(end, newest.get(symbol, end))
    assert newest.keys() == {*symbols}
    due = {key for symbol in symbols for key in outcomes[symbol].windows if key[2] <= newest[symbol]}
    check_windows(written, outcomes.values(), due)
    topics = {f"position.{symbol}" for symbol in symbols}
    check_letters([each for each in letters if each["topic"] in topics], outcomes.values())
    return sum(label == "10s" for _, label, _ in due)


def test_every_window_is_there_once_and_exact(servers, rules):
    newest = max(key_of(record)[2] for record in averages(servers, POSITIONS))
    end = newest + timedelta(seconds=15)
    wait_until(
        lambda: (
            {key_of(record) for record in averages(servers, POSITIONS)}
            >= {(s, "10s", end) for s in POSITIONS}
        ),
        f"a window of each position that ends at {end}",
        90,
    )
    assert check_all(servers, POSITIONS, rules) > 5 * 15


def test_new_positions_are_picked_up_and_large_constant_and_single_prices_are_exact(servers, rules, feed):
    began = datetime.now(UTC).replace(microsecond=0) + AHEAD
    for step in range(400):
        when = began + timedelta(milliseconds=20 * step)
        feed("MILLION", when, f"{1_000_000 + (step * 7 % 13) / 100:.2f}")
        feed("CONST", when, "23.79")
        feed("TINY", when, f"0.000{step % 7 + 1}")
        if step == 0:
            feed("ONE", when, "42.5")
    # The last windows of each are written once their position has been silent for the idle timeout.
    end = began + timedelta(seconds=8)

    def found() -> dict[Any, dict[str, Any]]:
        return {key_of(record): record for record in averages(servers, NEW)}

    wait_until(
        lambda: found().keys() >= {(symbol, "10s", end) for symbol in NEW},
        f"a window of each of {NEW} that ends at {end}",
        120,
    )
    check_all(servers, NEW, rules)
    assert found()["CONST", "10s", end]["stddev"] == 0
    assert found()["CONST", "10s", end]["count"] == 400
    assert found()["ONE", "10s", end]["stddev"] is None
