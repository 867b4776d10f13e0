"""Problems that new users reported: long plans, ignored options, untrue messages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cli.__main__ import pipectl
from cli.engine.memory import MemoryEngine
from cli.errors import UsageProblem
from cli.parts import as_deployed
from cli.planning import Plan, plan_of
from cli.progress import Progress
from cli.rollout import carry_out
from cli.session import Session

NOWHERE = "kafka.bootstrap_servers='127.0.0.1:1'"


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> MemoryEngine:
    monkeypatch.setattr("cli.steps.base.POLL_SECONDS", 0.0)
    return MemoryEngine()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PIPECTL_HOME without a cluster."""
    monkeypatch.setenv("PIPECTL_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def invoke(*args: str) -> Result:
    return CliRunner().invoke(pipectl, args)


def run_with(*overrides: str) -> Session:
    return Session("prod", (), (NOWHERE, *overrides), verbose=False)


def deploy(engine: MemoryEngine, run: Session) -> Plan:
    plan = plan_of(run, engine)
    with Progress() as progress:
        carry_out(plan, progress, engine.stop, atomic=False)
    return plan


def test_a_plan_of_an_empty_cluster_fits_a_screen(home: Path) -> None:
    result = invoke("plan")
    assert result.exit_code == 2
    lines = result.stdout.splitlines()
    assert "+ kafka              create  kafka (newest) as service kafka" in lines
    assert "+ topics             create  9 topics" in lines
    assert "+ gatherer           create  1 instance" in lines
    assert lines[-2:] == [
        "Cluster local: 7 to create.",
        "`--full` also shows the definitions of what would be created.",
    ]
    assert len(lines) == 9
    full = invoke("plan", "--full").stdout
    assert '+  "app": "/volatility/gatherer",' in full
    assert "--full" not in full
    assert not home.exists()


def test_a_plan_as_json_has_the_definitions(home: Path) -> None:
    document = json.loads(invoke("plan", "-o", "json").stdout)
    gatherer = next(each for each in document["changes"] if each["name"] == "gatherer")
    assert '+  "app": "/volatility/gatherer",' in "\n".join(gatherer["diff"])


def test_a_purge_without_a_cluster_claims_nothing(home: Path) -> None:
    result = invoke("destroy", "--purge", "--yes")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "Cluster local: removed nothing.",
        "There is no local cluster on this machine.",
    ]
    assert "cluster: there is no local cluster" in result.stderr
    assert json.loads(invoke("destroy", "--purge", "--yes", "-o", "json").stdout)["purged"] is False


@pytest.mark.parametrize(
    ("choice", "excluded"),
    [
        ({"only": ["kafka"]}, True),
        ({"skip": ["dashboard"]}, True),
        ({"only": ["dashboard"]}, False),
        ({}, False),
    ],
)
def test_a_part_that_only_excludes_is_an_error(
    engine: MemoryEngine, choice: dict[str, Any], excluded: bool
) -> None:
    run = run_with("parts=[]")
    if excluded:
        with pytest.raises(
            UsageProblem, match="--with dashboard has no effect: --only or --skip excludes"
        ) as caught:
            plan_of(run, engine, wanted_parts=["dashboard"], **choice)
        assert caught.value.hint == "also choose dashboard, or remove --with dashboard"
    else:
        assert "dashboard" in plan_of(run, engine, wanted_parts=["dashboard"], **choice).changes


def test_topics_of_dropped_positions_stay_and_are_named(engine: MemoryEngine) -> None:
    deploy(engine, run_with("positions=[AAPL, MSFT, TSLA]"))
    fewer = plan_of(run_with("positions=[AAPL]"), engine)
    note = "position.MSFT, position.TSLA stay with their records: no longer in `positions`"
    assert note in fewer.changes["topics"].notes
    deploy(engine, fewer.run)
    assert {"position.MSFT", "position.TSLA"} <= engine.kafka.specs.keys()
    assert note not in plan_of(fewer.run, engine).changes["topics"].notes


def test_another_prefix_drops_no_topics(engine: MemoryEngine) -> None:
    deploy(engine, run_with("positions=[AAPL, MSFT]"))
    other = plan_of(run_with("positions=[AAPL]", "topics.prefix=new."), engine)
    assert not [note for note in other.changes["topics"].notes if "no longer" in note]


def test_reading_commands_find_the_kafka_service_that_is_deployed(engine: MemoryEngine) -> None:
    deploy(engine, run_with("kafka.service=data/kafka-2"))
    found = as_deployed(run_with(), engine)
    assert found.settings.kafka.service == "data/kafka-2"
    assert as_deployed(run_with("kafka.service=data/kafka-2"), engine).overrides[1:] == (
        "kafka.service=data/kafka-2",
    )


def test_a_deprecated_name_is_a_warning_once() -> None:
    result = invoke("validate", "--set", "waits.app=7m")
    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        "warning: --set waits.app=7m: waits: deprecated name; write timeouts"
    ]
