"""Signals as the job writes them: limits that are set while it runs, and kept when it starts again."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kafka_topic.contracts import Signal
from kafka_topic.limits import LimitsStore

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

START = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
SIGNALS = {
    "regime": {"window": "1m", "high": 5.0, "low": 2.0},
    "anomaly": {"window": "10s", "sigmas": 6.0},
    "limit": {"window": "10m", "horizon_seconds": 300, "probability": 0.5},
}


class Market:
    """Five ticks a second of event time for each symbol, as fast as they are asked for."""

    def __init__(self, bundle: Any, **prices: Callable[[], float]) -> None:
        self._bundle, self._prices, self.second = bundle, prices, 0
        for symbol in prices:
            bundle.create(f"position.{symbol}")

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            for tick in range(5):
                moment = START + timedelta(seconds=self.second, milliseconds=200 * tick)
                for symbol, price in self._prices.items():
                    self._bundle.tick(symbol, moment, f"{price():.2f}")
            self.second += 1
        self._bundle.flush()

    def until(self, condition: Callable[[], Any], what: str) -> Any:
        """Run on, a second at a time, until the condition is true."""

        def met() -> Any:
            self.run(1)
            return condition()

        return self._bundle.wait_until(met, what)


def _signals(bundle: Any, **wanted: str) -> list[Signal]:
    signals = [Signal.from_json(message.value()) for message in bundle.records("signals")]
    return [each for each in signals if all(getattr(each, name) == value for name, value in wanted.items())]


def test_limits_are_set_while_the_job_runs_and_survive_it(bundle: Any) -> None:
    draw = random.Random(11)
    price = 100.0

    def walk() -> float:
        nonlocal price
        price *= 1 + draw.gauss(0, 0.0004)
        return price

    market = Market(bundle, WALK=walk, UNIFORM=lambda: draw.uniform(90, 110))
    limits = LimitsStore(bundle.bootstrap_servers, prefix=bundle.prefix)
    app = bundle.app
    # However long something takes, the clock is that of the ticks.
    app.start(SIGNALS=json.dumps(SIGNALS), GATHERER_IDLE_TIMEOUT_SECONDS="600")
    app.until_healthy()
    market.run(120)
    bundle.wait_until(lambda: len({s.symbol for s in _signals(bundle, kind="regime")}) == 2, "the regimes")
    assert {(s.symbol, s.event) for s in _signals(bundle, kind="regime")} == {
        ("WALK", "low"),
        ("UNIFORM", "high"),
    }
    assert not _signals(bundle, kind="limit")

    # Prices that do not walk are not forecast, and the job says so.
    limits.set(["UNIFORM"], {"buy": 80.0, "sell": 120.0})
    market.until(lambda: len(_signals(bundle, symbol="UNIFORM", event="no_forecast")) >= 2, "no forecast")
    assert all("walk" in s.reason for s in _signals(bundle, symbol="UNIFORM", event="no_forecast"))

    limits.set(["WALK"], {"buy": 1.0, "sell": round(price * 1.001, 2)})
    reached = market.until(lambda: _signals(bundle, symbol="WALK", event="reached"), "the limit")
    assert reached[0].side == "sell"
    assert reached[0].value is not None and reached[0].threshold is not None
    assert reached[0].value >= reached[0].threshold

    # Limits are kept when the job starts again, and so is what was said of them.
    far = round(price * 1.5, 2)
    limits.set(["WALK"], {"sell": far})
    market.until(lambda: market.second % 60 == 0, "a minute")
    assert app.stop() == 0
    said = len(_signals(bundle, symbol="UNIFORM", event="no_forecast"))
    app.start()
    app.until_healthy()
    assert "resuming from" in app.output()
    price = far
    market.until(lambda: len(_signals(bundle, symbol="WALK", event="reached")) >= 2, "the kept limit")
    assert _signals(bundle, symbol="WALK", event="reached")[-1].threshold == far
    assert len(_signals(bundle, symbol="UNIFORM", event="no_forecast")) == said
    assert not _signals(bundle, symbol="UNIFORM", event="likely")

    # A jump like that is an anomaly too, told with the tick that made it.
    above = market.until(lambda: _signals(bundle, symbol="WALK", event="above"), "the anomaly")
    assert above[-1].value is not None and above[-1].threshold is not None
    assert above[-1].value > above[-1].threshold

    # What is no limit is a dead letter, and changes nothing.
    bundle.producer.produce(f"{bundle.prefix}limits", b'{"symbol": "WALK", "buy": "low"}', key=b"WALK")
    limits.clear(["UNIFORM"])
    letter = market.until(lambda: bundle.records("dead_letter"), "the dead letter")[0]
    assert json.loads(letter.value())["topic"] == f"{bundle.prefix}limits"
    assert letter.key() == b"WALK"
    assert app.stop() == 0
