"""`status`, `watch` and `limits` through the real page behind the embedded cluster's front door, while the
brokers' address leads nowhere.
"""

import itertools
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from cli import local
from cli.catalogue import load_settings
from cli.engine.dcos.apps import manifest_of
from cli.engine.dcos.client import LOCAL_CLIENT, local_environ
from cli.engine.dcos.engine import DcosEngine
from cli.engine.dcos.runner import Dcos
from kafka_topic.contracts import DeadLetter, MovingAverage, Price, Signal
from kafka_topic.limits import LimitsStore
from kafka_topic.names import Topics
from marathon import render
from tests import group_offsets
from tests.cli.invoking import invoke

pytestmark = pytest.mark.slow
NUMBERS = itertools.count()
NOWHERE = "127.0.0.1:1"
NOW = datetime.now(UTC).replace(microsecond=0)
SIGNAL = Signal(
    *("limit", "likely", "AAPL", NOW, "10m", "buy", 96.2, 0.61, 0.5, 0.61, 300.0, 75.0),
    "It is likely that 95 is reached within 5m.",
)


def window(symbol: str, seconds: int, end: datetime = NOW) -> MovingAverage:
    return MovingAverage(symbol, end - timedelta(seconds=seconds), end, 2, 1.0, 1.0, 3.0, 2.0, 1.5, 75.0)


@dataclass
class Out:
    """A bundle of which only the dashboard runs. `pipectl` gets an address where no broker is."""

    home: Path
    servers: str
    topics: Topics
    told: str = NOWHERE

    @property
    def overrides(self) -> list[str]:
        group = f"/{self.topics.prefix.strip('.')}"
        own = [f"group={group}", "positions=[AAPL, MSFT]", f"topics.prefix={self.topics.prefix}"]
        return [*own, f"kafka.bootstrap_servers={self.told}"]

    def run(self, *args: str, code: int = 0) -> Result:
        given = [part for each in self.overrides for part in ("--set", each)]
        return invoke(self.home, *args, *given, code=code)

    def json(self, *args: str, code: int = 0) -> Any:
        return json.loads(self.run(*args, "-o", "json", code=code).stdout)

    def lines(self, *args: str) -> list[Any]:
        return [json.loads(line) for line in self.run(*args, "-o", "json").stdout.splitlines()]


@pytest.fixture(scope="module")
def out(kafka: Any, local_home: Path) -> Iterator[Out]:
    """The dashboard runs and has read two windows, a signal, dead letters, and one price per position."""
    from confluent_kafka import Producer

    out = Out(local_home, kafka.bootstrap_servers, Topics(f"reach{next(NUMBERS)}."))
    topics = out.topics
    kafka.create(topics.moving_average, topics.signals, topics.dead_letter, topics.limits)
    kafka.create(*map(topics.position, ("AAPL", "MSFT")))
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers, "enable.idempotence": True})
    for symbol in ("AAPL", "MSFT"):
        producer.produce(topics.position(symbol), Price(NOW, symbol, 96.2).to_json(), symbol)
        for seconds in (10, 60):
            producer.produce(topics.moving_average, window(symbol, seconds).to_json(), symbol)
    producer.produce(topics.signals, SIGNAL.to_json(), "AAPL")
    letter = DeadLetter(topics.position("MSFT"), 0, 17, "late", "too late", NOW, b"x")
    producer.produce(topics.dead_letter, letter.to_json(), "MSFT")
    assert producer.flush(20) == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIPECTL_HOME", str(local_home))
        settings = load_settings("local", overrides=out.overrides)
        cluster = DcosEngine(Dcos(LOCAL_CLIENT, local_environ(*local.address())))
        app = dict(render(settings).apps["dashboard"].definition)
        # No deploy has made the token of Flink, which does not run here.
        app.pop("secrets", None)
        app["env"] = {
            **app["env"],
            "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
            "FLINK_TOKEN": "0" * 64,
        }
        cluster.create(manifest_of(app))
        try:
            deadline = time.monotonic() + 60
            while not seen(out):
                assert time.monotonic() < deadline
                time.sleep(0.3)
            yield out
        finally:
            cluster.delete(app["id"])


def seen(out: Out) -> bool:
    """Whether the dashboard has read every record."""
    status = out.json("status", code=4)
    ends = [position["last_window_end"] for position in status["positions"]]
    return status["via"] == "page" and None not in ends and status["dead_letters"]["total"] == 1


