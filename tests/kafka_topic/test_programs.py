"""The programs in the READMEs, on signals and limits that are really in Kafka."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kafka_topic.contracts import Signal

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
TIME = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
LIKELY = Signal(
    *("limit", "likely", "AAPL", TIME, "10m", "buy", 96.2, 0.61, 0.5, 0.61, 300, 75),
    "It is likely that 95 is reached within 5m.",
)
OTHERS = [
    Signal("regime", "high", "AAPL", TIME, "1m", None, 96.2, 2.0, 1.0, None, None, None, "It rose."),
    replace(LIKELY, event="unlikely"),
]
REACHED = Signal(
    *("limit", "reached", "MSFT", TIME, None, "sell", 110.5, 110.5, 110, None, None, None), "It is there."
)


def program(readme: str, mark: str) -> str:
    blocks = re.findall(r"```python\n((?:.|\n)*?)```", (ROOT / readme).read_text())
    (block,) = (each for each in blocks if mark in each)
    return "\n".join(line[3:] if line.startswith("   ") else line for line in block.splitlines())


@pytest.fixture
def run(kafka, stage, capsys):
    """Runs a program against topics of the test's own; returns what it printed."""

    def run(text: str, mark: str) -> list[str]:
        # The README's bundle has no prefix; the topics of a test do.
        changed = text.replace(mark, f'{mark}, prefix="{stage.prefix}"')
        assert changed != text
        exec(compile(changed.replace("127.0.0.1:9092", kafka.bootstrap_servers), "README", "exec"), {})  # noqa: S102
        return capsys.readouterr().out.splitlines()

    return run


@pytest.mark.parametrize(
    ("signal", "advice"),
    [
        (LIKELY, "01:02:03 BUY AAPL in about 75 s: 61% likely within 300 s"),
        (replace(LIKELY, lead_seconds=None), "01:02:03 BUY AAPL soon: 61% likely within 300 s"),
        (REACHED, "01:02:03 SELL MSFT now, at 110.50"),
    ],
)
def test_signals_become_advice(stage, run, signal, advice):
    stage.create("signals")
    stage.send("signals", *((each.symbol, each.to_json()) for each in [*OTHERS, signal]))
    assert run(program("README.md", "def advice"), '"127.0.0.1:9092"') == [advice]


def test_limits_are_set_read_and_cleared(stage, run):
    stage.create("limits")
    text = program("kafka_topic/README.md", "LimitsStore")
    assert run(text, '"127.0.0.1:9092"') == ["110.0"]
    assert run(text.replace("store.set", "assert store.read() == {}; store.set"), '"127.0.0.1:9092"') == [
        "110.0"
    ]
