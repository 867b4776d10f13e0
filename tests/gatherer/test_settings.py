"""The job's settings and its description; no Flink needed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from gatherer.description import describe
from gatherer.errors import SettingsError
from gatherer.settings import Settings
from gatherer.statements import moving_average_table, prices_table, statistics

BASE = {"KAFKA_BOOTSTRAP_SERVERS": "kafka:9092", "JOB_NAME": "volatility.gatherer"}


def test_defaults() -> None:
    settings = Settings.from_environ(BASE)
    assert (settings.window_ms, settings.slide_ms, settings.watermark_ms) == (10_000, 1_000, 500)
    assert settings.delivery == "exactly-once"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GATHERER_WINDOW_SECONDS", "ten"),
        ("GATHERER_WINDOW_SECONDS", "0"),
        ("GATHERER_WINDOW_SECONDS", "nan"),
        ("GATHERER_SLIDE_SECONDS", "3"),
        ("GATHERER_SLIDE_SECONDS", "0.0005"),
        ("GATHERER_IDLE_SECONDS", "-1"),
        ("GATHERER_DELIVERY", "maybe"),
        ("JOB_NAME", ""),
        ("KAFKA_BOOTSTRAP_SERVERS", ""),
    ],
)
def test_mistakes_name_the_variable(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_environ({**BASE, name: value})


def test_statements_follow_the_settings() -> None:
    settings = Settings.from_environ({**BASE, "TOPIC_PREFIX": "dev.", "GATHERER_WINDOW_SECONDS": "90"})
    assert settings.topics.position_pattern in prices_table(settings)
    assert "'dev.movingaverage'" in moving_average_table(settings)
    assert "sink.transactional-id-prefix" in moving_average_table(settings)
    assert "INTERVAL '0 00:01:30.000' DAY TO SECOND(3)" in statistics(settings)
    loose = Settings.from_environ({**BASE, "GATHERER_DELIVERY": "at-least-once"})
    assert "transaction" not in moving_average_table(loose)


def test_only_window_and_slide_shape_the_state() -> None:
    def state(**environ: str) -> object:
        return json.loads(describe(Settings.from_environ({**BASE, **environ})))["state"]

    assert state() == state(GATHERER_IDLE_SECONDS="60", GATHERER_WATERMARK_SECONDS="2")
    assert state() != state(GATHERER_WINDOW_SECONDS="20")
    assert state() != state(GATHERER_SLIDE_SECONDS="2")


def test_describing_needs_no_flink() -> None:
    code = (
        "import sys, gatherer.__main__ as m; m.main(['--describe']);"
        "sys.exit(any(name.split('.')[0] in ('pyflink', 'confluent_kafka') for name in sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], env=BASE, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["topics"] == ["movingaverage"]
