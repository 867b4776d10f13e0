"""What a new user gets wrong, and what `pipectl` says."""

import os
import signal
import socket
from contextlib import closing

import pytest

from flink_scripts.rest import Rest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("generator.rat=5", ["generator.rat", 'did you mean "rate"']),
        ("generator.rate=fast", ["--set", "generator.rate"]),
        ("gatherer.windows.1m=7s", ["gatherer.windows.1m", "slide"]),
        ("positions=[AAPL, AAPL]", ["AAPL"]),
    ],
)
def test_a_bad_setting_is_named_before_anything_is_contacted(pipectl_elsewhere, setting, said):
    user = pipectl_elsewhere
    for verb in ("validate", "deploy", "render"):
        refused = user.run(verb, "--set", setting, code=2)
        for words in said:
            assert words in refused.stderr
    assert user.processes() == []


def test_a_bad_settings_file_is_named_with_its_line(pipectl_elsewhere, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("generator:\n  rate: 5\n  modle: gbm\n")
    refused = pipectl_elsewhere.run("validate", "-f", str(file), code=2)
    assert f"{file}:3" in refused.stderr
    assert 'did you mean "model"' in refused.stderr


def test_an_unknown_cluster_is_named(pipectl_elsewhere):
    refused = pipectl_elsewhere.run("validate", "--cluster", "prdo", code=2)
    assert "prdo" in refused.stderr
    assert "prod" in refused.stderr


def test_reading_where_nothing_was_deployed_says_so_and_starts_nothing(pipectl_elsewhere):
    user = pipectl_elsewhere
    for args in (
        ["status"],
        ["endpoints"],
        ["watch", "--count", "1"],
        ["limits", "list"],
        ["logs", "gatherer"],
        ["cluster", "env"],
    ):
        refused = user.run(*args, code=4)
        assert "pipectl deploy" in refused.stderr
    status = user.json("status", code=4)
    assert not status["healthy"] and {one["state"] for one in status["components"]} == {"absent"}
    assert user.processes() == []


def test_a_plan_needs_no_cluster_and_starts_none(pipectl_elsewhere):
    user = pipectl_elsewhere
    plan = user.json("plan", code=2)
    assert {change["action"] for change in plan["changes"]} == {"create"}
    assert "position.AAPL" in "".join(plan["changes"][1]["diff"])
    assert "+ kafka " in user.run("plan", "--only", "kafka", code=2).stdout
    refused = user.run("plan", "--only", "gaterer", code=2)
    assert "did you mean gatherer?" in refused.stderr
    assert not user.home.exists() or list(user.home.iterdir()) == []
    assert user.processes() == []


def test_destroy_asks_and_without_a_terminal_refuses(pipectl_elsewhere):
    refused = pipectl_elsewhere.run("destroy", code=2)
    assert "--yes" in refused.stderr


def test_destroy_where_nothing_is_does_nothing(pipectl_elsewhere):
    pipectl_elsewhere.run("destroy", "--yes")
    pipectl_elsewhere.run("destroy", "--yes", "--purge")
    assert not (pipectl_elsewhere.home / "cluster").exists()


def test_an_unwritable_folder_is_named(pipectl_elsewhere, tmp_path):
    blocked = tmp_path / "a-file"
    blocked.write_text("")
    pipectl_elsewhere.home = blocked / "home"
    refused = pipectl_elsewhere.run("deploy", code=1)
    assert str(blocked) in refused.stderr
    assert "PIPECTL_HOME" in refused.stderr


@pytest.mark.long  # cli/test_app_step.py has a taken port without Flink
def test_a_port_that_somebody_took_is_named_and_the_next_deploy_goes_on(pipectl_elsewhere):
    user = pipectl_elsewhere
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        # The rest of the bundle plays no part.
        options = ("--only", "flink-jobmanager", "--set", f"flink.jobmanager.rest_port={port}")
        refused = user.run("deploy", *options, "--set", "timeouts.app=8s", code=3)
        assert f"{port}" in refused.stderr
        assert "taken" in refused.stderr
    user.run("deploy", *options)
    token = (user.home / "cluster" / "secrets" / "flink-token").read_text().strip()
    with closing(Rest(f"127.0.0.1:{port}", token, timeout=30)) as rest:
        assert rest.overview().version


def test_ctrl_c_in_the_middle_then_deploy_again(pipectl_elsewhere):
    user = pipectl_elsewhere
    # A whole deploy on a cluster that starts empty is in test_readme.py.
    options = ("--skip", "flink-taskmanager", "--skip", "gatherer", "--skip", "dashboard")
    process = user.start("deploy", *options, start_new_session=True)
    assert process.stderr is not None
    for line in process.stderr:
        if "flink-jobmanager: creating" in line:
            break
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the `dcos` commands get it too
    _, err = process.communicate(timeout=180)
    assert process.returncode == 130
    assert "pipectl deploy" in err
    assert "Traceback" not in err
    user.run("deploy", *options)
    states = {each["name"]: each["state"] for each in user.json("status", code=4)["components"]}
    assert {name for name, state in states.items() if state == "healthy"} == {
        *("kafka", "topics", "data-generator", "flink-jobmanager")
    }