def test_status_goes_through_the_page_and_says_so(out: Out) -> None:
    result = out.run("status", "-o", "json", code=4)
    status = json.loads(result.stdout)
    assert status["via"] == "page"
    (told,) = result.stderr.splitlines()
    assert re.fullmatch(
        rf"reading through the dashboard at http://127\.0\.0\.1:\d+/service/reach\d+-dashboard/: "
        rf"no broker answers at {re.escape(NOWHERE)}",
        told,
    )
    assert status["dead_letters"] == {"total": 1, "complete": True, "by_reason": {"late": 1}}
    assert {one["symbol"]: one["topic"] for one in status["positions"]} == {
        symbol: out.topics.position(symbol) for symbol in ("AAPL", "MSFT")
    }
    assert "problem" not in status


def test_brokers_and_page_report_the_same_problems(out: Out) -> None:
    group, topic = f"{out.topics.prefix.strip('.')}.gatherer", out.topics.position("MSFT")
    codec = group_offsets.told(problem="codec", detail="zip", since="2026-11-22 01:02:03.004")

    def problems(user: Out) -> list[Any]:
        return [one["problem"] for one in user.json("status", code=4)["positions"]]

    for metadata, code in ((codec, "codec"), (b"", None)):
        group_offsets.commit(out.servers, group, topic, 0, 1, metadata)
        expected = problems(replace(out, told=out.servers))
        assert [one and one["code"] for one in expected] == [None, code]
        deadline = time.monotonic() + 60
        while problems(out) != expected:
            assert time.monotonic() < deadline
            time.sleep(0.3)


def test_watch_goes_through_the_page(out: Out) -> None:
    watch = ("watch", "--from-beginning", "--timeout", "30", "--count")
    found = out.lines(*watch, "4")
    expected = [window(symbol, seconds) for symbol in ("AAPL", "MSFT") for seconds in (10, 60)]
    assert sorted(found, key=str) == sorted((json.loads(one.to_json()) for one in expected), key=str)
    (one,) = out.lines(*watch, "1", "--window", "1m", "--position", "MSFT")
    assert (one["window"], one["symbol"]) == ("1m", "MSFT")
    (signal,) = out.lines("watch", "signals", *watch[1:], "1")
    assert signal == json.loads(SIGNAL.to_json())
    (letter,) = out.lines("watch", "dead-letters", *watch[1:], "1")
    assert (letter["reason"], letter["offset"]) == ("late", 17)
    error: Any = out.run("watch", "signals", "--timeout", "0.3", code=3).exception
    assert "no record came through the dashboard" in error.message


def test_limits_go_through_the_page(out: Out) -> None:
    store = LimitsStore(out.servers, prefix=out.topics.prefix)
    assert out.json("limits", "list") == []
    (limits,) = out.json("limits", "set", "AAPL", "--buy", "95", "--sell", "110", "--horizon", "10m")
    assert (limits["buy"], limits["horizon_seconds"]) == (95, 600)
    assert store.read()["AAPL"].sell == 110
    assert out.json("limits", "list") == [limits]
    refused: Any = out.run("limits", "set", "AAPL", "--sell", "90", code=2).exception
    assert "must be below sell" in refused.message
    refused = out.run("limits", "set", "AAPL", "--regime-low", "2", code=2).exception
    assert "must be below the high one" in refused.message
    assert out.json("limits", "clear", "AAPL") == {"cleared": ["AAPL"]}
    assert store.read() == {}
    assert out.json("limits", "clear", "--all") == {"cleared": []}


def test_the_token_shows_nowhere(out: Out) -> None:
    token = (out.home / "cluster" / "token").read_text().strip()
    result = out.run("status", "-v", code=4)
    assert "config show core.dcos_acs_token" in result.output
    assert token not in result.output


def test_if_brokers_and_page_are_unreachable_both_are_named(out: Out) -> None:
    alone = replace(out, topics=Topics("nobody."))
    error: Any = alone.run("limits", "list", code=3).exception
    assert error.message.startswith(f"no broker answers at {NOWHERE}; the app dashboard does not run")
    assert "--with dashboard" in error.hint
    status = alone.json("status", code=4)
    assert (status["via"], {one["state"] for one in status["positions"]}) == (None, {"unknown"})
    assert "the app dashboard does not run" in status["problem"]
