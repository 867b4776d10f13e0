"""`pipectl scale` checks names and numbers before it contacts anything, then scales."""

import pytest
from click.testing import CliRunner

from cli.__main__ import pipectl
from cli.commands import scale
from cli.errors import UsageProblem
from cli.progress import Progress


@pytest.mark.parametrize(
    ("amounts", "said"),
    [
        (["gatherer=2"], "exactly one instance"),
        (["jobmanager=2"], "exactly one instance"),
        (["taskmanger=2"], "did you mean flink-taskmanager?"),
        (["kafka=2"], "no component kafka"),
        (["taskmanager"], "APP=NUMBER"),
        (["taskmanager=-1"], "APP=NUMBER"),
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


@pytest.mark.slow
def test_an_app_is_scaled_and_the_plan_shows_it_as_drift(small):
    small.deploy()
    run = small.session
    run.__dict__["engine"] = small.cluster
    current = small.cluster.apps()[f"{small.group}/flink-taskmanager"]
    # The answer is lost: the number is looked for, and not asked for twice.
    small.fail(at="app update", say="URL [http://x] is unreachable.", after=True)
    scaling = scale._Scaling("flink-taskmanager", 3, {}, current)
    with Progress() as progress:
        scale._carry_out(run, {"flink-taskmanager": scaling}, progress)
    assert small.apps()["flink-taskmanager"]["tasksHealthy"] == 3
    assert len([call for call in small.calls if "app update" in call]) == 1
    plan = small.plan()
    assert plan.changed == ["flink-taskmanager"]
    assert '-  "instances": 3,' in plan.changes["flink-taskmanager"].diff
    small.deploy()
    assert small.apps()["flink-taskmanager"]["instances"] == 1
