"""Every window that the deployed job wrote, recomputed from the raw topics by the model of the rule."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from tests.e2e.recount import averages, recount
from tests.gatherer.bundle import DATED_BY_BROKER, Tail, create
from tests.gatherer.exact import TIME_FORMAT, key_of
from tests.gatherer.flink import wait_until
from tests.gatherer.model import Rules

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

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


def check_all(servers: str, symbols: tuple[str, ...], rules: Rules) -> int:
    """Compare all that the job wrote of these symbols with the model; how many windows of 10 s there were."""
    found = recount(servers, symbols, rules)
    assert not found.faults and not found.letters, (str(found.faults), found.letters)
    return sum(label == "10s" for _, label, _ in found.due)


def ends_of(servers: str, symbols: tuple[str, ...]) -> dict[Any, dict[str, Any]]:
    """The windows of these symbols, by their keys."""
    return {key_of(record): record for record in averages(servers) if record["symbol"] in symbols}


def test_every_window_is_there_once_and_exact(servers, rules):
    newest = max(end for _, _, end in ends_of(servers, POSITIONS))
    end = newest + timedelta(seconds=5)
    written = Tail(servers, "movingaverage")
    wait_until(
        lambda: {*map(key_of, written.documents())} >= {(s, "10s", end) for s in POSITIONS},
        f"a window of each position that ends at {end}",
        90,
    )
    written.close()
    assert check_all(servers, POSITIONS, rules) > 5 * 5


@pytest.mark.long  # gatherer/test_failures.py adds a position, and gatherer/records has such prices
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
    wait_until(
        lambda: ends_of(servers, NEW).keys() >= {(symbol, "10s", end) for symbol in NEW},
        f"a window of each of {NEW} that ends at {end}",
        120,
    )
    check_all(servers, NEW, rules)
    found = ends_of(servers, NEW)
    assert found["CONST", "10s", end]["stddev"] == 0
    assert found["CONST", "10s", end]["count"] == 400
    assert found["ONE", "10s", end]["stddev"] is None
