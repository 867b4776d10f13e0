"""The job's settings and its description; no Flink needed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from gatherer.description import describe
from gatherer.kafka import consumer_properties, producer_properties
from gatherer.settings import Settings
from task_runtime.errors import SettingsError

BASE = {"KAFKA_BOOTSTRAP_SERVERS": "kafka:9092", "JOB_NAME": "volatility.gatherer"}
SIGNALS = {"regime": {"window": "1m", "high": 1.0, "low": 0.5}}


def test_defaults() -> None:
    settings = Settings.from_environ(BASE)
    assert settings.windows == (("10s", 10_000, 1_000), ("1m", 60_000, 5_000), ("10m", 600_000, 10_000))
    assert (settings.pane_ms, settings.max_out_of_orderness_ms, settings.max_clock_skew_ms) == (
        1_000,
        500,
        60_000,
    )
    assert settings.statistics == {"median", "mad", "realized_vol", "ewma_vol", "bollinger"}
    assert settings.analysis.signals == {}
    assert settings.delivery == "exactly-once"


def test_signals() -> None:
    analysis = Settings.from_environ({**BASE, "SIGNALS": json.dumps(SIGNALS)}).analysis
    assert analysis.signals == SIGNALS


def test_inputs_are_part_of_what_the_job_is() -> None:
    inputs = [
        {"topic": "prices", "fields": {"time": "price"}, "time": "record"},
        {"pattern": "fx[.](?<symbol>[A-Z]+)", "symbol": "topic", "symbols": {"EUR/USD": "EURUSD"}},
    ]
    given = Settings.from_environ({**BASE, "GATHERER_INPUTS": json.dumps(inputs)})
    assert list(given.inputs) == json.loads(given.inputs_json) == inputs
    assert json.loads(describe(given))["definition"]["inputs"] == inputs
    unset = Settings.from_environ({**BASE, "GATHERER_INPUTS": ""})
    assert unset.inputs_json == "[]"
    assert describe(unset) == describe(Settings.from_environ(BASE)) != describe(given)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GATHERER_WINDOWS", "10s"),
        ("GATHERER_WINDOWS", "ten=1s"),
        ("GATHERER_WINDOWS", "10s=0s"),
        ("GATHERER_WINDOWS", "10s=3s"),
        ("GATHERER_WINDOWS", "60s=1s"),
        ("GATHERER_WINDOWS", "10s=2s,9s=3s"),
        ("GATHERER_WINDOWS", "10s=1s,10s=2s"),
        ("GATHERER_STATISTICS", "median,mode"),
        ("GATHERER_EWMA_HALF_LIFE_SECONDS", "0"),
        ("GATHERER_MAX_CLOCK_SKEW_SECONDS", "soon"),
        ("GATHERER_IDLE_TIMEOUT_SECONDS", "1.9"),
        ("GATHERER_IDLE_TIMEOUT_SECONDS", "nan"),
        ("GATHERER_MAX_OUT_OF_ORDERNESS_SECONDS", "0.0005"),
        ("GATHERER_DELIVERY", "maybe"),
        ("SIGNALS", "high"),
        ("SIGNALS", "[]"),
        ("SIGNALS", '{"regime": {"high": 1.0}}'),
        ("SIGNALS", '{"regime": {"window": "1m"}}'),
        ("SIGNALS", '{"regime": {"window": "2m", "high": 1.0, "low": 0.5}}'),
        ("SIGNALS", '{"regime": {"window": "1m", "high": 1.0, "low": 1.0}}'),
        ("SIGNALS", '{"regime": {"window": "1m", "high": "1", "low": 0.5}}'),
        ("SIGNALS", '{"gap": {"window": "1m", "after_seconds": 1e300}}'),
        ("SIGNALS", '{"regime": {"window": "1m", "high": 1.0, "low": 0.5, "middle": 0.7}}'),
        ("SIGNALS", '{"limit": {"window": "1m", "horizon_seconds": 60, "probability": 1}}'),
        ("SIGNALS", '{"mood": {"window": "1m"}}'),
        ("GATHERER_INPUTS", "prices"),
        ("GATHERER_INPUTS", '{"topic": "prices"}'),
        ("GATHERER_INPUTS", '["prices"]'),
        ("GATHERER_INPUTS", "[{}]"),
        ("GATHERER_INPUTS", '[{"topic": 1}]'),
        ("GATHERER_INPUTS", '[{"topic": "a", "pattern": "b"}]'),
        ("GATHERER_INPUTS", '[{"topic": "a", "key": true}]'),
        ("GATHERER_INPUTS", '[{"topic": "a", "symbol": "value"}]'),
        ("GATHERER_INPUTS", '[{"topic": "a", "symbol": "topic"}]'),
        ("GATHERER_INPUTS", '[{"pattern": "a(.+)", "symbol": "topic"}]'),
        ("GATHERER_INPUTS", '[{"pattern": "a("}]'),
        ("GATHERER_INPUTS", '[{"pattern": ".*"}]'),
        ("GATHERER_INPUTS", '[{"topic": "movingaverage"}]'),
        ("GATHERER_INPUTS", '[{"topic": "a", "time": "iso"}]'),
        ("GATHERER_INPUTS", '[{"topic": "a", "non_positive": 1}]'),
        ("GATHERER_INPUTS", '[{"topic": "a", "fields": {"tyme": "t"}}]'),
        ("GATHERER_INPUTS", '[{"topic": "a", "fields": {"time": "q..t"}}]'),
        ("GATHERER_INPUTS", '[{"topic": "a", "fields": {"time": "q", "price": "q.p"}}]'),
        ("GATHERER_INPUTS", '[{"topic": "a", "symbols": []}]'),
        ("GATHERER_INPUTS", '[{"topic": "a", "symbols": {"EUR/USD": "EUR/USD"}}]'),
        ("JOB_NAME", ""),
        ("KAFKA_BOOTSTRAP_SERVERS", ""),
    ],
)
def test_errors_name_the_variable(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_environ({**BASE, name: value})


def test_kafka_follows_the_settings() -> None:
    settings = Settings.from_environ(
        {
            **BASE,
            "TOPIC_PREFIX": "dev.",
            "GATHERER_IDLE_TIMEOUT_SECONDS": "60",
            "GATHERER_DISCOVERY_INTERVAL_SECONDS": "20",
        }
    )
    consumer = consumer_properties(settings)
    assert consumer["isolation.level"] == "read_committed"
    # The source itself decides where to go on.
    assert consumer["auto.offset.reset"] == "none"
    producer = producer_properties(settings)
    # A commit waits for as long as it can succeed.
    assert producer["transaction.timeout.ms"] == producer["max.block.ms"]
    loose = Settings.from_environ({**BASE, "GATHERER_DELIVERY": "at-least-once"})
    assert not {"transaction.timeout.ms", "max.block.ms"} & producer_properties(loose).keys()


def test_only_panes_shape_the_state() -> None:
    def described(**environ: str) -> dict[str, object]:
        answer: dict[str, object] = json.loads(describe(Settings.from_environ({**BASE, **environ})))
        return answer

    base = described()
    for name, value in {
        "GATHERER_IDLE_TIMEOUT_SECONDS": "60",
        "GATHERER_MAX_CLOCK_SKEW_SECONDS": "90",
        "GATHERER_MAX_OUT_OF_ORDERNESS_SECONDS": "2",
        "TOPIC_PREFIX": "dev.",
        "GATHERER_WINDOWS": "10s=1s,30s=1s",
        "GATHERER_STATISTICS": "mad",
        "GATHERER_EWMA_HALF_LIFE_SECONDS": "7",
        "SIGNALS": json.dumps(SIGNALS),
    }.items():
        other = described(**{name: value})
        assert other["state"] == base["state"], name
        assert other["definition"] != base["definition"], name
    assert described(GATHERER_WINDOWS="10s=2s")["state"] != base["state"]
    assert described(GATHERER_STATISTICS="bollinger")["state"] != base["state"]


def test_a_description_is_the_same_in_every_process() -> None:
    def described(seed: str) -> str:
        argv = [sys.executable, "-m", "gatherer", "--describe"]
        done = subprocess.run(
            argv, env={**BASE, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        )
        return done.stdout

    assert described("1") == described("2")


def test_describing_needs_no_flink() -> None:
    code = (
        "import sys, gatherer.__main__ as m; m.main(['--describe']);"
        "sys.exit(any(name.split('.')[0] in ('pyflink', 'confluent_kafka') for name in sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], env=BASE, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["topics"] == ["movingaverage", "signals", "dead_letter", "limits"]


def test_old_names_of_variables_still_count() -> None:
    old = {
        "GATHERER_WATERMARK_SECONDS": "2",
        "GATHERER_FUTURE_SECONDS": "3",
        "GATHERER_IDLE_SECONDS": "4",
        "GATHERER_DISCOVERY_SECONDS": "6",
    }
    found = Settings.from_environ({**BASE, **old})
    assert (found.max_out_of_orderness_ms, found.max_clock_skew_ms) == (2_000, 3_000)
    assert (found.idle_timeout_ms, found.discovery_interval_ms) == (4_000, 6_000)
