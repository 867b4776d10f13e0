"""`pipectl promote`, with the in-memory engine as the target and answers of the source made up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cli.engine.memory import MemoryEngine
from cli.engine.surroundings import Quota
from kafka_topic.contracts import MovingAverage
from tests.cli.invoking import invoke

IMAGE = "registry.example.com/volatility:7"
SOURCE = ("--set", f"image={IMAGE}", "--set", "positions=[AAPL, X.Y]")
HEALTHY = {"changed": False, "changes": [], "healthy": True, "components": [{"name": "gatherer"}]}


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> MemoryEngine:
    """The cluster prod."""
    engine = MemoryEngine()
    monkeypatch.setattr("cli.session.connect", lambda *_, **__: engine)
    monkeypatch.setattr("cli.steps.base.POLL_SECONDS", 0.0)
    monkeypatch.setattr("cli.steps.app.TRUSTED_AFTER", timedelta(0))
    monkeypatch.setattr("cli.commands.deploy.set_initial_limits", lambda run: False)
    monkeypatch.setattr("cli.verify.fresh_records", _records)
    return engine


def _records(bundle: Any, **_: object) -> dict[str, MovingAverage]:
    end = datetime(2026, 1, 1, tzinfo=UTC)
    window = end - timedelta(seconds=10), end
    record = (*window, 1, 1.0, 1.0, 1.0, 1.0, None, None)
    return {symbol: MovingAverage(symbol, *record) for symbol in bundle.positions}


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The cluster dev. asked: the commands of `pipectl` that were run there."""
    made = SimpleNamespace(answers={}, asked=[])

    def asked(*command: str) -> tuple[dict[str, Any] | None, str]:
        made.asked.append(command)
        return made.answers.get(command[0], (HEALTHY, ""))

    monkeypatch.setattr("cli.commands.promote.asked", asked)
    return made


def promote(home: Path, *options: str, code: int = 0) -> Any:
    return invoke(home, "promote", "--from", "dev", "--to", "prod", *SOURCE, *options, code=code)


def test_the_plan_is_shown_and_nothing_is_created_without_consent(
    tmp_path: Path, target: MemoryEngine, source: SimpleNamespace
) -> None:
    refused = promote(tmp_path, code=2)
    assert "create gatherer" in str(refused.exception)
    assert "no terminal to ask on" in str(refused.exception)
    assert f'promotes image="{IMAGE}"' in refused.output
    assert "+ gatherer " in refused.output
    assert target.apps() == {}


def test_the_bundle_of_the_source_runs_with_the_sizes_of_the_target(
    tmp_path: Path, target: MemoryEngine, source: SimpleNamespace
) -> None:
    saved = tmp_path / "promoted.yaml"
    promote(tmp_path, "--yes", "--save", str(saved))
    apps = target.apps()
    gatherer, manager = apps["/volatility/gatherer"].observed, apps["/volatility/flink-taskmanager"].observed
    assert gatherer["container"]["docker"]["image"] == IMAGE
    assert apps["/volatility/data-generator"].env["POSITIONS"] == "AAPL,X.Y"
    assert (manager["instances"], manager["cpus"], manager["mem"]) == (2, 2, 4096)
    # The source was asked with its own options.
    assert [command[0] for command in source.asked] == ["plan", "status"]
    assert all(command[1:7] == ("--cluster", "dev", *SOURCE) for command in source.asked)
    # With the saved settings, a later deploy of the target changes nothing.
    invoke(tmp_path, "plan", "--cluster", "prod", "-f", str(saved))
    assert "write them to a file with --save" in promote(tmp_path, "--yes").output


def test_a_part_that_the_source_was_deployed_with_is_promoted(
    tmp_path: Path, target: MemoryEngine, source: SimpleNamespace
) -> None:
    running = [{"name": "gatherer"}, {"name": "dashboard"}, {"name": "stream-to-disk"}]
    source.answers["status"] = ({**HEALTHY, "components": running}, "")
    # What the part needs besides is for the target's own settings to say.
    refused = promote(tmp_path, "--yes", code=2)
    assert 'promotes parts=["dashboard", "spark"]' in refused.output
    assert "part spark needs stores.disk" in str(refused.exception)


def test_a_bundle_is_promoted_from_one_area_of_a_cluster_to_another(
    tmp_path: Path, target: MemoryEngine, source: SimpleNamespace
) -> None:
    target.areas.put("prod", Quota())
    command = ("promote", "--from", "prod", "--from-area", "test", "--to", "prod", *SOURCE, "--yes")
    done = invoke(tmp_path, *command, "--to-area", "prod")
    assert "--save and deploy with -f\n" in done.output
    assert "/prod/volatility/gatherer" in target.apps()
    assert target.apps()["/prod/volatility/data-generator"].env["POSITIONS"] == "AAPL,X.Y"
    assert all(asked[1:5] == ("--cluster", "prod", "--area", "test") for asked in source.asked)
    refused = invoke(tmp_path, *command, "--to-area", "test", code=2)
    assert "name the same cluster" in str(refused.exception)
    unknown = invoke(tmp_path, *command, "--to-area", "tset", code=2)
    assert "unknown area" in str(unknown.exception)


@pytest.mark.parametrize(
    ("command", "answer", "said"),
    [
        ("plan", (None, "cannot run `dcos`"), "cannot compare dev with its settings: cannot run `dcos`"),
        (
            "plan",
            ({"changed": True, "changes": [{"name": "gatherer", "action": "update"}]}, ""),
            "dev is not as its settings say: a deploy would update gatherer",
        ),
        ("status", (None, "no answer within 90 s"), "dev is not healthy, so it is not promoted: no answer"),
        ("status", ({"healthy": False}, ""), "dev is not healthy, so it is not promoted"),
    ],
)
def test_only_a_healthy_source_that_is_as_its_settings_say_is_promoted(
    tmp_path: Path, target: MemoryEngine, source: SimpleNamespace, command: str, answer: Any, said: str
) -> None:
    source.answers[command] = answer
    refused = promote(tmp_path, "--yes", code=4 if command == "status" else 1)
    assert said in str(refused.exception)
    assert target.apps() == {}
