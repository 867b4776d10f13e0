"""The daily S&P 500 through the job: replayed with the times of then, and limits judged by what came."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from data_generator.sources.replay import main
from kafka_topic.contracts import Signal
from kafka_topic.limits import LimitsStore
from notebooks import backtest, data
from tests.gatherer.bundle import DATED_BY_BROKER
from tests.gatherer.exact import key_of
from tests.gatherer.model import Record, check_windows, outcome

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(900)]
SYMBOL, BUY, SELL = "sp500", 1100.0, 1500.0
HORIZON = timedelta(days=30)
FORECAST = {"window": "250d", "horizon_seconds": HORIZON.total_seconds(), "probability": 0.5}


def test_windows_signals_and_a_backtest_of_replayed_prices(
    bundle: Any, sp500: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = f"{bundle.prefix}replay"
    # A deployed position has a topic of its own, which stays empty here.
    for name in ("replay", f"position.{SYMBOL}", "position.PROBE"):
        bundle.create(name, **DATED_BY_BROKER)
    limits = LimitsStore(bundle.bootstrap_servers, prefix=bundle.prefix)
    limits.set([SYMBOL], {"buy": BUY, "sell": SELL})
    limits.set(["PROBE"], {"sell": 1.0})
    bundle.app.start(
        GATHERER_INPUTS=json.dumps([{"topic": topic}]),
        GATHERER_WINDOWS="30d=1d,250d=1d",
        GATHERER_IDLE_TIMEOUT_SECONDS="2",
        SIGNALS=json.dumps({"limit": FORECAST}),
    )
    bundle.app.until_healthy()
    _wait_for_limits(bundle)

    argv = [str(sp500), "--bootstrap-servers", bundle.bootstrap_servers, "--topic", topic]
    done = CliRunner().invoke(main, [*argv, "--time-format", "%m/%d/%Y", "--since", "2000-01-01"])
    assert f"4779 prices are in {topic}; this run wrote 4779" in done.output

    owed = outcome(SYMBOL, [_log(bundle)], bundle.rules)
    due = owed.due()
    assert len(due) > 2 * 6900 and not owed.letters
    # A position's windows come in the order of their ends.
    latest = max(end for _, _, end in due)
    last = {key for key in due if key[2] == latest}
    bundle.wait_until(lambda: last <= {*map(key_of, bundle.so_far()[-100:])}, f"the windows {last}")
    assert bundle.app.stop() == 0, bundle.app.output()
    check_windows((each for each in bundle.averages() if each["symbol"] == SYMBOL), [owed], due)
    assert not bundle.records("dead_letter")

    environ = {"KAFKA_BOOTSTRAP_SERVERS": bundle.bootstrap_servers, "TOPIC_PREFIX": bundle.prefix}
    for name, value in (environ | {"POSITIONS": SYMBOL}).items():
        monkeypatch.setenv(name, value)
    ticks = data.ticks(minutes=60, source="replay")
    assert len(ticks) == 4779 and ticks["ts"].iloc[-1] == datetime(2018, 12, 31, tzinfo=UTC)
    forecasts = backtest.forecasts(data.signals(positions=[SYMBOL]), until=ticks["ts"].max())
    # As many as the analysis makes by itself, and each is judged as the prices say.
    assert (len(forecasts), forecasts["reached"].sum()) == (41, 25)
    for each in forecasts.itertuples():
        came = ticks[(ticks["ts"] >= each.time) & (ticks["ts"] <= each.time + HORIZON)]["price"]
        hit = (came <= BUY).any() if each.side == "buy" else (came >= SELL).any()
        assert hit == each.reached


def _log(bundle: Any) -> list[Record]:
    return [
        Record(each.topic(), each.partition(), each.offset(), each.timestamp()[1], each.value())
        for each in bundle.records("replay")
    ]


def _wait_for_limits(bundle: Any) -> None:
    """Wait until the job has applied all limits, by a signal on the last ones."""
    # Each look adds a day, so it begins long ago.
    day = datetime(2001, 1, 1, tzinfo=UTC)

    def applied() -> bool:
        nonlocal day
        day += timedelta(days=1)
        bundle.tick("PROBE", day, "2.00")
        bundle.flush()
        signals = (Signal.from_json(each.value()) for each in bundle.records("signals"))
        return any((each.symbol, each.event) == ("PROBE", "reached") for each in signals)

    bundle.wait_until(applied, "the limits")
