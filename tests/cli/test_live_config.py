"""Commands that only read use the deployed configuration, whatever the settings say."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from cli.commands.destroy import _take_down
from cli.commands.status import _components
from cli.engine.memory import MemoryEngine, MemoryJobs
from cli.engine.protocol import JobStatus
from cli.errors import NotAllowed, PipectlError
from cli.files import write_private
from cli.kafka_keys import Authority
from cli.live_config import live_config, log_in_as_deployed
from cli.planning import plan_of
from cli.progress import Progress
from cli.rollout import carry_out
from cli.session import Session
from cli.steps.bundle import steps_of
from kafka_topic.security import Security

NOWHERE = "kafka.bootstrap_servers='127.0.0.1:1'"
CHANGED = (
    "positions=[AAPL, BRK.B]",
    "topics.prefix=x.",
    "topics.retention={prices: 2d, signals: null}",
    "topics.allow_retention_decrease=true",
    "gatherer.windows={30s: 3s}",
    "signals={regime: {window: 30s}, anomaly: {window: 30s}, limit: {window: 30s}}",
    "gatherer.idle_timeout=5m",
)
REMOVED = ("gatherer.windows.10s=null", "gatherer.windows.1m=null", "gatherer.windows.10m=null")


def run_of(engine: MemoryEngine, *overrides: str) -> Session:
    run = Session("prod", (), (NOWHERE, *overrides), verbose=False)
    run.__dict__["engine"] = engine
    return run


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> MemoryEngine:
    """A cluster on which a bundle with other settings runs."""
    monkeypatch.setattr("cli.steps.base.POLL_SECONDS", 0.0)
    engine = MemoryEngine()
    with Progress() as progress:
        plan = plan_of(run_of(engine, *CHANGED, *REMOVED), engine)
        carry_out(plan, progress, engine.stop, atomic=False)
    return engine


def test_the_live_configuration_is_read_whole(engine: MemoryEngine) -> None:
    theirs = run_of(engine, *CHANGED, *REMOVED).settings
    found = live_config(run_of(engine))
    assert found.positions == ("AAPL", "BRK.B")
    assert found.prefix == "x."
    assert found.windows == ("30s",)
    assert found.freshness == theirs.freshness != run_of(engine).settings.freshness
    assert found.retention == theirs.topics.retention.given
    assert found.retention["prices"] == timedelta(days=2)
    assert "signals" not in found.retention
    assert found.allow_retention_decrease is True


def test_without_a_bundle_it_is_as_the_settings_say() -> None:
    run = run_of(MemoryEngine())
    found = live_config(run)
    assert found.freshness == run.settings.freshness
    assert found.retention == run.settings.topics.retention.given
    assert (found.positions, found.allow_retention_decrease) == (run.settings.positions, False)


def test_an_app_of_others_is_no_bundle_of_ours(engine: MemoryEngine) -> None:
    app = engine.apps()["/volatility/data-generator"]
    engine.put(app, labels={"owner": "them"})
    assert live_config(run_of(engine)).positions == run_of(engine).settings.positions


def test_status_looks_for_the_topics_that_are_deployed(engine: MemoryEngine) -> None:
    run = run_of(engine)
    (topics,) = [one for one in _components(run, engine, live_config(run)) if one["name"] == "topics"]
    assert (topics["state"], topics["detail"].split(";")[0]) == ("healthy", "6/6 topics")


def test_the_topics_that_are_deployed_are_the_ones_deleted(engine: MemoryEngine) -> None:
    run = run_of(engine)
    kept = steps_of(run, running=live_config(run))["topics"]
    assert kept.remove(str, run.stop) is False
    assert len(engine.kafka.topics("kafka")) == 6
    topics = steps_of(run, running=live_config(run), delete_topics=True)["topics"]
    assert topics.remove(str, run.stop) is True
    assert engine.kafka.topics("kafka") == []


def test_what_the_running_app_lacks_is_not_taken_from_the_settings(engine: MemoryEngine) -> None:
    app = engine.apps()["/volatility/gatherer"]
    env = {key: value for key, value in app.env.items() if key != "TOPIC_RETENTION_MS"}
    engine.put(app, env=env)
    with pytest.raises(PipectlError, match="/volatility: TOPIC_RETENTION_MS is missing") as raised:
        live_config(run_of(engine))
    assert raised.value.hint == "`pipectl deploy` restores it"


def test_the_apps_are_removed_even_if_jobs_are_not_allowed(engine: MemoryEngine) -> None:
    class Forbidden(MemoryJobs):
        def all(self) -> Mapping[str, JobStatus]:
            raise NotAllowed(["dcos", "job", "list"], 1, "", "403")

    engine.jobs = Forbidden()
    with Progress() as progress, pytest.raises(NotAllowed) as raised:
        _take_down(run_of(engine), progress, delete_topics=False)
    assert engine.apps() == {}
    assert "gatherer" in str(raised.value.also) and "jobs of the bundle" in str(raised.value.also)


@pytest.mark.parametrize("read", [live_config, log_in_as_deployed])
@pytest.mark.parametrize(
    ("protocol", "words"),
    [("SSL", "kafka.security.folder, the folder with pipectl's own, is not set"), ("TLS", "must be one of")],
)
def test_a_login_that_is_not_in_the_settings_is_an_error(
    engine: MemoryEngine, protocol: str, words: str, read: Callable[[Session], object]
) -> None:
    app = engine.apps()["/volatility/data-generator"]
    engine.put(app, env={**app.env, "KAFKA_SECURITY_PROTOCOL": protocol})
    with pytest.raises(PipectlError, match=words):
        read(run_of(engine))


def test_the_login_is_that_of_the_running_generator(engine: MemoryEngine, tmp_path: Path) -> None:
    write_private(tmp_path / "ca", Authority.create().certificate)
    write_private(tmp_path / "pipectl-password", "hush")
    run = run_of(engine, f"kafka.security.folder={tmp_path}")
    assert log_in_as_deployed(run) == Security()
    app = engine.apps()["/volatility/data-generator"]
    engine.put(app, env={**app.env, "KAFKA_SECURITY_PROTOCOL": "SASL_SSL"})
    login = log_in_as_deployed(run)
    assert (login.protocol, login.user, login.password) == ("SASL_SSL", "pipectl", "hush")


@pytest.mark.parametrize(
    "changed", [{"GATHERER_WINDOWS": "10s"}, {"SIGNALS": "{"}, {"TOPIC_RETENTION_MS": "prices=7d"}]
)
def test_an_environment_changed_by_hand_is_an_error_and_keeps_nobody_from_destroying(
    engine: MemoryEngine, changed: dict[str, str]
) -> None:
    app = engine.apps()["/volatility/gatherer"]
    engine.put(app, env={**app.env, **changed})
    run = run_of(engine)
    with pytest.raises(PipectlError, match="the environment of the apps in /volatility") as raised:
        live_config(run)
    assert raised.value.hint == "`pipectl deploy` restores it"
    with Progress() as progress:
        assert "gatherer" in _take_down(run, progress, delete_topics=False)
    assert engine.apps() == {}
