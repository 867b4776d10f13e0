"""`pipectl scale` checks names and numbers before it contacts anything, then scales."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from click.testing import CliRunner

import marathon
from cli.__main__ import pipectl
from cli.commands import scale
from cli.engine.memory import MemoryEngine
from cli.engine.protocol import Manifest
from cli.errors import UsageProblem
from cli.progress import Progress
from marathon import App
from tests.settings import load_settings


@pytest.mark.parametrize(
    ("amounts", "said"),
    [
        (["gatherer=2"], "exactly one instance"),
        (["jobmanager=2"], "exactly one instance"),
        (["taskmanger=2"], "did you mean flink-taskmanager?"),
        (["kafka=2"], "no component kafka"),
        (["taskmanager"], "APP=NUMBER"),
        (["taskmanager=-1"], "APP=NUMBER"),
        (["taskmanager=²"], "APP=NUMBER"),
        ([f"taskmanager={'9' * 5000}"], "APP=NUMBER"),
        (["taskmanager=2", "flink-taskmanager=3"], "is given twice"),
        (["taskmanager=0"], "flink.taskmanager.instances"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_contacted(tmp_path, amounts, said):
    refused = CliRunner(env={"PIPECTL_HOME": str(tmp_path)}).invoke(
        pipectl, ["scale", *amounts], standalone_mode=False
    )
    error = refused.exception
    assert isinstance(error, UsageProblem)
    assert error.exit_code == 2
    assert said in f"{error.message} {error.hint}"
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def engine(monkeypatch):
    """The engine of every session."""
    engine = MemoryEngine()
    monkeypatch.setattr("cli.session.connect", lambda *_, **__: engine)
    monkeypatch.setattr("cli.steps.app.TRUSTED_AFTER", timedelta(0))
    return engine


def generator(instances: int) -> App:
    settings = load_settings("prod", overrides=[f"generator.instances={instances}"])
    return marathon.render(settings).apps["data-generator"]


@pytest.mark.parametrize(("before", "after", "of_settings"), [(1, 2, 1), (2, 1, 1), (1, 3, 2), (2, 0, 2)])
def test_generators_that_are_scaled_are_as_a_deploy_of_that_number_makes_them(
    engine, before, after, of_settings
):
    """Whatever number the settings have: it is the deployed one that changes."""
    deployed = Manifest.of(generator(before))
    engine.create(replace(deployed, env={**deployed.env, "GENERATOR_RATE": "7"}))
    args = ["scale", f"generator={after}", "--cluster", "prod", "-o", "json"]
    done = CliRunner().invoke(pipectl, [*args, "--set", f"generator.instances={of_settings}"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["scaled"] == {"data-generator": {"from": before, "to": after}}
    scaled, wanted = engine.apps()[deployed.id], Manifest.of(generator(after))
    assert (scaled.instances, scaled.labels) == (after, wanted.labels)
    # Scaling leaves other differences from the settings alone.
    assert scaled.env == {**wanted.env, "GENERATOR_RATE": "7"}


@pytest.mark.parametrize("given", [5, 4])
def test_the_workers_of_spark_are_scaled(engine, given):
    """Whether the setting that enabled them is given or not."""
    part = [
        "image=x:1",
        "parts=[spark]",
        "stores.disk=/mnt/results",
        "spark.secret=s",
        "spark.standalone.enabled=true",
    ]
    settings = load_settings("prod", overrides=part)
    engine.create(Manifest.of(marathon.render(settings).apps["spark-worker"]))
    options = [word for each in part[:given] for word in ("--set", each)]
    done = CliRunner().invoke(pipectl, ["scale", "worker=3", "--cluster", "prod", "-o", "json", *options])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["scaled"] == {"spark-worker": {"from": 2, "to": 3}}


@pytest.mark.slow
def test_an_app_is_scaled_and_the_plan_shows_it_as_drift(small):
    small.deploy()
    run = small.session
    run.__dict__["engine"] = small.cluster
    current = small.cluster.apps()[f"{small.group}/flink-taskmanager"]
    # The answer is lost: the number is looked for, and not asked for twice.
    small.fail(at="app update", say="URL [http://x] is unreachable.", after=True)
    scaling = scale._Scaling("flink-taskmanager", 3, current.env, current.labels, current)
    with Progress() as progress:
        scale._carry_out(run, {"flink-taskmanager": scaling}, progress)
    assert small.apps()["flink-taskmanager"]["tasksHealthy"] == 3
    assert len([call for call in small.calls if "app update" in call]) == 1
    plan = small.plan()
    assert plan.changed == ["flink-taskmanager"]
    assert '-  "instances": 3,' in plan.changes["flink-taskmanager"].diff
    small.deploy()
    assert small.apps()["flink-taskmanager"]["instances"] == 1
