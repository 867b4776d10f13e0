"""The broker is killed while replay and census write: exactly N of each are there in the end."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from data_generator.sources import census, exact
from kafka_topic.contracts import CensusValue, Price

SECONDS = 120.0
# A broker takes more than a minute to start on a busy machine.
PATIENCE = "600"
START = datetime(2020, 1, 1, tzinfo=UTC)
PRICES = [(START + timedelta(seconds=n), f"S{n % 3}", (10_000 + n) / 100) for n in range(9000)]


class KilledBeforeCommit:
    """A producer whose broker has all records of its first transaction, and is killed before the commit."""

    def __init__(self, producer: Any, kafka: Any) -> None:
        self._producer, self._kafka, self.kills = producer, kafka, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._producer, name)

    def commit_transaction(self, seconds: float) -> None:
        if not self.kills:
            self.kills += 1
            assert self._producer.flush(SECONDS) == 0
            self._kafka.kill()
            self._kafka.start()
        self._producer.commit_transaction(seconds)


def replayed(kafka: Any, file: Path, topic: str, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "data_generator.sources.replay", str(file), "--topic", topic, *options]
    servers = ("--bootstrap-servers", kafka.bootstrap_servers, "--patience", PATIENCE)
    return subprocess.Popen([*command, *servers], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def wait_for_more(kafka: Any, topic: str, than: int, replay: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + SECONDS
    while len(kafka.records(topic)) <= than:
        assert replay.poll() is None and time.monotonic() < deadline, f"waited for more than {than} prices"
        time.sleep(0.1)


@pytest.mark.slow
def test_neither_replay_nor_census_loses_or_doubles_a_record(kafka, tmp_path, monkeypatch):
    kafka.create("replay-killed", "census-killed")
    file = tmp_path / "prices.csv"
    lines = (f"{ts.isoformat()},{symbol},{price}\n" for ts, symbol, price in PRICES)
    file.write_text("ts,symbol,price\n" + "".join(lines))
    # At this pace, it would take minutes.
    replay = replayed(kafka, file, "replay-killed", "--speed", "20")
    try:
        wait_for_more(kafka, "replay-killed", 0, replay)
        open_producer, made = exact._producer, []

        def producer(target: exact.Target) -> Any:
            made.append(
                KilledBeforeCommit(open_producer(target), kafka) if not made else open_producer(target)
            )
            return made[-1]

        monkeypatch.setattr(exact, "_producer", producer)
        argv = ["--bootstrap-servers", kafka.bootstrap_servers, "--topic", "census-killed"]
        argv += ["--patience", PATIENCE]
        done = CliRunner().invoke(census.main, argv)
        assert done.exit_code == 0 and "255 values" in done.output, done.output
        assert made[0].kills == 1
        wait_for_more(kafka, "replay-killed", len(kafka.records("replay-killed")), replay)
        replay.send_signal(signal.SIGTERM)
        said, _ = replay.communicate(timeout=SECONDS)
        assert replay.returncode == 1 and "run it again to write the missing records" in said, said
    finally:
        replay.kill()
    before = len(kafka.records("replay-killed"))
    assert 0 < before < len(PRICES)
    rest, _ = replayed(kafka, file, "replay-killed").communicate(timeout=SECONDS)
    assert f"9000 prices are in replay-killed; this run wrote {len(PRICES) - before}" in rest
    prices = [Price.from_json(each.value()) for each in kafka.records("replay-killed")]
    assert [(each.ts, each.symbol, each.price) for each in prices] == PRICES
    values = [CensusValue.from_json(each.value()) for each in kafka.records("census-killed")]
    assert Counter(values) == Counter(census.values_of(census._FILE))
