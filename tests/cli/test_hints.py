"""The commands in hints mean the cluster and the area of the command that failed."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cli.engine.memory import MemoryEngine
from cli.engine.protocol import Manifest
from cli.errors import StepFailed
from cli.hints import complete
from cli.home import remember_cluster
from cli.session import Session
from cli.session_options import session_options
from tests.cli.invoking import invoke


@pytest.mark.parametrize(
    ("hint", "completed"),
    [
        (
            "see `pipectl logs kafka` or `dcos x`",
            "see `pipectl logs kafka --cluster prod --area dev` or `dcos x`",
        ),
        ("`pipectl status --cluster a`", "`pipectl status --cluster a --area dev`"),
        (
            "`pipectl area list` and `pipectl plan`",
            "`pipectl area list --cluster prod` and `pipectl plan --cluster prod --area dev`",
        ),
        ("`pipectl destroy --area test`", "`pipectl destroy --area test --cluster prod`"),
        ("`pipectl destroy --purge --yes`", "`pipectl destroy --purge --yes --cluster prod`"),
    ],
)
def test_a_command_gets_the_options_that_it_lacks(hint: str, completed: str) -> None:
    assert complete(hint, "prod", "dev") == completed
    assert complete(hint, "local", None) == hint


def test_the_hint_of_a_failed_step_names_cluster_and_area(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIPECTL_HOME", str(tmp_path))

    @click.command
    @session_options(reads_only=False)
    def failing(run: Session, output: str) -> None:
        raise StepFailed("app x keeps failing", hint="`pipectl logs x --stderr` shows more")

    done = CliRunner().invoke(failing, ["--cluster", "prod", "--area", "dev"])
    assert "next:  `pipectl logs x --stderr --cluster prod --area dev` shows more" in done.stderr
    logs = invoke(tmp_path, "logs", "gatherer", "--cluster", "local-b", "--area", "dev", code=4)
    assert "`pipectl deploy --cluster local-b --area dev`" in getattr(logs.exception, "hint", "")


@pytest.mark.parametrize(("last", "option"), [(None, ""), ("local", ""), ("prod", " --cluster local")])
def test_a_failed_local_deploy_names_its_cluster_if_the_last_one_was_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: str | None, option: str
) -> None:
    monkeypatch.setenv("PIPECTL_HOME", str(tmp_path))
    if last is not None:
        remember_cluster(last)

    @click.command
    @session_options(reads_only=False)
    def failing(run: Session, output: str) -> None:
        raise StepFailed(f"app x keeps failing{run.option}", hint="`pipectl logs x` shows more")

    said = CliRunner().invoke(failing, []).stderr
    assert f"app x keeps failing{option}\n" in said and f"`pipectl logs x{option}` shows" in said


def test_the_logs_of_a_package_are_those_of_its_own_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = MemoryEngine()
    monkeypatch.setattr("cli.session.connect", lambda *_, **__: engine)
    for service in ("kafka", "cassandra"):
        engine.create(Manifest(f"/{service}", {}, 1, {}, {}))
        engine.printed[f"/{service}.0", "stdout"] = f"this is {service}\n"
    options = ("--cluster", "prod", "--set", "parts=[cassandra]", "--set", "stores.disk=/mnt/shared")
    assert invoke(tmp_path, "logs", "cassandra", *options).stdout == "this is cassandra\n"
    assert invoke(tmp_path, "logs", "kafka", *options).stdout == "this is kafka\n"
